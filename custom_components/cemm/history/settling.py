"""Taking out of the sums what changes of meaning have put there."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from homeassistant.core import HomeAssistant

from custom_components.cemm.days import HOUR, floor_hour
from custom_components.cemm.meters.breaks import Break

from .apply import async_apply
from .counters import Statistic
from .ledger import Ledger
from .recorder import (
    MINUTES,
    SHORT_TERM,
    async_newest,
    async_rows,
    async_scales,
    async_stored,
    async_writable,
)
from .rows import Row
from .seams import async_restarts
from .want import Why, difference, never_shown, want_breaks, want_restarts


async def async_settle(
    hass: HomeAssistant,
    ledger: Ledger,
    statistics: Iterable[Statistic],
    lock: asyncio.Lock,
) -> None:
    """Settle the breaks whose rows the recorder has written by now.

    It may be interrupted anywhere: all that is to be done follows from the rows. The lock
    is held while rows are read and changed.
    """
    await async_stored(hass)
    names = {each.name for each in ledger.breaks}
    wanted = [statistic for statistic in statistics if statistic.name in names]
    known = {each.name: each for each in await async_writable(hass, wanted)}
    by_name = attrgetter("name")
    for name, group in groupby(sorted(ledger.breaks, key=by_name), by_name):
        if statistic := known.get(name):
            async with lock:
                settled = await _async_settle(hass, ledger, statistic, [*group])
            if settled:
                await ledger.async_forget(settled)


async def async_mend_restarts(
    hass: HomeAssistant,
    ledger: Ledger,
    statistics: Iterable[Statistic],
    lock: asyncio.Lock,
) -> None:
    """Join the sums that the recorder began at 0 again, except at breaks."""
    unsettled = {each.name for each in ledger.breaks}
    convertible = await async_writable(hass, list(statistics))
    for statistic, scale in (await async_scales(hass, convertible)).items():
        if statistic.name in unsettled:
            continue
        async with lock:
            pairs = await async_restarts(hass, statistic, scale)
            rows = sorted({row for pair in pairs for row in (pair.before, pair.after)})
            if what := difference(rows, want_restarts(pairs)):
                await async_apply(hass, statistic, what)
                ledger.note(statistic, Why.RESTART, what)


async def _async_settle(
    hass: HomeAssistant, ledger: Ledger, statistic: Statistic, breaks: Sequence[Break]
) -> Sequence[Break]:
    """Settle the breaks of a statistic, in order of time; return those that are."""
    rows, length = await _async_around(hass, statistic, breaks[0])
    wants, told = want_breaks(rows, breaks, length)
    if what := difference(rows, wants):
        await async_apply(hass, statistic, what)
        ledger.note(statistic, Why.BREAK, what)
    return [each for each in breaks if each in told or never_shown(rows, each)]


async def _async_around(
    hass: HomeAssistant, statistic: Statistic, first: Break
) -> tuple[Sequence[Row], int]:
    """Return the rows since a break, with the last one before it, and their length.

    They are short-term ones, or hours where those are deleted already.
    """
    start = int(first.at // SHORT_TERM) * SHORT_TERM
    rows = await async_rows(hass, statistic, start, table=MINUTES)
    if old := await async_newest(hass, statistic, MINUTES, start):
        return [old, *rows], SHORT_TERM
    hour = floor_hour(first.at)
    hours = await async_rows(hass, statistic, hour)
    # Where nothing was before the break, the sum begins with it.
    old = await async_newest(hass, statistic, before=hour) or Row(
        hour - HOUR, first.before, 0.0
    )
    is_deleted = (
        hours and hours[0].start == hour and not (rows and rows[0].start < hours[0].end)
    )
    return ([old, *hours], HOUR) if is_deleted else ([old, *rows], SHORT_TERM)
