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

from .apply import async_apply, async_begin_at, async_queue
from .ask import HistoryReader, Part, contained
from .count import count_days_back
from .counters import Counter, Priority
from .ledger import Ledger
from .meter_days import Why
from .profile import Day
from .progress import Progress
from .recorder import (
    async_minutes,
    async_newest_hour,
    async_newest_minutes,
    async_oldest_hour,
    async_stored,
)
from .rises import meter_reading
from .rows import TOLERANCE, Row
from .tariffs import Votes
from .want import Difference, Move

_LOGGER = logging.getLogger(__name__)

# A time that is so far (seconds) from now is of a clock that is wrong.
YEARS = 365 * DAY

# At most this many rows wait: about a year of a house with five meters.
_PUT_OFF = 100_000

# How many writes the recorder may be behind: some months take it long, others do not.
_AHEAD = 4

# So many months are asked for while a question waits to be asked again.
_ASKED_AHEAD = 4

type Notes = defaultdict[tuple[str, Why], set[date]]
"""The days of a meter that were estimated or lost, by alias and reason."""

type _Batch = tuple[Counter, float, list[Row]]
"""A counter, its sum where its rows begin, and these, oldest first."""


@dataclass(slots=True)
class _Job:
    """What is left to import of one meter and one channel of its day data."""

    alias: str
    priority: Priority
    """The first of those of its counters."""
    anchors: dict[Counter, Row]
    months: set[date]
    """The first days of those in which anything was counted."""

    def days_since(self, start: int, today: date) -> int:
        """Return how many days the CEMM remembers since a Unix time."""
        if not self.months:
            return 0
        return max((today - max(min(self.months), date_at(start))).days + 1, 0)

    def months_left(self, start: int) -> Iterator[tuple[date, date]]:
        """Yield the first and last day of each month to go through."""
        if self.months:
            newest = max(anchor.end for anchor in self.anchors.values())
            oldest = max(min(self.months), date_at(start))
            yield from months_back(date_at(newest - 1), oldest)


