"""Healing: rows that are missing, broken or late are made from the day data."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import groupby
from math import inf

from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import (
    DAY,
    HOUR,
    date_at,
    floor_hour,
    midnight,
    months_back,
)

from .apply import async_apply
from .ask import HistoryReader
from .count import count_hours
from .counters import Counter
from .late import hours_late, is_read_hourly
from .ledger import Ledger
from .look import Look
from .recorder import MINUTES, SHORT_TERM, async_joined, async_rows, async_scales
from .rows import Hole, Row
from .seams import async_gapless, async_seams
from .usage import Use
from .want import Difference, Want, difference, want_hole, want_late

# Seconds until it is tried again to mend what nothing could be done about.
_GIVEN_UP_FOR = 7 * DAY

type _Seam = tuple[Counter, Hole]


@dataclass(slots=True)
class Healer:
    """Puts the rows of one CEMM's counters right."""

    hass: HomeAssistant
    reader: HistoryReader
    ledger: Ledger
    lock: asyncio.Lock
    """Held while rows are read and changed."""
    _given_up: dict[_Seam, float] = field(default_factory=dict)
    """What nothing could be done about, and when (Unix time) that is tried again."""
    _looked: set[str] = field(default_factory=set)
    """The entity ids of the statistics that were looked at as a whole."""

    async def async_run(self, look: Look) -> None:
        """Mend what is amiss between the rows of counters.

        Raises CemmError when the CEMM can't be asked.
        """
        seams: list[_Seam] = []
        counters = look.ready
        scales = await async_scales(self.hass, counters)
        gapless = await async_gapless(self.hass, counters) & self._looked
        for counter in counters:
            self.ledger.since.setdefault(counter.entity_id, look.now)
            if counter not in scales:
                continue
            everywhere = counter.entity_id not in gapless
            found = await async_seams(
                self.hass, counter, scales[counter], everywhere=everywhere
            )
            seams += [
                (counter, seam)
                for seam in found
                # The recorder writes no more there, and something may be done about it.
                if seam.after.start <= look.newest
                and self._given_up.get((counter, seam), 0.0) <= look.now
            ]
            self._looked.add(counter.entity_id)
        # The newest comes first: mending a sum moves all later rows.
        seams.sort(key=_together, reverse=True)
        for _, group in groupby(seams, _together):
            await self._async_fill_all(look, dict(group))
        for counter in scales:
            if counter.alias not in look.failed:
                with look.contained(counter.alias):
                    await self._async_settle_late(look, counter)

    async def _async_fill_all(self, look: Look, seams: dict[Counter, Hole]) -> None:
        """Mend a seam that counters of one meter and one channel have in common."""
        alias, hole = next((counter.alias, hole) for counter, hole in seams.items())
        if alias not in look.failed:
            with look.contained(alias):
                uses = await self._async_count(
                    look.today, seams, hole.times, is_guess=True
                )
                for counter, use in uses.items():
                    await self._async_fill(look, counter, seams[counter], use)

    async def _async_count(
        self,
        today: date,
        counters: Collection[Counter],
        times: list[int],
        *,
        is_guess: bool = False,
    ) -> dict[Counter, Use]:
        """Return how counters of one meter went on from hour to hour.

        With ``is_guess`` days that are not known yet are counted again when they are.
        """
        uses: dict[Counter, Use] = {counter: ([0.0], [0.0]) for counter in counters}
        alias = next(counter.alias for counter in counters)
        months = list(months_back(date_at(times[-1] - 1), date_at(times[0])))
        for first, last in reversed(months):
            days = await self.reader.meter_days(alias, first, last, today)
            if is_guess:
                guessed = self.reader.unknown(alias, (each.day for each in days))
                await self.ledger.async_guess(alias, guessed)
            self.reader.forget(alias, first)
            start, end = max(times[0], midnight(first)), min(times[-1], days[-1].end)
            month = await self.hass.async_add_executor_job(
                partial(count_hours, days, counters, start, end)
            )
            for counter, use in month.items():
                for total, later in zip(uses[counter], use, strict=True):
                    total += [total[-1] + amount for amount in later[1:]]
        return uses

    async def _async_fill(
        self, look: Look, counter: Counter, seam: Hole, use: Use
    ) -> None:
        """Mend a counter's seam, as its neighbours are by now."""
        async with self.lock:
            start, end = seam.before.start, seam.after.start
            rows = await async_rows(self.hass, counter, start, seam.after.end)
            neighbours = [row for row in rows if row.start in (start, end)]
            if len(neighbours) < 2:
                raise CemmError(f"rows of {counter.entity_id} are gone meanwhile")
            since = self.ledger.since[counter.entity_id]
            wants, what = await self.hass.async_add_executor_job(
                partial(_filled, Hole(*neighbours), use, rows, since)
            )
            await self._async_apply(look, counter, wants, what)
        if not what:
            self._given_up[counter, seam] = look.now + _GIVEN_UP_FOR

    async def _async_apply(
        self, look: Look, counter: Counter, wants: Sequence[Want], what: Difference
    ) -> None:
        if what:
            await async_apply(self.hass, counter, what)
            self.ledger.note(counter, wants[-1].why, what)
            look.note(counter, what.rows)

    async def _async_settle_late(self, look: Look, counter: Counter) -> None:
        """Put readings that came late into the hours that they tell of, once."""
        settled, entity_id = self.ledger.settled, counter.entity_id
        minutes = await async_rows(self.hass, counter, look.now - DAY, table=MINUTES)
        if not is_read_hourly(minutes):
            return
        first = floor_hour(minutes[0].start)
        if settled.get(entity_id, inf) <= look.newest:
            first = settled[entity_id]  # Not by a clock that was ahead.
        since = midnight(date_at(first))
        times = [*range(since, look.newest + 1, HOUR)]
        if look.newest - first < 2 * HOUR:
            return
        use = (await self._async_count(look.today, [counter], times))[counter]
        wants: Sequence[Want] = ()
        if late := hours_late(minutes, times, use):
            skipped = times.index(first)
            used, unknown = (
                [part - all_[skipped] for part in all_[skipped:]] for all_ in use
            )
            async with self.lock:
                rows = await async_joined(self.hass, counter, first, look.newest)
                if [row.end for row in rows] != times[skipped:]:
                    return
                if not _is_live(rows[-1], minutes):
                    # Only what the recorder itself has written is late.
                    return
                early = 0.0
                if _is_live(rows[0], minutes):
                    # It was never settled, and stays as it is.
                    early = use[0][skipped] - use[0][max(skipped - late, 0)]
                hole = Hole(rows[0], rows[-1])
                wants = want_late(hole, used, unknown, late, early)
                what = _made([rows[0], rows[-1]], wants, rows)
                await self._async_apply(look, counter, wants, what)
        if wants or late == 0 or look.newest - first > DAY:
            settled[entity_id] = look.newest - HOUR * (late or 0)
            await self.ledger.async_save()


def _is_live(row: Row, minutes: Sequence[Row]) -> bool:
    """Whether an hour ends as its last short-term row does."""
    return any(
        each.start + SHORT_TERM == row.end and each.state == row.state
        for each in minutes
    )


def _together(missing: _Seam) -> tuple[int, int, str, str]:
    """Return what is the same for seams that are mended together."""
    counter, hole = missing
    return hole.before.start, hole.after.start, counter.alias, counter.rule.day


def _filled(
    hole: Hole, use: Use, there: Collection[Row], since: float
) -> tuple[Sequence[Want], Difference]:
    """Return what fills a hole. It takes long for years: not in the event loop."""
    wants = want_hole(hole, *use, since)
    return wants, _made([hole.before, hole.after], wants, there)


def _made(
    neighbours: Sequence[Row], wants: Sequence[Want], there: Collection[Row]
) -> Difference:
    """Return what is to be done between two rows, except what is as it should be."""
    found, known = difference(neighbours, wants), set(there)
    return replace(found, rows=[row for row in found.rows if row not in known])
