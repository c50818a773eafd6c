"""What is done on the history of a CEMM: imports, healing, and sums put in order."""

import asyncio
from collections.abc import Container, Mapping
from datetime import date
import logging
from math import inf
from time import time

from custom_components.cemm.client import CemmError
from custom_components.cemm.const import CONF_IMPORT_HISTORY
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.days import HOUR, ONE_DAY, floor_hour, midnight
from custom_components.cemm.issues import CLOCK_WRONG, async_clear, async_raise

from .ask import FIRST_DAY, HistoryReader
from .counters import counters, statistics
from .guesses import async_recount
from .healing import Healer
from .importer import YEARS, Importer, Notes, async_anchor
from .ledger import Ledger
from .look import Look
from .progress import Progress
from .recorder import async_compiled_until, async_is_known, async_stored, async_writable
from .settling import async_mend_restarts, async_settle

_LOGGER = logging.getLogger(__name__)

# The recorder still writes these itself.
_SECONDS_LEFT_ALONE = 2 * HOUR


class Reconciler:
    """The work on the history of one CEMM. One method at a time may run.

    All raise CemmError when the CEMM fails.
    """

    def __init__(
        self, coordinator: CemmCoordinator, ledger: Ledger, progress: Progress
    ) -> None:
        """Prepare to work."""
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._coordinator = coordinator
        self._progress = progress
        self._reader = HistoryReader(coordinator.client, self._is_away, progress.tell)
        self._ledger = ledger
        self._rows = asyncio.Lock()
        """Held while rows are read and changed."""
        self._had: set[str] = set()
        """The entity ids of the counters that have what the user asked for."""
        self._healer = Healer(self._hass, self._reader, ledger, self._rows)

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
        ledger, look = self._ledger, await self._async_look()
        await self._async_heal(look)
        await async_recount(self._healer, look, look.now)
        if ledger.wanted and await self._async_count_back(
            look, *ledger.wanted, but=self._had
        ):
            await ledger.async_want(None)
        if self._entry.options.get(CONF_IMPORT_HISTORY):
            await self._async_forget_lost()
            await self._async_count_back(look, but=ledger.imported)
        look.raise_any()

    async def async_import_range(
        self, start: date | None, end: date | None
    ) -> dict[str, int]:
        """Import some days and fill all holes.

        Returns how many hours of these days were written, by alias.
        """
        look = await self._async_look()
        start = min(max(start, FIRST_DAY), look.today) if start else None
        end = min(end, look.today) if end else None
        # It stays wanted when Home Assistant stops in the middle.
        await self._ledger.async_want((start, end))
        self._had.clear()
        try:
            await self._async_heal(look)
            is_whole = await self._async_count_back(look, start, end)
            # What was not there some days ago may be there now.
            await async_recount(self._healer, look, inf)
            look.raise_any()
            # After the last day there may be a hole now.
            await self._async_heal(look)
            look.raise_any()
        except Exception:
            await self._ledger.async_want(None)
            raise
        if is_whole:
            await self._ledger.async_want(None)
        begin = midnight(start) if start else 0
        wanted = range(begin, midnight((end or look.today) + ONE_DAY))
        return {
            alias: sum(hour in wanted for hour in look.written[alias])
            for alias in sorted({counter.alias for counter in look.counters})
        }

    async def _async_count_back(
        self,
        look: Look,
        start: date | None = None,
        end: date | None = None,
        but: Container[str] = (),
    ) -> bool:
        """Import some days of the counters whose sums can be moved, except some.

        Returns whether that was all of them. That "there is nothing" is not believed of a
        CEMM whose clock is wrong.
        """
        if self._is_clock_wrong:
            return False
        last = min(midnight(end + ONE_DAY), look.newest) if end else look.newest
        hours = range(midnight(start) if start else 0, last)
        data = self._coordinator.data
        anchors = {
            c: anchor
            for c in look.ready
            if c.alias in data and c.entity_id not in but
            if (anchor := await async_anchor(self._hass, c, data[c.alias], time()))
        }
        for counter, anchor in anchors.items():
            if anchor.end > last:
                # Before the live reading all hours are written from the day data.
                self._ledger.settled[counter.entity_id] = last
        importer = Importer(
            *(self._hass, self._reader, self._ledger, self._progress, look, hours)
        )
        try:
            await importer.async_run(anchors)
        finally:
            await self._async_tell(importer.notes)
        done = [c.entity_id for c in anchors if c.alias not in look.failed]
        self._had.update(done)
        if start is None and end is None:
            self._ledger.imported |= dict.fromkeys(done, look.now)
            await self._ledger.async_save()
        if not look.failed:
            self._progress.finish()
        return look.ready == look.counters

    async def _async_tell(self, notes: Notes) -> None:
        """Say once what was estimated, or is lost."""
        for (alias, why), noted in notes.items():
            if await self._ledger.async_note(alias, why, noted):
                _LOGGER.warning(
                    "%s: the past of meter %s is not exact between %s and %s: %s",
                    *(self._entry.title, alias, *self._ledger.notes[alias][why], why),
                )

    async def _async_heal(self, look: Look) -> None:
        """Put the rows right that there are."""
        # The recorder may still be writing what an interrupted import left it.
        await async_stored(self._hass)
        await self.async_settle()
        coordinator, ledger = self._coordinator, self._ledger
        known = statistics(self._hass, coordinator.mac, coordinator.data)
        await async_mend_restarts(self._hass, ledger, known, self._rows)
        look.unsettled = {each.name for each in ledger.breaks}
        await self._healer.async_run(look)
        await ledger.async_save()

    async def _async_forget_lost(self) -> None:
        """Forget what was imported into a database that is there no more.

        One that has lived through an import has rows of the hours before it, of whatever
        statistic: without those of a single one, the user has deleted them.
        """
        for entity_id, at in list(self._ledger.imported.items()):
            since = floor_hour(at) - 2 * _SECONDS_LEFT_ALONE
            if not await async_is_known(self._hass, since, at):
                del self._ledger.imported[entity_id]

    @property
    def _is_clock_wrong(self) -> bool:
        """Whether all that is measured is years off: the past is empty then, or another."""
        meters = self._coordinator.data.values()
        times = [m.time / 1000 for each in meters for m in each.channels.values()]
        return bool(times) and min(abs(at - time()) for at in times) > YEARS

    def _tell_clock(self) -> None:
        """Tell the user, as long as it is so, that the CEMM's clock is wrong."""
        if self._is_clock_wrong:
            async_raise(self._hass, self._entry, CLOCK_WRONG)
        else:
            async_clear(self._hass, self._entry, CLOCK_WRONG)

    async def _async_look(self) -> Look:
        """Begin a look at the counters whose history can be written.

        The recorder *adds* its row of an hour, and one that is there already makes it
        lose those of all sensors. The clock is not enough: it may be behind with its work.
        """
        self._tell_clock()
        coordinator, now = self._coordinator, time()
        found = counters(self._hass, coordinator.mac, coordinator.data)
        writable = await async_writable(self._hass, list(found))
        newest = floor_hour(now) - _SECONDS_LEFT_ALONE
        if (compiled := await async_compiled_until(self._hass)) is not None:
            newest = min(newest, floor_hour(compiled))
        return Look(writable, now, newest, self._is_away)

    def _is_away(self) -> bool:
        """Whether the CEMM is out of reach, and not just one of its meters."""
        return not self._coordinator.last_update_success
