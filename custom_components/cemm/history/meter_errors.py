"""What fails for one meter of a CEMM, and may well work for the others."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from custom_components.cemm.client import (
    AuthenticationError,
    CemmError,
    CemmResponseError,
    CemmStatusError,
    NotConnectedError,
)


@contextmanager
def contained(alias: str, failed: dict[str, CemmError]) -> Iterator[None]:
    """Note in ``failed`` what is the meter's own, and raise what concerns the CEMM."""
    try:
        yield
    except AuthenticationError:
        raise
    except (CemmStatusError, CemmResponseError) as err:
        failed[alias] = err


def raise_any(failed: Mapping[str, CemmError]) -> None:
    """Raise one of the errors noted, if there are any.

    That a meter is not connected is none: it may be again, and is asked then.
    """
    for err in failed.values():
        if not isinstance(err, NotConnectedError):
            raise err
