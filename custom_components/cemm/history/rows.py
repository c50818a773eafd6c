"""Rows of statistics, the holes between them, and rows made by counting back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from custom_components.cemm.days import HOUR

# Float noise, and far below what a meter shows.
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Row:
    """One hour of a counter's statistics, in kWh or m³."""

    start: int
    """Unix time of its full hour; the values are those of the hour's end."""
    state: float
    """The meter reading."""
    sum: float
    """What Home Assistant has counted."""

    @property
    def end(self) -> int:
        """Unix time of the hour's end."""
        return self.start + HOUR


@dataclass(frozen=True, slots=True)
class Anchor:
    """A known reading to count back from, and what its sum is at that time."""

    time: float
    state: float
    sum: float

    @classmethod
    def of(cls, row: Row) -> Anchor:
        """Return a row's values at the time for which they hold."""
        return cls(row.end, row.state, row.sum)


@dataclass(frozen=True, slots=True)
class Hole:
    """Hours that are missing between two rows."""

    before: Row
    after: Row

    @property
    def times(self) -> list[int]:
        """The ends of all hours from that of ``before`` to that of ``after``."""
        return list(range(self.before.end, self.after.end + 1, HOUR))


def holes(rows: Sequence[Row]) -> list[Hole]:
    """Find what is missing between rows, which are in order of time."""
    return [Hole(a, b) for a, b in pairwise(rows) if b.start - a.start > HOUR]


def count_back(
    anchor: Anchor, times: Sequence[float], used: Sequence[float]
) -> list[Row]:
    """Return the rows of the hours that end at ``times``, but for the last time.

    The last time is the anchor's; ``used`` is what was counted from the first
    time until each of them. State and sum keep the anchor's difference, so the
    sum joins the anchor's without a jump. It may well be negative.
    """
    return [
        Row(
            int(time) - HOUR,
            anchor.state - (used[-1] - part),
            anchor.sum - (used[-1] - part),
        )
        for time, part in zip(times[:-1], used[:-1], strict=True)
    ]
