"""Rows of statistics: made by counting back, fitted into holes, kept in step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from custom_components.cemm.days import HOUR

# Float noise, and far below what a meter shows.
_TOLERANCE = 1e-4


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


def restarted(hole: Hole, used: float) -> float:
    """Return what to add to all sums after a hole, 0 if they are in order.

    After an outage longer than the recorder keeps its short-term rows, a sum
    starts at 0 again: it is then no more than what was used within the hole.
    That is the difference of the readings or, after a new meter, ``used``.
    """
    change = hole.after.state - hole.before.state
    if change < 0:
        change = used
    lift = hole.before.sum + change - hole.after.sum
    if abs(lift) <= _TOLERANCE or not 0 <= hole.after.sum <= change + _TOLERANCE:
        return 0.0
    return lift


def lifted(hole: Hole, lift: float) -> Hole:
    """Return a hole after ``lift`` was added to all sums that follow it."""
    return replace(hole, after=replace(hole.after, sum=hole.after.sum + lift))


def fill(hole: Hole, used: Sequence[float], unknown: Sequence[float]) -> list[Row]:
    """Return the missing rows, such that both neighbours stay as they are.

    ``used`` is what was counted until each of the hole's times, ``unknown`` how many
    minutes were not measured; only their shape counts. Where the meter was replaced,
    the readings go on as the old meter's. Nothing is returned when the sum falls
    across the hole: it is not known why, so it is not covered up.
    """
    rise = hole.after.sum - hole.before.sum
    if rise < -_TOLERANCE:
        return []
    change = hole.after.state - hole.before.state
    if change < 0:
        change = rise
    return [
        Row(
            time - HOUR,
            hole.before.state + share * change,
            # A sum must not fall by the noise of floats either.
            min(hole.before.sum + share * rise, hole.after.sum),
        )
        for time, share in zip(hole.times, _shares(rise, used, unknown), strict=True)
    ][1:-1]


def _shares(
    rise: float, used: Sequence[float], unknown: Sequence[float]
) -> list[float]:
    """Return which part of a rise was there at each time, from 0 to 1.

    More than was counted was used while nothing was measured, if there was such a
    time. All else is a matter of scale, or even if nothing was used.
    """
    missing = rise - used[-1]
    if missing > 0 and unknown[-1] >= 1:
        return [
            (amount + missing * minutes / unknown[-1]) / rise
            for amount, minutes in zip(used, unknown, strict=True)
        ]
    whole = used if used[-1] > 0 else range(len(used))
    return [part / whole[-1] for part in whole]
