"""What rows of a statistic should be, and why. Nothing here does I/O.

Each reason to change rows is one function here: it says what should be there, and
`difference` what has to be done for it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, pairwise

from custom_components.cemm.days import DAY, HOUR
from custom_components.cemm.meters.breaks import Break

from .rows import TOLERANCE, Hole, Row

# A row within this time (seconds) after a break must show its new state.
_SHOWN_WITHIN = 2 * HOUR

# How far the day data, which is rounded, may be off: of what was used, and in kWh or m³.
_ROUGHLY = 0.05


class Why(StrEnum):
    """The reasons to change rows."""

    BREAK = "break"
    """The states have changed their meaning; the sum has booked that as use."""
    HOLE = "hole"
    """An hour is missing, or the recorder did not see its end."""
    RESTART = "restart"
    """The recorder has begun its sum at 0 again."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a row should be."""

    start: int
    """Unix time of the row."""
    state: float
    change: float
    """By how much its sum is more than that of the row before."""
    why: Why


def want_breaks(
    rows: Sequence[Row], breaks: Sequence[Break], length: int
) -> tuple[list[Want], list[Break]]:
    """Return what rows around breaks should be, and the breaks that are told by that.

    ``rows`` last ``length`` seconds each and are in order of time; the first one is the
    last before the breaks, which are of one statistic and in order of time too.
    """
    wants: list[Want] = []
    told: list[Break] = []
    located: list[tuple[int | None, Break]] = []
    later: int | None = None
    for each in reversed(breaks):
        # A meaning that no row shows was over before the row that shows the next one.
        index = _row_of(rows, each, length)
        later = min((i for i in (index, later) if i is not None), default=None)
        located.insert(0, (later, each))
    for index, group in groupby(located, key=lambda pair: pair[0]):
        if index is None:
            continue
        found = [each for _, each in group]
        told += found
        old, row = rows[index - 1], rows[index]
        change = found[0].before - old.state + row.state - found[-1].after
        change += sum(b.before - a.after for a, b in pairwise(found))
        change += sum(each.use for each in found)
        wants.append(Want(row.start, row.state, change, Why.BREAK))
    return wants, told


def _row_of(rows: Sequence[Row], each: Break, length: int) -> int | None:
    """Return the index of the row whose change a break is part of; None: not there yet.

    That is the first one that shows the new state: it may be shown much later than the
    break was noted, if Home Assistant was killed in between.
    """
    for index, row in enumerate(rows):
        if index and row.start + length > each.at:
            if abs(row.state - each.after) <= abs(row.state - each.before):
                return index
            if row.start > each.at + _SHOWN_WITHIN:
                break
    return None


def never_shown(rows: Sequence[Row], each: Break) -> bool:
    """Whether a break that is not told by any row never will be."""
    return bool(rows) and rows[-1].start > each.at + _SHOWN_WITHIN


def want_hole(
    hole: Hole, used: Sequence[float], unknown: Sequence[float]
) -> list[Want]:
    """Return the rows of a hole and of the hour after it.

    ``used`` is what was counted until each of the hole's times, ``unknown`` how many
    minutes were not measured. The neighbours' readings and sums tell how much was used
    between them, and ``used`` only when. Where these contradict each other, the meter is
    another one, and only ``used`` is known. Nothing is returned when the sum falls across
    the hole: it is not known why, so it is not covered up.
    """
    before, after = hole.before, hole.after
    change, rise, why = _rise(hole, used[-1], measured=not unknown[-1])
    if rise < -TOLERANCE:
        return []
    states = before.state, before.state + (change if change >= 0 else rise)
    shares = _shares(rise, used, unknown)
    wants = [
        Want(
            time - HOUR,
            states[0] + share * (states[1] - states[0]),
            (share - old) * rise,
            Why.HOLE,
        )
        for time, (old, share) in zip(hole.times[1:], pairwise(shares), strict=True)
    ]
    return [*wants[:-1], replace(wants[-1], state=after.state, why=why)]


def _rise(hole: Hole, used: float, *, measured: bool) -> tuple[float, float, Why]:
    """Return by how much reading and sum should rise across a hole.

    After an outage longer than the recorder keeps its short-term rows, a sum starts at 0
    again: it is then no more than the use within the hole. That is the difference of the
    readings or, after a new meter, ``used``. A young sum is small without that too.
    """
    before, after = hole.before, hole.after
    change, rise = after.state - before.state, after.sum - before.sum
    expected = change if change >= 0 else used
    agree = abs(change - used) <= _ROUGHLY * (1 + used)
    is_long = after.start - before.start >= DAY and (agree or not measured)
    if 0 <= after.sum <= expected + TOLERANCE and (after.sum < before.sum or is_long):
        return change, expected, Why.RESTART
    is_broken = abs(change - rise) > TOLERANCE and not agree
    if is_broken and measured and rise >= -TOLERANCE:
        return change, used, Why.BREAK
    return change, rise, Why.HOLE


def _shares(
    rise: float, used: Sequence[float], unknown: Sequence[float]
) -> list[float]:
    """Return which part of a rise was there at each time, from 0 to 1.

    The use beyond what was counted lies where nothing was measured, if there is such a
    time. Otherwise it is a matter of scale, or spread evenly if nothing was counted.
    """
    missing = rise - used[-1]
    if missing > 0 and unknown[-1] >= 1:
        return [
            (amount + missing * minutes / unknown[-1]) / rise
            for amount, minutes in zip(used, unknown, strict=True)
        ]
    whole = used if used[-1] > 0 else range(len(used))
    return [part / whole[-1] for part in whole]


@dataclass(frozen=True, slots=True)
class Move:
    """An amount to add to all sums since a Unix time."""

    start: int
    amount: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done to rows: first the moves, then the rows."""

    moves: Sequence[Move] = ()
    rows: Sequence[Row] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.moves or self.rows)


def difference(rows: Sequence[Row], wants: Sequence[Want]) -> Difference:
    """Return what has to be done for rows to be as they should.

    Both are in order of time, and the first of the rows is before all wants. A row that
    is wanted and not among them is to be written.
    """
    moves: list[Move] = []
    written: list[Row] = []
    moved = 0.0
    starts = [row.start for row in rows]
    for want in wants:
        index = bisect_left(starts, want.start)
        old, is_there = rows[index - 1], want.start in starts[index : index + 1]
        before = old.sum + moved
        if written and written[-1].start > old.start:
            before = written[-1].sum
        total = before + want.change
        if not is_there:
            written.append(Row(want.start, want.state, total))
        elif abs(amount := total - rows[index].sum - moved) > TOLERANCE:
            moves.append(Move(want.start, amount))
            moved += amount
        else:
            # A sum must not fall by the noise of floats either.
            most = rows[index].sum + moved
            written = [replace(row, sum=min(row.sum, most)) for row in written]
    return Difference(moves, written)
