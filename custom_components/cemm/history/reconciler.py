"""What is done on the history of a CEMM: imports, healing, and sums put in order."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
import logging
from math import inf
from time import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.cemm.client import CemmError
from custom_components.cemm.const import CONF_IMPORT_HISTORY
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.days import HOUR, ONE_DAY, date_at, floor_hour, midnight
from custom_components.cemm.issues import CLOCK_WRONG, async_clear, async_raise

from .ask import FIRST_DAY, HistoryReader, raise_any
from .counters import Counter, counters, statistics
from .guesses import async_recount
from .healing import Healer
from .importer import YEARS, Importer, Notes, async_anchor
from .ledger import Ledger
from .progress import Progress
from .recorder import async_compiled_until, async_is_known, async_stored, async_writable
from .settling import async_join, async_settle

_LOGGER = logging.getLogger(__name__)

type _Failed = dict[str, CemmError]
"""Why the history of a meter could not be had, by alias."""

type _Written = dict[str, set[int]]
"""The starts of the hours written, by alias."""

# The recorder still writes these itself.
_SECONDS_LEFT_ALONE = 2 * HOUR


class Reconciler:
    """The work on the history of one CEMM. One method at a time may run.

    All raise CemmError when the CEMM fails.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinator: CemmCoordinator,
        ledger: Ledger,
        progress: Progress,
    ) -> None:
        """Prepare to work."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._progress = progress
        self._reader = HistoryReader(
            coordinator.client,
            lambda: not coordinator.last_update_success,
            progress.tell,
        )
        self._ledger = ledger
        self._rows = asyncio.Lock()
        """Held while rows are read and changed."""
        self._healer = Healer(hass, self._reader, ledger, self._rows)
        self._unmended: set[str] = set()
        """The names of counters whose rows could not be put right so far."""

    @property
    def failing(self) -> Mapping[str, CemmError]:
        """What could not be asked so far, and why."""
        return {
            f"{alias} {period or 'readings'} {day}": err
            for (alias, period, day), err in self._reader.failing.items()
        }

    async def async_settle(self) -> None:
        """Take out of the sums what is no use; may run beside any other method."""
        if self._ledger.breaks:
            coordinator = self._coordinator
            known = statistics(self._hass, coordinator.mac, coordinator.data)
            await async_settle(self._hass, self._ledger, known, self._rows)

    async def async_catch_up(self) -> None:
        """Do all that is due: for one meter after the other, as far as it answers."""
        self._tell_clock()
        ledger, written = self._ledger, defaultdict[str, set[int]](set)
        counters = await self._async_counters()
        failed = await self._async_heal(counters, written)
        failed |= await self._async_recount(counters, time())
        if ledger.wanted:
            not_had, all_ready = await self._async_count_back(
                counters, written, *ledger.wanted
            )
            failed |= not_had
            if all_ready and not not_had:
                await ledger.async_want(None)
        if self._entry.options.get(CONF_IMPORT_HISTORY):
            await self._async_forget_lost()
            new = [c for c in counters if c.entity_id not in ledger.imported]
            failed |= (await self._async_count_back(new, written))[0]
        raise_any(failed)

    async def async_import_range(
        self, start: date | None, end: date | None
    ) -> dict[str, int]:
        """Import some days and fill all holes.

        Returns how many hours of these days were written, by alias.
        """
        today = date_at(time())
        start = min(max(start, FIRST_DAY), today) if start else None
        end = min(end, today) if end else None
        counters = await self._async_counters()
        written: _Written = defaultdict(set, {c.alias: set() for c in counters})
        # It stays wanted when Home Assistant stops in the middle.
        await self._ledger.async_want((start, end))
        try:
            await self._async_heal(counters, written)
            failed, all_ready = await self._async_count_back(
                counters, written, start, end
            )
            # What was not there some days ago may be there now.
            failed |= await self._async_recount(counters, inf)
            # After the last day there may be a hole now; what failed is asked again.
            raise_any(failed | await self._async_heal(counters, written))
        except Exception:
            await self._ledger.async_want(None)
            raise
        if all_ready:
            await self._ledger.async_want(None)
        wanted = range(
            midnight(start) if start else 0, midnight((end or today) + ONE_DAY)
        )
        return {
            alias: sum(hour in wanted for hour in hours)
            for alias, hours in sorted(written.items())
        }

    async def _async_count_back(
        self,
        counters: list[Counter],
        written: _Written,
        start: date | None = None,
        end: date | None = None,
    ) -> tuple[_Failed, bool]:
        """Import some days of the counters whose sums can be moved.

        Returns what failed, and whether no counter has to be mended first.
        """
        ready = [c for c in counters if c.name not in self._unmended]
        now = time()
        last = await self._async_newest(now)
        if end:
            last = min(midnight(end + ONE_DAY), last)
        hours = range(midnight(start) if start else 0, last)
        data = self._coordinator.data
        anchors = {
            c: anchor
            for c in ready
            if c.alias in data
            and (anchor := await async_anchor(self._hass, c, data[c.alias], now))
        }
        for counter, anchor in anchors.items():
            if anchor.end > last:
                # Before the live reading all hours are written from the day data.
                self._ledger.settled[counter.entity_id] = last
        importer = Importer(
            *(self._hass, self._reader, date_at(now), hours, self._progress),
            *(written, self._ledger),
        )
        try:
            await importer.async_run(anchors)
        finally:
            await self._async_tell(importer.notes)
        failed = importer.failed
        if start is None and end is None:
            done = [c.entity_id for c in anchors if c.alias not in failed]
            self._ledger.imported |= dict.fromkeys(done, now)
            await self._ledger.async_save()
        if not failed:
            self._progress.finish()
        return failed, len(ready) == len(counters)

    async def _async_tell(self, notes: Notes) -> None:
        """Say once what was estimated, or is lost."""
        for (alias, why), noted in notes.items():
            if await self._ledger.async_note(alias, why, noted):
                _LOGGER.warning(
                    "%s: the past of meter %s is not exact between %s and %s: %s",
                    *(self._entry.title, alias, *self._ledger.notes[alias][why], why),
                )

    async def _async_heal(self, counters: list[Counter], written: _Written) -> _Failed:
        """Put the rows right that there are; return what failed."""
        # The recorder may still be writing what an interrupted import left it.
        await async_stored(self._hass)
        await self.async_settle()
        coordinator, ledger, healer = self._coordinator, self._ledger, self._healer
        known = statistics(self._hass, coordinator.mac, coordinator.data)
        await async_join(self._hass, ledger, known, self._rows)
        now = time()
        healer.today, healer.newest = date_at(now), await self._async_newest(now)
        healer.written, healer.failed = written, {}
        # Wrong bookings are taken out of a sum first.
        unsettled = {each.name for each in ledger.breaks}
        await healer.async_run([c for c in counters if c.name not in unsettled])
        failing = {c.name for c in counters if c.alias in healer.failed}
        self._unmended = unsettled | failing
        await ledger.async_save()
        return healer.failed

    async def _async_recount(self, counters: list[Counter], by: float) -> _Failed:
        """Count days again that were a guess and are due by then; return what failed."""
        ready = [c for c in counters if c.name not in self._unmended]
        await async_recount(self._healer, ready, by)
        return self._healer.failed

    async def _async_forget_lost(self) -> None:
        """Forget what was imported into a database that is there no more.

        One that has lived through an import has rows of the hours before it, of whatever
        statistic: without those of a single one, the user has deleted them.
        """
        for entity_id, at in list(self._ledger.imported.items()):
            since = floor_hour(at) - 2 * _SECONDS_LEFT_ALONE
            if not await async_is_known(self._hass, since, at):
                del self._ledger.imported[entity_id]

    def _tell_clock(self) -> None:
        """Tell the user, as long as it is so, that the CEMM's clock is wrong."""
        meters = self._coordinator.data.values()
        times = [m.time / 1000 for each in meters for m in each.channels.values()]
        if times and abs(max(times) - time()) > YEARS:
            async_raise(self._hass, self._entry, CLOCK_WRONG)
        else:
            async_clear(self._hass, self._entry, CLOCK_WRONG)

    async def _async_counters(self) -> list[Counter]:
        """Return the counters whose history can be written."""
        coordinator = self._coordinator
        found = counters(self._hass, coordinator.mac, coordinator.data)
        return await async_writable(self._hass, list(found))

    async def _async_newest(self, now: float) -> int:
        """Return the end of the last hour that the recorder no longer writes.

        The recorder *adds* its row of an hour, and one that is there already makes it
        lose those of all sensors. The clock is not enough: it may be behind with its work.
        """
        newest = floor_hour(now) - _SECONDS_LEFT_ALONE
        compiled = await async_compiled_until(self._hass)
        return newest if compiled is None else min(newest, floor_hour(compiled))
