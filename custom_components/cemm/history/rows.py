"""Rows of statistics, the holes between them, and rows made by counting back."""

from collections.abc import Sequence
from dataclasses import dataclass

from custom_components.cemm.days import HOUR

# Float noise, and far below what a meter shows.
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One hour of a counter's statistics, in kWh or m³."""

    start: int
    """Unix time; the values are those of the hour's end."""
    state: float
    """The meter reading."""
    sum: float
    """What Home Assistant has counted."""

    @property
    def end(self) -> int:
        """Unix time of the hour's end."""
        return self.start + HOUR

    def is_like(self, other: Row | None) -> bool:
        """Whether it differs from another row by no more than the noise of floats."""
        return (
            other is not None
            and self.start == other.start
            and abs(self.state - other.state) < TOLERANCE
            and abs(self.sum - other.sum) < TOLERANCE
        )


@dataclass(frozen=True, slots=True)
class Hole:
    """Hours that are missing between two rows."""

    before: Row
    after: Row

    @property
    def times(self) -> list[int]:
        """The ends of all hours from that of ``before`` to that of ``after``."""
        return list(range(self.before.end, self.after.end + 1, HOUR))


def margin(used: float) -> float:
    """Return how far amounts may be off: rounding, and clocks that differ a little."""
    return 0.05 + 0.01 * used


def count_back(
    anchor: Row,
    times: Sequence[int],
    used: Sequence[float],
    origins: Sequence[tuple[float, float]] = (),
) -> list[Row]:
    """Return the rows of the hours that end at all ``times`` except the last one.

    That is the end of the anchor; ``used`` is what was counted from the first time
    until each of them. The sum joins the anchor's without a jump, and may well be
    negative. So does the state, except where a known reading tells of another meter:
    ``origins`` are the Unix times of readings, and what they would be at the first time.
    """
    origin = anchor.state - used[-1]
    # A reading that agrees with none beside it is no meter's.
    values = [value for _, value in origins]
    beside = zip(origins, [*values[:1], *values], [*values[1:], origin], strict=False)
    older = [each for each, *others in beside if _agrees(each[1], others)]
    rows = []
    for time, part in zip(times[-2::-1], used[-2::-1], strict=True):
        while older and older[-1][0] >= time:
            _, other = older.pop()
            origin = origin if _agrees(origin, [other]) else other
        if older and part + origin < 0:
            # It was replaced in this time, and this is the old one.
            origin = older[-1][1]
        rows.append(Row(time - HOUR, part + origin, anchor.sum - (used[-1] - part)))
    return rows[::-1]


def _agrees(origin: float, others: Sequence[float]) -> bool:
    return any(abs(origin - other) <= margin(0) for other in others)
