"""Healing: hours that are missing between two rows are filled from the day data."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import groupby

from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import date_at, midnight, months_back

from .apply import async_apply
from .ask import HistoryReader, contained
from .count import count_hours
from .counters import Counter
from .ledger import Ledger
from .recorder import async_hours, async_seen_hours
from .rows import Hole, Row, holes
from .usage import Use
from .want import Difference, difference, want_hole

type _Missing = tuple[Counter, Hole]


@dataclass(slots=True)
class Healer:
    """Fills the holes in the statistics of one CEMM's counters."""

    hass: HomeAssistant
    reader: HistoryReader
    lock: asyncio.Lock
    """Held while rows are read and changed."""
    today: date
    newest: int
    """The Unix time by which the hours end that may be filled."""
    written: dict[str, set[int]]
    """The starts of the hours written, by alias."""
    ledger: Ledger
    complete: dict[str, int] = field(default_factory=dict)
    """Until which row (its start) nothing is missing, by the counter's name."""
    waiting: set[str] = field(default_factory=set)
    """The names of counters with a hole that the recorder may still fill itself."""
    failed: dict[str, CemmError] = field(default_factory=dict)
    """Why the history of a meter could not be had, by alias."""

    async def async_run(self, since: Mapping[Counter, float]) -> None:
        """Fill each counter's holes since a Unix time.

        Raises CemmError when the CEMM can't be asked. An error of a single meter is
        noted, and the others go on.
        """
        # One counter at a time where all of the past is looked at: it may be years.
        looks: dict[tuple[float, str], list[Counter]] = defaultdict(list)
        for counter, start in since.items():
            looks[start, "" if start else counter.name].append(counter)
        missing: list[_Missing] = []
        for (start, _), counters in looks.items():
            missing += await self._async_find(counters, start)
        # The newest hole comes first: mending a sum moves all later rows.
        missing.sort(key=_together, reverse=True)
        for _, group in groupby(missing, _together):
            await self._async_fill_holes(dict(group))
        for counter in since:
            if counter.alias in self.failed:
                self.complete.pop(counter.name, None)

    async def _async_find(
        self, counters: Collection[Counter], since: float
    ) -> list[_Missing]:
        """Return all holes except those that the recorder may still fill."""
        missing = []
        seen = await async_seen_hours(self.hass, counters, since)
        for counter, rows in seen.items():
            found = holes(rows)
            newest = rows[-1] if rows else None
            if found and found[-1].after.start > self.newest:
                newest = found.pop().before
                self.waiting.add(counter.name)
            if newest:
                self.complete[counter.name] = newest.start
            missing += [(counter, hole) for hole in found]
        return missing

    async def _async_fill_holes(self, missing: Mapping[Counter, Hole]) -> None:
        """Fill a hole that counters of one meter and one channel have in common."""
        alias, hole = next((counter.alias, hole) for counter, hole in missing.items())
        if alias not in self.failed:
            with contained(alias, self.failed):
                uses = await self._async_count(alias, missing, hole.times)
                for counter, use in uses.items():
                    await self._async_fill(counter, missing[counter], use)

    async def _async_count(
        self, alias: str, counters: Collection[Counter], times: list[int]
    ) -> dict[Counter, Use]:
        """Return how counters went on, hour by hour of a hole."""
        uses: dict[Counter, Use] = {counter: ([0.0], [0.0]) for counter in counters}
        months = list(months_back(date_at(times[-1] - 1), date_at(times[0])))
        for first, last in reversed(months):
            days = await self.reader.meter_days(alias, first, last, self.today)
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

    async def _async_fill(self, counter: Counter, hole: Hole, use: Use) -> None:
        """Fill a counter's hole, as its neighbours are by now."""
        async with self.lock:
            start, end = hole.before.start, hole.after.start
            rows = await async_hours(self.hass, counter, start, hole.after.end)
            neighbours = [row for row in rows if row.start in (start, end)]
            if len(neighbours) < 2:
                raise CemmError(f"rows of {counter.entity_id} are gone meanwhile")
            what = await self.hass.async_add_executor_job(
                partial(_filled, Hole(*neighbours), use, rows)
            )
            await async_apply(self.hass, counter, what)
        self.written[counter.alias].update(row.start for row in what.rows)


def _together(missing: _Missing) -> tuple[int, int, str, str]:
    """Return what is the same for holes that are filled together."""
    counter, hole = missing
    return hole.before.start, hole.after.start, counter.alias, counter.rule.day


def _filled(hole: Hole, use: Use, there: Collection[Row]) -> Difference:
    """Return what fills a hole, without the rows that are there already.

    It takes long for years: not in the event loop.
    """
    found = difference([hole.before, hole.after], want_hole(hole, *use))
    known = set(there)
    return replace(found, rows=[row for row in found.rows if row not in known])
