"""What both APIs have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .faults import Fault
from .house import SimMeter


class Refused(Exception):
    """The request gets this HTTP status instead of data."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Answering(Protocol):
    """One of the APIs."""

    def answer(
        self, path: str, query: Mapping[str, str], now: float, faults: Sequence[Fault]
    ) -> Any:
        """Return the document at `path` at the time `now`. Raises Refused.

        `path` is without slashes around it, and `faults` are those of the readings.
        """


def wanted_time(query: Mapping[str, str], now: float) -> int:
    """Return the time that a request for history names, in Unix seconds."""
    text = query.get("time", str(int(now)))
    # Ten digits last until the year 2286; more would be no date.
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Refused(400)
    return int(text)


def describe(meter: SimMeter) -> dict[str, Any]:
    """Return how both APIs list a meter."""
    return {"io_id": meter.io_id, "port": meter.port, "type": meter.type}
