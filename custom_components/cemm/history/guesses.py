"""Days that were imported without all of their data are counted again when it is there."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from itertools import groupby

from custom_components.cemm.days import HOUR

from .apply import async_apply, async_write
from .count import count_hours
from .counters import Counter
from .healing import Healer
from .look import Look
from .profile import Day
from .recorder import async_rows
from .rows import Hole, Row
from .usage import Use
from .want import Difference, Move, Why, difference, want_hole

# What is counted again may differ by this (kWh, m³) through rounding.
_SAME = 1e-3


async def async_recount(healer: Healer, look: Look, by: float) -> None:
    """Ask again for what is due by then; raises CemmError for the CEMM."""
    counters = look.ready
    for alias, guessed in list(healer.ledger.guesses.items()):
        due = sorted(day for day, again_at in guessed.items() if again_at <= by)
        of_alias = [counter for counter in counters if counter.alias == alias]
        # An older day goes on from what a newer one moves.
        for day in reversed(due if of_alias else []):
            with look.contained(alias):
                await _async_day(healer, look.today, day, of_alias)
        if due:
            healer.reader.forget(alias, due[0])


async def _async_day(
    healer: Healer, today: date, day: date, counters: Sequence[Counter]
) -> None:
    alias = counters[0].alias
    found = await healer.reader.meter_days(alias, day, day, today)
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
    await healer.ledger.async_know(alias, day)


async def _async_put_right(
    healer: Healer, counter: Counter, days: Sequence[Day], use: Use
) -> None:
    """Write a day's rows again; where its use was another one, older rows move."""
    hass, start, end = healer.hass, days[-1].start, days[-1].end
    rows = await async_rows(hass, counter, start - HOUR, end)
    if not rows or rows[0].end != start or rows[-1].end != end:
        return
    before, after, older = rows[0], rows[-1], list[Row]()
    moved = after.sum - before.sum - use[0][-1]
    # Readings on both sides tell how much it was, and the day data only when.
    if abs(moved) > _SAME and not any(day.closing for day in days):
        older = await async_rows(hass, counter, 0, start)
        older = await hass.async_add_executor_job(_moved, older, moved)
        before = older[-1]
    what = difference([before, after], want_hole(Hole(before, after), *use))
    # All at once, as nobody could tell later what has been moved already; and back, so
    # that the sums begin where they did.
    if wanted := [*older, *what.rows]:
        await async_write(hass, counter, wanted)
        back = [Move(older[0].start, -moved)] if older else []
        await async_apply(hass, counter, Difference(back))
        healer.ledger.note(counter, Why.GUESS, Difference(back, wanted))


def _moved(rows: Sequence[Row], amount: float) -> list[Row]:
    """Return rows with other sums, and with other states as far back as these go on.

    A state that is further from its sum is of another meter, or somebody else's.
    """
    offset = rows[-1].state - rows[-1].sum
    others = (n for n, r in enumerate(rows) if abs(r.state - r.sum - offset) > _SAME)
    first = max(others, default=-1) + 1
    return [
        Row(row.start, row.state + amount * (n >= first), row.sum + amount)
        for n, row in enumerate(rows)
    ]
