"""What rows of a statistic should be, and why. Nothing here does I/O.

Each reason to change rows is one function here: it says what should be there, and
`difference` what has to be done for it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from custom_components.cemm.days import DAY, HOUR
from custom_components.cemm.meters.breaks import Break

from .rows import TOLERANCE, Hole, Row

# A state that does not change for so long (seconds) after a break never will.
_SHOWN_WITHIN = 10 * DAY

# A reading that fell by less than this (kWh, m³) may be back by the end of a row.
_SMALL_FALL = 20.0

# How far the day data, which is rounded, may be off: a part of what was used, and kWh or m³.
_ROUGHLY = 0.05
_ROUNDED = 0.005


class Why(StrEnum):
    """The reasons to change rows."""

    BREAK = "its states mean something else"
    """The sum has booked that as use."""
    HOLE = "hours were missing"
    """Or the recorder did not see their end."""
    RESTART = "its sum had begun at 0 again"
    OTHER = "another counter was before it"
    """Its readings and those of this one have nothing to do with each other."""
    LATE = "readings came after their hours"
    GUESS = "a day was a guess"


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
    pending: list[Break] = []
    new = list(breaks)
    for old, row in pairwise(rows):
        while new and new[0].at < row.start + length:
            pending.append(new.pop(0))
        found = _shown_in(row, old, pending, told)
        pending = [each for each in pending if each not in told]
        if found:
            change = found[0].before - old.state + row.state - found[-1].after
            change += sum(b.before - a.after for a, b in pairwise(found))
            change += sum(each.use for each in found)
            wants.append(Want(row.start, row.state, change, Why.BREAK))
    return wants, told


def _shown_in(
    row: Row, old: Row, pending: Sequence[Break], told: list[Break]
) -> list[Break]:
    """Return the breaks of which a row shows the new state; ``told`` gets all it tells of.

    That may be much later than a break was noted, if Home Assistant was killed in between,
    and never if it then went on from there as if nothing had been.
    """
    was_reset = abs(row.sum - old.sum - (row.state - old.state)) > TOLERANCE
    if not pending:
        return []
    last = pending[-1]
    if _is_same(row.state, pending[0].before) and not was_reset:
        if _is_same(row.state, last.after):
            # There and back again, and nobody has seen it.
            told += pending
        return []
    # The last state before the next one tells; that takes the place of one never shown.
    found = [a for a, b in pairwise(pending) if _is_shown(b.before, a)]
    told += pending[:-1]
    if _is_shown(row.state, last) or (was_reset and not found):
        found.append(last)
    elif _is_same(row.state, last.before):
        return found
    told.append(last)
    return found


def _is_same(state: float, other: float) -> bool:
    return abs(state - other) <= TOLERANCE


def _is_shown(state: float, each: Break) -> bool:
    """Whether a state after a break is one of the new meaning."""
    if _is_same(state, each.before):
        return False
    if each.before - each.after < _SMALL_FALL and state < each.before:
        return True
    return abs(state - each.after) <= abs(state - each.before)


def never_shown(rows: Sequence[Row], each: Break) -> bool:
    """Whether a break that is not told by any row never will be."""
    return bool(rows) and rows[-1].start > each.at + _SHOWN_WITHIN


def want_restarts(pairs: Sequence[Hole]) -> list[Want]:
    """Return what rows should be with which a sum began at 0 again.

    It is then no more than was used since the row before, and less than the sum of that.
    """
    wants = []
    for old, row in ((pair.before, pair.after) for pair in pairs):
        change = row.state - old.state
        least, most = min(0.0, change) - TOLERANCE, max(0.0, change) + TOLERANCE
        if least <= row.sum <= most and abs(row.sum) < abs(old.sum) - TOLERANCE:
            wants.append(Want(row.start, row.state, change, Why.RESTART))
    return wants


def want_late(
    hole: Hole,
    used: Sequence[float],
    unknown: Sequence[float],
    late: int,
    early: float = 0.0,
) -> list[Want]:
    """Return the rows between two whose readings came some hours ``late``.

    What was used in the last of these hours is not in the reading after them yet. So much
    was used ``early`` that it is in the reading after the first row, and not in that of it.
    """
    last = len(used) - 1 - late
    shown = [0.0, *(early + used[min(n, last)] for n in range(1, len(used)))]
    apart = abs(hole.after.state - hole.before.state - shown[-1])
    # A margin as wide as an hour's use would let any lateness pass.
    if apart > _ROUGHLY * shown[-1] + _ROUNDED or unknown[-1 - late]:
        return []
    wants = want_hole(hole, shown, [0.0] * len(shown))
    return [replace(want, why=Why.LATE) for want in wants]


def want_hole(
    hole: Hole,
    used: Sequence[float],
    unknown: Sequence[float],
    known_since: float = 0.0,
) -> list[Want]:
    """Return the rows of a hole and of the hour after it.

    ``used`` is what was counted until each of the hole's times, ``unknown`` how many
    minutes were not measured. The neighbours' readings and sums tell how much was used
    between them, and ``used`` only when. Where these contradict each other, the meter is
    another one, and only ``used`` is known. So may it be where the row before is older than
    what is known of the statistic. Nothing is returned when the sum falls across
    the hole: it is not known why, so it is not covered up.
    """
    before, after = hole.before, hole.after
    # The CEMM does not tell of the last minute of a day.
    measured = unknown[-1] < len(used)
    change, rise, why = _rise(hole, used[-1], measured=measured)
    is_booked = abs(change - rise) <= TOLERANCE
    if (
        before.start < known_since
        and measured
        and is_booked
        and are_apart(change, used[-1])
    ):
        rise, why = used[-1], Why.OTHER
    if rise < -TOLERANCE:
        return []
    states = before.state, before.state + (change if change >= 0 else rise)
    if why is Why.OTHER:
        states = after.state - rise, after.state
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


def are_apart(change: float, used: float) -> bool:
    """Whether readings contradict the day data too much to be of one counter."""
    return abs(change - used) > (1 + used) / 4


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
