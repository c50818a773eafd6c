"""The import: month by month, newest first, back to where the CEMM's memory begins.

What the recorder holds is the checkpoint: counting back goes on from a counter's
oldest row, so an interrupted import continues, and a finished one finds nothing
to do.
"""

import asyncio
from asyncio import Future
from collections import Counter as Tally, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
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
from .ask import HistoryReader
from .count import count_days_back
from .counters import Counter
from .ledger import Ledger
from .look import Look
from .meter_days import Inexact
from .plan import Job, Month
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

# So many months are asked for while something else is waited for.
_ASKED_AHEAD = 16

type Notes = defaultdict[tuple[str, Inexact], set[date]]
"""The days of a meter that were estimated or lost, by alias and reason."""


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
    _wanted: int = 0
    _planned: int = 0
    """How many days are wanted of what is known, and how many of these are missing."""

    async def async_run(self, anchors: Mapping[Counter, Row]) -> None:
        """Count back from each counter's anchor; raises CemmError for the CEMM.

        An error of a single meter is noted, and the others go on.
        """
        if not anchors:
            self.progress.finish()
            return
        for counter in anchors:
            # Whatever is taken out of a sum from now on is later than this.
            self._live[counter] = await async_newest(self.hass, counter, MINUTES)
        jobs = [
            Job(alias, {counter: anchors[counter] for counter in group})
            for (alias, _), group in groupby(anchors, attrgetter("alias", "rule.day"))
        ]
        # As long as nothing else can be asked: these months are likely to tell something.
        since = date_at(self.hours.start)
        plan = [
            Month(job, max(since, job.newest.replace(day=1)), job.newest)
            for job in jobs
        ]
        self.progress.begin()
        while plan := [m for m in plan if m.job.alias not in self.look.failed]:
            plan.sort(key=attrgetter("order"))
            month = await self._async_next(plan)
            plan.remove(month)
            with self.look.contained(month.job.alias):
                if month.job.months:
                    await self._async_month(month, plan)
                    await self._async_keep_pace(plan)
                else:
                    plan += await self._async_months(month.job)
        await async_stored(self.hass)
        for counter, row in self._oldest.items():
            if not row.is_like(await async_oldest(self.hass, counter)):
                self.look.failed[counter.alias] = CemmError("not all rows were written")

    async def _async_next(self, plan: Sequence[Month]) -> Month:
        """Return what to go on with: the first that does not have to wait.

        A question that failed is asked again in some seconds. Another meter needn't wait
        for that; of a meter, each month goes on from the one after it.
        """
        first = dict[Job, Month]()
        for month in plan:
            first.setdefault(month.job, month)
        while True:
            due = list[float]()
            for month in first.values():
                due.append(await self._async_due(month))
                if not due[-1]:
                    return month
            await self._async_wait(plan, min(due))

    async def _async_due(self, month: Month) -> float:
        """Ask once for what a month needs; return when to go on with it, 0: now."""
        job = month.job
        if not job.months:
            return await self.reader.months_due(
                job.alias, job.channels, self.look.today
            )
        if month.is_asked_for:
            return await self.reader.days_due(month.part, self.progress.count_days)
        return 0.0

    async def _async_wait(self, plan: Sequence[Month], until: float) -> None:
        await self._async_ahead(plan, lambda: _now() >= until)
        await asyncio.sleep(max(until - _now(), 0))

    async def _async_ahead(
        self, plan: Sequence[Month], is_enough: Callable[[], bool]
    ) -> None:
        """Ask for what comes next, while something else is waited for."""
        parts = [each.part for each in plan[:_ASKED_AHEAD] if each.is_asked_for]
        await self.reader.ahead(parts, self.progress.count_days, is_enough)

    async def _async_months(self, job: Job) -> list[Month]:
        """Find out what there is to import of a meter."""
        job.months = await self.reader.months(job.alias, job.channels, self.look.today)
        if not job.months:
            return []
        oldest = max(min(job.months), date_at(self.hours.start))
        found = [Month(job, *span) for span in months_back(job.newest, oldest)]
        self._wanted += max((self.look.today - oldest).days + 1, 0)
        self._planned += sum((each.last - each.first).days + 1 for each in found)
        self.progress.expect(self._wanted, self._planned)
        return found

    async def _async_month(self, month: Month, plan: Sequence[Month]) -> None:
        """Import a month."""
        job, first, last = month.job, month.first, month.last
        start = midnight(first)
        anchors = {c: anchor for c, anchor in job.anchors.items() if anchor.end > start}
        if not anchors:
            return
        found = await self._async_days(month)
        if guessed := self.reader.unknown(job.alias, days(first, last)):
            await self.ledger.async_guess(job.alias, guessed)
            _LOGGER.warning(
                "Not all was answered about meter %s on %s: that is a guess until it is",
                *(job.alias, ", ".join(map(str, guessed))),
            )
        oldest = first.replace(day=1) == min(job.months)
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
        if all(m.job.alias != job.alias or m.last < first for m in plan):
            self.reader.forget(job.alias, first)

    async def _async_days(self, month: Month) -> list[Day]:
        """Return what the CEMM knows of a month's days."""
        job, first, last = month.job, month.first, month.last
        if month.is_asked_for:
            return await self.reader.meter_days(
                *(job.alias, first, last, self.look.today, self.progress.count_days),
                since=min(job.months),
            )
        found = [Day(day) for day in days(first, last)]
        self.progress.count_days(len(found))
        return found

    async def _async_keep_pace(self, plan: Sequence[Month]) -> None:
        """Wait for the recorder: it is slower than the CEMM, of which more is asked meanwhile."""
        self._stored.append(async_stored(self.hass))
        if len(self._stored) > _AHEAD:
            stored = self._stored.popleft()
            await self._async_ahead(plan, stored.done)
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


def _now() -> float:
    return asyncio.get_running_loop().time()
