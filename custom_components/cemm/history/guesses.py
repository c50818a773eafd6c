"""Days that were imported without all of their data are counted again when it is there."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import groupby, pairwise

from custom_components.cemm.client import Period
from custom_components.cemm.days import HOUR

from .apply import async_apply, async_write
from .count import count_hours
from .counters import Counter
from .healing import Healer
from .look import Look
from .profile import Day, known_since
from .questions import Question
from .recorder import async_joined, async_oldest, async_rows
from .rows import Hole, Row, margin
from .usage import Use
from .want import Difference, Move, Why, are_apart, difference, want_hole

# What is counted again may differ by this (kWh, m³) through rounding.
_SAME = 1e-3

# Seconds after a day by which all of its rows may be written.
_ALL_THERE = 3 * HOUR


async def async_recount(healer: Healer, look: Look, by: float) -> None:
    """Ask again for what is due by then; raises CemmError for the CEMM."""
    counters = look.ready
    for alias, guessed in list(healer.ledger.guesses.items()):
        due = sorted(day for day, again_at in guessed.items() if again_at <= by)
        of_alias = [counter for counter in counters if counter.alias == alias]
        failing: Collection[Question] = ()
        # An older day goes on from what a newer one moves.
        for day in reversed(due if of_alias else []):
            # As long as its month is not known, there is nothing to ask about a day.
            if (alias, Period.MONTH, day.replace(day=1)) in failing:
                continue
            with look.contained(alias):
                await _async_day(healer, look, day, of_alias)
            if day < look.today:  # There is no month data of today to ask for.
                failing = healer.reader.failing
        if due:
            healer.reader.forget(alias, due[0])


async def _async_day(
    healer: Healer, look: Look, day: date, counters: Sequence[Counter]
) -> None:
    alias = counters[0].alias
    found = await healer.reader.meter_days(alias, day, day, look.today)
    if again := healer.reader.unknown(alias, [day]):
        await healer.ledger.async_guess(alias, again)
        return
    for _, group in groupby(counters, lambda counter: counter.rule.day):
        of_channel = list(group)
        uses = await healer.hass.async_add_executor_job(
            partial(count_hours, found, of_channel, found[-1].start, found[-1].end)
        )
        for counter, use in uses.items():
            async with healer.lock:
                await _async_put_right(healer, counter, found, use)
    if look.newest >= found[-1].end:
        await healer.ledger.async_know(alias, day)
    else:
        # What follows on its last rows so far was a guess as well.
        await healer.ledger.async_guess(alias, {day: found[-1].end + _ALL_THERE})


async def _async_put_right(
    healer: Healer, counter: Counter, days: Sequence[Day], use: Use
) -> None:
    """Write a day's rows again; where its use was another one, all later sums move.

    Of the day those that are there: today is not over. What is to be done follows from the
    rows at each step, so that it may end at any.
    """
    hass, start, end = healer.hass, days[-1].start, days[-1].end
    rows = await async_joined(hass, counter, start, end)
    if len(rows) < 2:
        oldest = await async_oldest(hass, counter)
        is_known = known_since(days[-1:], counter.rule.day) is not None
        if oldest and oldest.start == end and is_known:
            # Without it the CEMM's memory seemed to begin later: the import goes on.
            healer.ledger.imported.pop(counter.entity_id, None)
        return
    there = slice((rows[0].end - start) // HOUR, (rows[-1].end - start) // HOUR + 1)
    used, unknown = ([part - each[there][0] for part in each[there]] for each in use)
    joined = healer.ledger.imported.get(counter.entity_id, 0.0)
    theirs = corrections(rows, used, counter.max_rate, joined)
    rows = [replace(row, sum=row.sum - theirs[row.start]) for row in rows]
    before, after, moves = rows[0], rows[-1], list[Move]()
    is_read = any(day.closing for day in days)
    moved, shift = _moved(before, after, used[-1], is_read=is_read)
    if abs(shift) > _SAME:
        older = await async_rows(hass, counter, 0, before.end)
        older = await hass.async_add_executor_job(_shifted, older, shift)
        if older:
            await async_write(hass, counter, older)
        before = replace(before, state=before.state + shift)
    if abs(moved) > _SAME:
        moves = [Move(rows[1].start, -moved)]
        rows = [before, *(replace(row, sum=row.sum - moved) for row in rows[1:])]
    wants = want_hole(Hole(before, rows[-1]), used, unknown)
    found, known = difference([before, rows[-1]], wants), {r.start: r for r in rows}
    written = [
        replace(row, sum=row.sum + theirs[row.start])
        for row in found.rows
        if not row.is_like(known.get(row.start))
    ]
    if what := Difference(moves, written):
        await async_apply(hass, counter, what)
        healer.ledger.note(counter, Why.GUESS, what)


def corrections(
    rows: Sequence[Row], used: Sequence[float], max_rate: float, joined: float
) -> dict[int, float]:
    """Return by how much the sum of each row is more, or less, because the user said so.

    ``used`` is what was counted from the first row until the end of each hour. In an hour
    that was corrected the state goes on as usual, and the sum neither does so nor as it was
    used. The states of all rows before the first hour may have been put right already, and
    what was imported may have ``joined`` a reading that came late.
    """
    before, after = rows[0], rows[-1]
    found, total = {before.start: 0.0}, 0.0
    is_right = abs(after.sum - before.sum - used[-1]) <= _SAME
    states_are_right = abs(after.state - before.state - used[-1]) <= _SAME
    for old, row in pairwise(rows):
        change, rise = row.state - old.state, row.sum - old.sum
        start, end = ((each.end - before.end) // HOUR for each in (old, row))
        told = used[end] - used[start]
        if (
            abs(rise - change) > _SAME
            and abs(rise - told) > margin(told)
            and -_SAME <= change <= max_rate
            and abs(row.end - joined) > _ALL_THERE
            and not (is_right or (states_are_right and old is before))
        ):
            total += rise - change
        found[row.start] = total
    return found


def _moved(
    before: Row, after: Row, used: float, *, is_read: bool
) -> tuple[float, float]:
    """Return by how much the sum between two rows is too much, and the first one's state too low.

    Where readings on both sides told how much it was, the day data only tells when.
    """
    change, rise = after.state - before.state, after.sum - before.sum
    if is_read and abs(change - rise) <= margin(rise):
        return 0.0, 0.0
    if abs(change - rise) <= _SAME:
        return rise - used, rise - used
    # States were put right already, or joined a live one; or this is another meter.
    return rise - used, 0.0 if are_apart(change, used) else change - used


def _shifted(rows: Sequence[Row], amount: float) -> list[Row]:
    """Return rows with other states, as far back as these go on.

    A state that is further from its sum is of another meter, or somebody else's.
    """
    offset = rows[-1].state - rows[-1].sum
    others = (n for n, r in enumerate(rows) if abs(r.state - r.sum - offset) > _SAME)
    first = max(others, default=-1) + 1
    return [replace(row, state=row.state + amount) for row in rows[first:]]
