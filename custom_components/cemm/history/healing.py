"""Healing: hours that are missing between two rows are filled from the day data."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import HOUR, date_at, midnight, months_back

from .apply import async_apply
from .ask import HistoryReader
from .count import HourlyUse, count_hours
from .counters import Counter
from .meter_errors import contained
from .recorder import async_hours, async_hours_since
from .rows import Hole, Row, holes
from .unseen import async_unseen_hours
from .want import Difference, difference, want_hole


@dataclass(frozen=True, slots=True)
class _MeterHole:
    """Where counters of a meter have a hole."""

    alias: str
    channel: str
    """That of the day data."""
    start: int
    end: int
    """The ends of the hours before and after it, as Unix times."""


def _together(
    since: Mapping[Counter, float],
) -> Iterator[tuple[float, list[Counter]]]:
    """Yield counters to look at together since a Unix time.

    That is one at a time for all of the past, of which there may be years.
    """
    by_start: dict[float, list[Counter]] = defaultdict(list)
    for counter, start in since.items():
        by_start[start].append(counter)
    for start, counters in by_start.items():
        if start:
            yield start, counters
        else:
            yield from ((start, [counter]) for counter in counters)


@dataclass(slots=True)
class Healed:
    """What was found and done."""

    hours: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The starts of the hours written, by alias."""
    complete: dict[str, int] = field(default_factory=dict)
    """Until which row (its start) nothing is missing, by the counter's name."""
    waiting: set[str] = field(default_factory=set)
    """The names of counters with a hole that the recorder may still fill itself."""
    failed: dict[str, CemmError] = field(default_factory=dict)
    """Why the history of a meter could not be had, by alias."""


class Healer:
    """Fills the holes in the statistics of one CEMM's counters."""

    def __init__(
        self,
        hass: HomeAssistant,
        reader: HistoryReader,
        lock: asyncio.Lock,
        now: float,
        newest: int,
    ) -> None:
        """Prepare to fill hours that end by ``newest``, a Unix time.

        The lock is held while rows are read and changed.
        """
        self._hass = hass
        self._lock = lock
        self._reader = reader
        self._today = date_at(now)
        self._newest = newest
        self._healed = Healed()

    async def async_run(self, since: Mapping[Counter, float]) -> Healed:
        """Fill each counter's holes since a Unix time.

        Raises CemmError when the CEMM can't be asked. What fails for a single
        meter is noted, and the others go on.
        """
        meter_holes: dict[_MeterHole, dict[Counter, Hole]] = defaultdict(dict)
        for start, counters in _together(since):
            for counter, hole in await self._async_find(counters, start):
                meter_hole = _MeterHole(
                    counter.alias,
                    counter.rule.day,
                    hole.before.end,
                    hole.after.end,
                )
                meter_holes[meter_hole][counter] = hole
        # The newest hole comes first: mending a sum moves all later rows.
        for meter_hole in sorted(
            meter_holes, key=lambda meter_hole: meter_hole.start, reverse=True
        ):
            if meter_hole.alias not in self._healed.failed:
                with contained(meter_hole.alias, self._healed.failed):
                    await self._async_fill_holes(meter_hole, meter_holes[meter_hole])
        for counter in since:
            if counter.alias in self._healed.failed:
                self._healed.complete.pop(counter.name, None)
        return self._healed

    async def _async_find(
        self, counters: Collection[Counter], since: float
    ) -> list[tuple[Counter, Hole]]:
        """Return the counters' holes, but for those that the recorder may still fill."""
        unseen = await async_unseen_hours(self._hass, counters, since)
        found = []
        for counter, rows in (
            await async_hours_since(self._hass, counters, since)
        ).items():
            seen = [row for row in rows if row.start not in unseen[counter]]
            new = holes(seen)
            if new and new[-1].after.start > self._newest:
                seen = [row for row in seen if row.start <= new[-1].before.start]
                new.pop()
                self._healed.waiting.add(counter.name)
            if seen:
                self._healed.complete[counter.name] = seen[-1].start
            found += [(counter, hole) for hole in new]
        return found

    async def _async_count(
        self, meter_hole: _MeterHole, counters: Iterable[Counter]
    ) -> dict[Counter, HourlyUse]:
        """Return how counters went on, hour by hour of a hole."""
        uses = {counter: HourlyUse([0.0], [0.0]) for counter in counters}
        months = list(
            months_back(date_at(meter_hole.end - 1), date_at(meter_hole.start))
        )
        for first, last in reversed(months):
            meter_days = await self._reader.meter_days(
                meter_hole.alias, first, last, self._today
            )
            start = max(meter_hole.start, midnight(first))
            end = min(meter_hole.end, meter_days.days[-1].end)
            later = await self._hass.async_add_executor_job(
                partial(count_hours, meter_days, list(uses), start, end)
            )
            uses = {
                counter: use.followed_by(later[counter])
                for counter, use in uses.items()
            }
        return uses

    async def _async_fill_holes(
        self, meter_hole: _MeterHole, holes: Mapping[Counter, Hole]
    ) -> None:
        uses = await self._async_count(meter_hole, holes)
        for counter, hole in holes.items():
            await self._async_fill(counter, hole, uses[counter])

    async def _async_fill(self, counter: Counter, hole: Hole, use: HourlyUse) -> None:
        """Fill a counter's hole, as its neighbours are by now."""
        async with self._lock:
            start, end = hole.before.start, hole.after.end
            there = await async_hours(self._hass, counter, start, end)
            neighbours = [row for row in there if row.start in (start, end - HOUR)]
            if len(neighbours) < 2:
                raise CemmError(f"rows of {counter.entity_id} are gone meanwhile")
            what = await self._hass.async_add_executor_job(
                partial(_filled, Hole(*neighbours), use, there)
            )
            await async_apply(self._hass, counter, what)
        self._healed.hours[counter.alias].update(row.start for row in what.rows)


def _filled(hole: Hole, use: HourlyUse, there: Collection[Row]) -> Difference:
    """Return what fills a hole, without the rows that are there already.

    Of years that takes long: not in the event loop.
    """
    wants = want_hole(hole, use.used, use.unknown)
    found = difference([hole.before, hole.after], wants)
    known = set(there)
    return replace(found, rows=[row for row in found.rows if row not in known])
