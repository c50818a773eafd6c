"""The import: month by month, newest first, back to where the CEMM's memory begins.

What the recorder holds is the checkpoint: counting back goes on from a counter's
oldest row, so an interrupted import continues, and a finished one finds nothing
to do.
"""

from asyncio import Future
from collections import Counter as Tally, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import groupby
import logging
from operator import attrgetter

from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import DAY, HOUR, date_at, days, midnight, months_back
from custom_components.cemm.meters.meter import MeterData

from .apply import async_begin_at, async_prepend
from .ask import HistoryReader, Part
from .count import count_days_back
from .counters import Counter
from .ledger import Ledger
from .look import Look
from .meter_days import Why
from .profile import Day
from .progress import Progress
from .recorder import MINUTES, async_newest, async_oldest, async_stored
from .rises import meter_reading
from .rows import Row
from .tariffs import Votes

_LOGGER = logging.getLogger(__name__)

# A time that is so far (seconds) from now is of a clock that is wrong.
YEARS = 365 * DAY

# How many writes the recorder may be behind: some months take it long, others do not.
_AHEAD = 4

# So many months are asked for while a question waits to be asked again.
_ASKED_AHEAD = 4

type Notes = defaultdict[tuple[str, Why], set[date]]
"""The days of a meter that were estimated or lost, by alias and reason."""


@dataclass(slots=True)
class _Job:
    """What is left to import of one meter and one channel of its day data."""

    alias: str
    anchors: dict[Counter, Row]
    months: set[date] = field(default_factory=set)
    """The first days of those in which anything was counted."""

    @property
    def is_device(self) -> bool:
        """Whether the Energy dashboard has it as a device."""
        return all(counter.is_device for counter in self.anchors)

    @property
    def newest(self) -> date:
        """The last day that is left."""
        return date_at(max(anchor.end for anchor in self.anchors.values()) - 1)

    def days_since(self, start: int, today: date) -> int:
        """Return how many days the CEMM remembers since a Unix time."""
        if not self.months:
            return 0
        return max((today - max(min(self.months), date_at(start))).days + 1, 0)

    def months_left(self, start: int) -> Iterator[tuple[date, date]]:
        """Yield the first and last day of each month to go through."""
        if self.months:
            oldest = max(min(self.months), date_at(start))
            yield from months_back(self.newest, oldest)


