"""The import: month by month, newest first, back to where the CEMM's memory begins.

What the recorder holds is the checkpoint: counting back goes on from a counter's
oldest row, so an interrupted import continues, and a finished one finds nothing
to do.
"""

from asyncio import Future
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import groupby
from operator import attrgetter

from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import date_at, days, midnight, months_back

from .apply import async_queue
from .ask import HistoryReader
from .count import CountedBack, count_days_back
from .counters import Counter, Priority
from .meter_errors import contained
from .recorder import async_newest_minutes, async_stored
from .rows import Anchor, Row
from .usage import Day, MeterDays
from .want import Difference, Move

# So many rows wait, most: about a year of a house with five meters.
_PUT_OFF = 100_000

# So many times rows may wait for the recorder: some months take it long, others do not.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Window:
    """The hours that may be written, as Unix times."""

    start: int
    end: int
    """Before the last two hours: the recorder still writes those itself."""


@dataclass(slots=True)
class _Job:
    """What is left to import of one meter and one channel of its day data."""

    alias: str
    priority: Priority
    """The first of those of its counters."""
    anchors: dict[Counter, Anchor]
    months: set[date] = field(default_factory=set)
    """The first days of those in which anything was counted."""

    def months_left(self, window: Window) -> list[tuple[date, date]]:
        """Return the first and last day of each month to go through."""
        if not self.months or not self.anchors:
            return []
        newest = max(anchor.time for anchor in self.anchors.values())
        oldest = max(min(self.months), date_at(window.start))
        return list(months_back(date_at(newest - 1), oldest))


def _job(anchors: dict[Counter, Anchor]) -> _Job:
    alias, priority = min((counter.alias, counter.priority) for counter in anchors)
    return _Job(alias, priority, anchors)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of a counter to write, oldest first, and where they begin."""

    counter: Counter
    origin: Anchor
    rows: list[Row]


@dataclass(slots=True)
class Imported:
    """What an import has done."""

    hours: dict[str, set[int]] = field(default_factory=dict)
    """The starts of the hours written, by alias."""
    failed: dict[str, CemmError] = field(default_factory=dict)
    """Why the history of a meter could not be had, by alias."""


class Importer:
    """Imports the history of one CEMM's counters."""

    def __init__(
        self,
        hass: HomeAssistant,
        reader: HistoryReader,
        now: float,
        window: Window,
        on_progress: Callable[[float], None],
    ) -> None:
        """Prepare to write into a window; progress runs from 0 to 1."""
        self._hass = hass
        self._reader = reader
        self._today = date_at(now)
        self._window = window
        self._on_progress = on_progress
        self._days = self._days_done = 0
        self._later: deque[_Batch] = deque()
        self._lifts: dict[Counter, float] = {}
        self._stored: deque[Future[None]] = deque()
        self.imported = Imported()

    async def async_run(self, anchors: Mapping[Counter, Anchor]) -> Imported:
        """Count back from each counter's anchor; raises CemmError for the CEMM.

        What fails for a single meter is noted, and the others go on.
        """
        jobs = [
            _job({counter: anchors[counter] for counter in group})
            for _, group in groupby(anchors, attrgetter("alias", "rule.day"))
        ]
        for job in jobs:
            with contained(job.alias, self.imported.failed):
                await self._async_find_months(job)
        plan = [
            (first, last, job)
            for job in jobs
            for first, last in job.months_left(self._window)
        ]
        # The newest months first, but before all else those of the Energy dashboard.
        plan.sort(key=lambda part: (part[2].priority, -part[1].toordinal()))
        self._days = sum((last - first).days + 1 for first, last, _ in plan)
        try:
            for first, last, job in plan:
                await self._async_month(job, first, last)
                if sum(len(batch.rows) for batch in self._later) > _PUT_OFF:
                    await self._async_write_later()
        except CemmError:
            # What was asked for so far need not be asked for again.
            await self._async_write_later()
            raise
        await self._async_write_later()
        return self.imported

    async def _async_find_months(self, job: _Job) -> None:
        channels = {name for counter in job.anchors for name in counter.rule.period}
        job.months = await self._reader.months(job.alias, channels, self._today)

    async def _async_month(self, job: _Job, first: date, last: date) -> None:
        """Import a month, or that part of it which is wanted."""
        if job.alias not in self.imported.failed:
            with contained(job.alias, self.imported.failed):
                await self._async_count_month(job, first, last)

    async def _async_count_month(self, job: _Job, first: date, last: date) -> None:
        start = midnight(first)
        anchors = {
            c: anchor for c, anchor in job.anchors.items() if anchor.time > start
        }
        if not anchors:
            return
        month = first.replace(day=1)
        if month in job.months:
            meter_days = await self._reader.meter_days(
                job.alias, first, last, self._today, self._count_day
            )
        else:
            # Nothing was counted in that month: there is nothing to ask for.
            meter_days = MeterDays([Day(day) for day in days(first, last)])
        oldest = month == min(job.months)
        counted = await self._hass.async_add_executor_job(
            partial(count_days_back, meter_days, anchors, oldest=oldest)
        )
        batches = [self._batch(job, result, oldest=oldest) for result in counted]
        self._later += [b for b in batches if b.counter.priority is not job.priority]
        await self._async_write(
            [b for b in batches if b.counter.priority is job.priority]
        )

    def _batch(self, job: _Job, result: CountedBack, *, oldest: bool) -> _Batch:
        """Return what to write of what was counted back, and go on from there."""
        counter, rows = result.counter, result.rows
        if rows:
            job.anchors[counter] = Anchor.of(rows[0])
        origin = job.anchors[counter]
        if oldest or result.ended:
            # Its first row is of an hour that nothing is known of.
            rows = rows[1:]
        if result.ended:
            del job.anchors[counter]
        wanted = [
            row
            for row in rows
            if row.start >= self._window.start and row.end <= self._window.end
        ]
        return _Batch(counter, origin, wanted)

    async def _async_write_later(self) -> None:
        """Write what was put off for what is used more."""
        self._later = deque(sorted(self._later, key=attrgetter("counter.priority")))
        while self._later:
            await self._async_write([self._later.popleft()])
        await async_stored(self._hass)

    async def _async_write(self, batches: list[_Batch]) -> None:
        """Have rows written, and wait until those of some time ago are.

        The recorder is slower than the CEMM: it goes on while more is asked for.
        """
        for batch in batches:
            if batch.rows:
                await self._async_write_batch(batch)
        self._stored.append(async_stored(self._hass))
        if len(self._stored) > _AHEAD:
            await self._stored.popleft()

    async def _async_write_batch(self, batch: _Batch) -> None:
        """Have rows written, and all sums moved such that they begin at 0.

        Home Assistant takes what was before the first row as 0: it would show a
        sum that begins at minus what was used since as a fall by that. Where there
        is no live sum that can be moved too, rows that are there stay as they are.
        """
        counter = batch.counter
        before = lift = self._lifts.get(counter, 0.0)
        if before or await async_newest_minutes(self._hass, counter):
            self._lifts[counter] = lift = -batch.origin.sum
        rows = [Row(row.start, row.state, row.sum + lift) for row in batch.rows]
        moves = [Move(rows[0].start, lift - before)] if lift != before else []
        await async_queue(self._hass, counter, Difference(moves, rows))
        hours = self.imported.hours.setdefault(counter.alias, set())
        hours.update(row.start for row in rows)

    def _count_day(self) -> None:
        self._days_done += 1
        self._on_progress(self._days_done / self._days)