@dataclass(slots=True)
class Importer:
    """Imports the history of one CEMM's counters."""

    hass: HomeAssistant
    reader: HistoryReader
    today: date
    hours: range
    """From the Unix time of the first hour that may be written to the end of the last."""
    progress: Progress
    written: dict[str, set[int]]
    """The starts of the hours written, by alias."""
    ledger: Ledger
    failed: dict[str, CemmError] = field(default_factory=dict)
    """Why the history of a meter could not be had, by alias."""
    _votes: Votes = field(default_factory=Tally)
    """What is known of the tariffs."""
    notes: Notes = field(default_factory=lambda: defaultdict(set))
    _later: list[_Batch] = field(default_factory=list)
    _lifts: dict[Counter, float] = field(default_factory=dict)
    """How much has been added to each counter's sums."""
    _live: dict[Counter, Row | None] = field(default_factory=dict)
    """The row that each live sum went on from, before anything was added."""
    _begun: dict[Counter, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """The first rows of what was there and of each batch, with nothing added to them."""
    _stored: deque[Future[None]] = field(default_factory=deque)

    async def async_run(self, anchors: Mapping[Counter, Row]) -> None:
        """Count back from each counter's anchor; raises CemmError for the CEMM.

        An error of a single meter is noted, and the others go on.
        """
        for counter, anchor in anchors.items():
            self._begun[counter].append(anchor)
        jobs = await self._async_jobs(anchors)
        plan = [
            (first, last, job)
            for job in jobs
            for first, last in job.months_left(self.hours.start)
        ]
        self.progress.begin(
            sum(job.days_since(self.hours.start, self.today) for job in jobs),
            sum((last - first).days + 1 for first, last, _ in plan),
        )
        # The newest months first, but before all else those of the Energy dashboard.
        plan.sort(key=lambda part: (part[2].priority, -part[1].toordinal()))
        try:
            for number, (first, last, job) in enumerate(plan, 1):
                if job.alias not in self.failed:
                    then = [
                        (other.alias, begin, end)
                        for begin, end, other in plan[number : number + _ASKED_AHEAD]
                        if begin.replace(day=1) in other.months
                    ]
                    with contained(job.alias, self.failed):
                        await self._async_month(job, first, last, then)
                if sum(len(rows) for _, _, rows in self._later) > _PUT_OFF:
                    await self._async_write_later()
        except CemmError:
            # The answers so far need not be asked for again.
            await self._async_write_later()
            raise
        await self._async_write_later()

    async def _async_jobs(self, anchors: Mapping[Counter, Row]) -> list[_Job]:
        jobs = []
        aliases = dict.fromkeys(counter.alias for counter in anchors)
        for (alias, _), group in groupby(anchors, attrgetter("alias", "rule.day")):
            counters = {counter: anchors[counter] for counter in group}
            priority = min(counter.priority for counter in counters)
            channels = {name for counter in counters for name in counter.rule.period}
            with contained(alias, self.failed):
                months = await self.reader.months(
                    alias, channels, self.today, then=aliases
                )
                jobs.append(_Job(alias, priority, counters, months))
        return jobs

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
                *(job.alias, first, last, self.today, self.progress.count_day),
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
        batches: list[_Batch] = []
        for counter, rows in counted.rows.items():
            if rows:
                job.anchors[counter] = rows[0]
            # Where no older row follows, nothing is known of the first one's own hour.
            unknown = 1 if oldest else 0
            if wanted := [row for row in rows[unknown:] if row.start in self.hours]:
                is_used = counter.priority is job.priority
                (batches if is_used else self._later).append(
                    (counter, rows[0].sum, wanted)
                )
        await self._async_write(batches)
        self.reader.forget(job.alias, first)

    async def _async_write_later(self) -> None:
        """Write the rows that were put off for counters that are used more."""
        self._later.sort(key=lambda batch: batch[0].priority)
        while self._later:
            await self._async_write([self._later.pop(0)])
        await async_stored(self.hass)
        for counter, lift in self._lifts.items():
            await self._async_read_back(counter, lift)

    async def _async_read_back(self, counter: Counter, lift: float) -> None:
        """Do those moves again that the recorder has lost."""
        live = self._live[counter]
        rows = await async_minutes(self.hass, counter, live.start) if live else []
        if not live or not rows or abs(rows[0].sum - live.sum - lift) <= TOLERANCE:
            return
        moves: list[Move] = []
        for old in sorted(self._begun[counter]):
            found = await async_newest_hour(self.hass, counter, old.start + 1)
            moved = sum(move.amount for move in moves)
            if found and found.start == old.start:
                short = old.sum + lift - found.sum - moved
                if abs(short) > TOLERANCE:
                    moves.append(Move(old.start, short))
        short = live.sum + lift - rows[0].sum - sum(move.amount for move in moves)
        if abs(short) > TOLERANCE:
            moves.append(Move(live.start, short))
        await async_apply(self.hass, counter, Difference(moves))

    async def _async_write(self, batches: list[_Batch]) -> None:
        """Have rows written, and wait until the recorder is not too far behind.

        It is slower than the CEMM, and goes on while more is asked for.
        """
        for batch in batches:
            await self._async_write_batch(*batch)
        self._stored.append(async_stored(self.hass))
        if len(self._stored) > _AHEAD:
            await self._stored.popleft()

    async def _async_write_batch(
        self, counter: Counter, origin: float, rows: list[Row]
    ) -> None:
        """Have rows written, and all sums moved such that they begin at 0.

        Home Assistant takes what was before the first row as 0: it would show a sum
        that begins below 0 as a fall. Where there is no live sum that can be moved
        too, rows that are there stay as they are.
        """
        before = lift = self._lifts.get(counter, 0.0)
        if counter not in self._lifts:
            self._live[counter] = await async_newest_minutes(self.hass, counter)
        if self._live[counter]:
            self._lifts[counter] = lift = -origin
            self._begun[counter].append(rows[0])
        rows = [replace(row, sum=row.sum + lift) for row in rows]
        moves = [Move(rows[0].start, lift - before)] if lift != before else []
        await async_queue(self.hass, counter, Difference(moves, rows))
        self.written[counter.alias].update(row.start for row in rows)


async def async_anchor(
    hass: HomeAssistant, counter: Counter, data: MeterData, now: float
) -> Row | None:
    """Return a counter's oldest known reading; None if it has none at all.

    Before the recorder has a row, that is the live reading, as a row that ends at its
    time. Where the recorder has not begun to count, it is made to begin there. The time
    must be plausible: that of a CEMM that has just started may be years off.
    """
    if oldest := await async_oldest_hour(hass, counter):
        return oldest
    reading = meter_reading(data.channels, counter.registers)
    if reading is None or abs(reading[0] - now) > YEARS:
        return None
    time, state = min(reading[0], now), round(reading[1], 6)
    if await async_newest_minutes(hass, counter) is None:
        await async_begin_at(hass, counter, state)
    # The recorder may have begun by itself meanwhile.
    newest = await async_newest_minutes(hass, counter)
    if newest is None:
        return None
    return Row(int(time) - HOUR, state, state - newest.state + newest.sum)
