"""Healing: hours that are missing between two rows are filled from the day data."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from homeassistant.core import HomeAssistant

from .counters import Counter
from .periods import date_at, midnight, months_back
from .recorder import async_hours, async_lift, async_write
from .results import count_hours
from .rows import Hole, fill, holes, lifted, restarted
from .source import Source


@dataclass(frozen=True, slots=True)
class _Place:
    """Where counters of a meter have a hole."""

    alias: str
    channel: str
    """That of the day data."""
    start: int
    end: int
    """The ends of the hours before and after it, as Unix times."""


@dataclass(slots=True)
class Healed:
    """What was found and done."""

    hours: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The starts of the hours written, by alias."""
    complete: dict[str, int] = field(default_factory=dict)
    """Until which row (its start) nothing is missing, by the counter's name."""


class Healer:
    """Fills the holes in the statistics of one CEMM's counters."""

    def __init__(
        self, hass: HomeAssistant, source: Source, now: float, newest: int
    ) -> None:
        """Prepare to fill hours that end by ``newest``, a Unix time."""
        self._hass = hass
        self._source = source
        self._today = date_at(now)
        self._newest = newest
        self._healed = Healed()

    async def async_run(self, since: Mapping[Counter, float]) -> Healed:
        """Fill each counter's holes since a Unix time.

        Raises CemmError when the CEMM can't be asked.
        """
        places: dict[_Place, dict[Counter, Hole]] = defaultdict(dict)
        for counter, start in since.items():
            for hole in await self._async_find(counter, start):
                place = _Place(
                    counter.alias,
                    counter.rule.day,
                    hole.before.end,
                    hole.after.end,
                )
                places[place][counter] = hole
        # The newest hole comes first: mending a sum moves all later rows.
        for place in sorted(places, key=lambda place: place.start, reverse=True):
            used = await self._async_count(place, places[place])
            for counter, hole in places[place].items():
                await self._async_fill(counter, hole, used[counter])
        return self._healed

    async def _async_find(self, counter: Counter, since: float) -> list[Hole]:
        """Return a counter's holes, but for one that the recorder may still fill."""
        rows = await async_hours(self._hass, counter, since)
        found = holes(rows)
        if found and found[-1].after.start > self._newest:
            rows = [row for row in rows if row.start <= found[-1].before.start]
            found.pop()
        if rows:
            self._healed.complete[counter.name] = rows[-1].start
        return found

    async def _async_count(
        self, place: _Place, counters: Iterable[Counter]
    ) -> dict[Counter, list[float]]:
        """Return what counters counted until the end of each hour of a place."""
        used = {counter: [0.0] for counter in counters}
        months = list(months_back(date_at(place.end - 1), date_at(place.start)))
        for first, last in reversed(months):
            chapter = await self._source.chapter(place.alias, first, last, self._today)
            start = max(place.start, midnight(first))
            end = min(place.end, chapter.days[-1].end)
            parts = await self._hass.async_add_executor_job(
                partial(count_hours, chapter, list(used), start, end)
            )
            for counter, part in parts.items():
                before = used[counter][-1]
                used[counter] += [before + amount for amount in part[1:]]
        return used

    async def _async_fill(
        self, counter: Counter, hole: Hole, used: list[float]
    ) -> None:
        """Fill a counter's hole.

        The sum is mended first: if only that gets done, the hole is still there.
        """
        if lift := restarted(hole, used[-1]):
            await async_lift(self._hass, counter, hole.after.start, lift)
        if rows := fill(lifted(hole, lift), used):
            await async_write(self._hass, counter, rows)
            self._healed.hours[counter.alias].update(row.start for row in rows)
