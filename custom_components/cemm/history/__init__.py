"""From the CEMM's history to Home Assistant's statistics."""

from .checkpoint import Checkpoint
from .manager import HistoryManager

__all__ = ["Checkpoint", "HistoryManager"]