@dataclass(slots=True)
class Importer:
    """Imports the history of one CEMM's counters."""

    hass: HomeAssistant
    reader: HistoryReader
    ledger: Ledger
    progress: Progress
    look: Look
    hours: range
    """From the Unix time of the first hour that may be written to the end of the last."""
    _votes: Votes = field(default_factory=Tally)
    """What is known of the tariffs."""
    notes: Notes = field(default_factory=lambda: defaultdict(set))
    _live: dict[Counter, Row | None] = field(default_factory=dict)
    """The row that each live sum went on from."""
    _oldest: dict[Counter, Row] = field(default_factory=dict)
    """The first row of all that was written last of each counter."""
    _stored: deque[Future[None]] = field(default_factory=deque)
    _early: int = 0
    """How many days were asked for before it was known how many there are."""

    async def async_run(self, anchors: Mapping[Counter, Row]) -> None:
        """Count back from each counter's anchor; raises CemmError for the CEMM.

        An error of a single meter is noted, and the others go on.
        """
        for counter in anchors:
            # Whatever is taken out of a sum from now on is later than this.
            self._live[counter] = await async_newest(self.hass, counter, MINUTES)
        jobs = await self._async_jobs(anchors)
        plan = [
            (first, last, job)
            for job in jobs
            for first, last in job.months_left(self.hours.start)
        ]
        self.progress.begin(
            sum(job.days_since(self.hours.start, self.look.today) for job in jobs),
            sum((last - first).days + 1 for first, last, _ in plan),
        )
        self.progress.count_days(self._early)
        # The newest months first, but before all else those of the dashboard's sources.
        plan.sort(key=lambda part: (part[2].is_device, -part[1].toordinal()))
        for number, (first, last, job) in enumerate(plan, 1):
            if job.alias not in self.look.failed:
                then = [
                    (other.alias, begin, end)
                    for begin, end, other in plan[number : number + _ASKED_AHEAD]
                    if begin.replace(day=1) in other.months
                ]
                with self.look.contained(job.alias):
                    await self._async_month(job, first, last, then)
        await async_stored(self.hass)
        for counter, row in self._oldest.items():
            if not row.is_like(await async_oldest(self.hass, counter)):
                self.look.failed[counter.alias] = CemmError("not all rows were written")

    async def _async_jobs(self, anchors: Mapping[Counter, Row]) -> list[_Job]:
        groups = groupby(anchors, attrgetter("alias", "rule.day"))
        jobs = [
            _Job(alias, {counter: anchors[counter] for counter in group})
            for (alias, _), group in groups
        ]
        since = date_at(self.hours.start)
        # There is nothing else to ask yet, but that these months tell something is likely.
        then = [(j.alias, max(since, j.newest.replace(day=1)), j.newest) for j in jobs]
        for number, job in enumerate(jobs, 1):
            others = [other.alias for other in jobs[number:]]
            channels = {name for c in job.anchors for name in c.rule.period}
            with self.look.contained(job.alias):
                job.months = await self.reader.months(
                    *(job.alias, channels, self.look.today, self._count_early),
                    then=then,
                    others=others,
                )
        return jobs

    def _count_early(self) -> None:
        self._early += 1

    async def _async_month(
        self, job: _Job, first: date, last: date, then: Sequence[Part]
    ) -> None:
        """Import a month, or that part of it which is wanted."""
        start, month = midnight(first), first.replace(day=1)
        anchors = {c: anchor for c, anchor in job.anchors.items() if anchor.end > start}
        if not anchors:
            return
        if month in job.months:
            found = await self.reader.meter_days(
                *(job.alias, first, last, self.look.today, self.progress.count_days),
                since=min(job.months),
                then=then,
            )
        else:
            # Nothing was counted in that month: there is nothing to ask for.
            found = [Day(day) for day in days(first, last)]
            self.progress.count_days(len(found))
        if guessed := self.reader.unknown(job.alias, days(first, last)):
            await self.ledger.async_guess(job.alias, guessed)
            _LOGGER.warning(
                "Not all was answered about meter %s on %s: that is a guess until it is",
                *(job.alias, ", ".join(map(str, guessed))),
            )
        oldest = month == min(job.months)
        counted = await self.hass.async_add_executor_job(
            partial(
                count_days_back,
                *(found, start, anchors),
                oldest=oldest,
                votes=self._votes,
            )
        )
        for note in counted.notes:
            if note.day not in guessed:
                self.notes[job.alias, note.why].add(note.day)
        for counter, rows in counted.rows.items():
            if rows:
                job.anchors[counter] = rows[0]
            # Where no older row follows, nothing is known of the first one's own hour.
            unknown = 1 if oldest else 0
            if wanted := [row for row in rows[unknown:] if row.start in self.hours]:
                await self._async_write(counter, rows[0].sum, wanted)
        self.reader.forget(job.alias, first)
        # The recorder is slower than the CEMM, and goes on while more is asked for.
        self._stored.append(async_stored(self.hass))
        if len(self._stored) > _AHEAD:
            stored = self._stored.popleft()
            await self.reader.ahead(then, self.progress.count_days, until=stored)
            await stored

    async def _async_write(
        self, counter: Counter, origin: float, rows: list[Row]
    ) -> None:
        live = self._live[counter]
        await async_prepend(self.hass, counter, live, origin, rows)
        begin = rows[0].sum - origin if live else rows[0].sum
        self._oldest[counter] = replace(rows[0], sum=begin)
        self.look.note(counter, rows)


async def async_anchor(
    hass: HomeAssistant, counter: Counter, data: MeterData, now: float
) -> Row | None:
    """Return a counter's oldest known reading; None if it has none at all.

    Before the recorder has a row, that is the live reading, as a row that ends at its
    time. Where the recorder has not begun to count, it is made to begin there. The time
    must be plausible: that of a CEMM that has just started may be years off.
    """
    if oldest := await async_oldest(hass, counter):
        return oldest
    reading = meter_reading(data.channels, counter.registers)
    if reading is None or abs(reading[0] - now) > YEARS:
        return None
    time, state = min(reading[0], now), round(reading[1], 6)
    if await async_newest(hass, counter, MINUTES) is None:
        await async_begin_at(hass, counter, state)
    # The recorder may have begun by itself meanwhile.
    newest = await async_newest(hass, counter, MINUTES)
    if newest is None:
        return None
    return Row(int(time) - HOUR, state, state - newest.state + newest.sum)
