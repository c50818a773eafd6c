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
from .counters import Counter
from .failures import alone
from .recorder import async_hours, async_hours_since
from .results import Course, count_hours
from .rows import Hole, Row, holes
from .source import Source
from .unseen import async_unseen_hours
from .want import Difference, difference, want_hole


@dataclass(frozen=True, slots=True)
class _Place:
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
        source: Source,
        lock: asyncio.Lock,
        now: float,
        newest: int,
    ) -> None:
        """Prepare to fill hours that end by ``newest``, a Unix time.

        The lock is held while rows are read and changed.
        """
        self._hass = hass
        self._lock = lock
        self._source = source
        self._today = date_at(now)
        self._newest = newest
        self._healed = Healed()

    async def async_run(self, since: Mapping[Counter, float]) -> Healed:
        """Fill each counter's holes since a Unix time.

        Raises CemmError when the CEMM can't be asked. What fails for a single
        meter is noted, and the others go on.
        """
        places: dict[_Place, dict[Counter, Hole]] = defaultdict(dict)
        for start, counters in _together(since):
            for counter, hole in await self._async_find(counters, start):
                place = _Place(
                    counter.alias,
                    counter.rule.day,
                    hole.before.end,
                    hole.after.end,
                )
                places[place][counter] = hole
        # The newest hole comes first: mending a sum moves all later rows.
        for place in sorted(places, key=lambda place: place.start, reverse=True):
            if place.alias not in self._healed.failed:
                with alone(place.alias, self._healed.failed):
                    await self._async_fill_place(place, places[place])
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
        self, place: _Place, counters: Iterable[Counter]
    ) -> dict[Counter, Course]:
        """Return how counters went on, hour by hour of a place."""
        courses = {counter: Course([0.0], [0.0]) for counter in counters}
        months = list(months_back(date_at(place.end - 1), date_at(place.start)))
        for first, last in reversed(months):
            chapter = await self._source.chapter(place.alias, first, last, self._today)
            start = max(place.start, midnight(first))
            end = min(place.end, chapter.days[-1].end)
            later = await self._hass.async_add_executor_job(
                partial(count_hours, chapter, list(courses), start, end)
            )
            courses = {
                counter: course.followed_by(later[counter])
                for counter, course in courses.items()
            }
        return courses

    async def _async_fill_place(
        self, place: _Place, holes: Mapping[Counter, Hole]
    ) -> None:
        courses = await self._async_count(place, holes)
        for counter, hole in holes.items():
            await self._async_fill(counter, hole, courses[counter])

    async def _async_fill(self, counter: Counter, hole: Hole, course: Course) -> None:
        """Fill a counter's hole, as its neighbours are by now."""
        async with self._lock:
            start, end = hole.before.start, hole.after.end
            there = await async_hours(self._hass, counter, start, end)
            neighbours = [row for row in there if row.start in (start, end - HOUR)]
            if len(neighbours) < 2:
                return
            what = await self._hass.async_add_executor_job(
                partial(_filled, Hole(*neighbours), course, there)
            )
            await async_apply(self._hass, counter, what)
        self._healed.hours[counter.alias].update(row.start for row in what.rows)


def _filled(hole: Hole, course: Course, there: Collection[Row]) -> Difference:
    """Return what fills a hole, without the rows that are there already.

    Of years that takes long: not in the event loop.
    """
    wants = want_hole(hole, course.used, course.unknown)
    found = difference([hole.before, hole.after], wants)
    known = set(there)
    return replace(found, rows=[row for row in found.rows if row not in known])
