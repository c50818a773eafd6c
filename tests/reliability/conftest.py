"""What the tests of reliability share."""

from .table import tried

__all__ = ["tried"]
