"""When history is imported and holes are healed, and what was done already."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, datetime, timedelta
import logging
from time import time
from typing import TYPE_CHECKING, Any

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_time_interval

from custom_components.cemm.client import CemmError
from custom_components.cemm.const import CONF_IMPORT_HISTORY, DOMAIN

from .anchors import async_anchor, async_origin, async_settle, unsettled
from .checkpoint import Checkpoint
from .counters import Counter, counters
from .failures import raise_any
from .healing import Healed, Healer
from .importer import Importer, Window
from .periods import HOUR, day_after, floor_hour, midnight
from .recorder import async_convertible, async_stored, live_value
from .rows import Anchor
from .source import Source

if TYPE_CHECKING:
    from custom_components.cemm.coordinator import CemmConfigEntry, CemmCoordinator

type OnProgress = Callable[[float], None]

_LOGGER = logging.getLogger(__name__)

# How often to look for holes, and to try again what failed.
INTERVAL = timedelta(hours=1)

# The recorder still writes these itself.
_SECONDS_LEFT_ALONE = 2 * HOUR


class HistoryManager:
    """Brings the history of one CEMM into Home Assistant's statistics.

    One thing at a time: an import and a healing never meet.
    """

    def __init__(
        self, hass: HomeAssistant, entry: CemmConfigEntry, coordinator: CemmCoordinator
    ) -> None:
        """Prepare; `async_start` begins to work."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._source = Source(coordinator.client)
        self._checkpoint = Checkpoint(hass, entry.entry_id)
        self._lock = asyncio.Lock()
        self._work: set[asyncio.Task[Any]] = set()
        self._first_states: dict[str, float] = {}
        self._listeners: set[CALLBACK_TYPE] = set()
        self._failed = False
        self._out_of_reach = False
        self._progress: int | None = None

    @property
    def is_available(self) -> bool:
        """Whether there is a recorder to import into."""
        return RECORDER_DOMAIN in self._hass.config.components

    @property
    def progress(self) -> int | None:
        """How much of the running or last import is done, in percent."""
        return self._progress

    @callback
    def async_add_progress_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when the progress has changed; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def async_start(self) -> None:
        """Continue or begin the import, look for holes, and keep looking."""
        if not self.is_available:
            return
        for counter in self._enabled():
            if (value := live_value(self._hass, counter)) is not None:
                self._first_states[counter.name] = value
        await self._checkpoint.async_load()
        self._entry.async_on_unload(
            self._hass.async_add_shutdown_job(HassJob(self._async_stop))
        )
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._async_tick, INTERVAL, cancel_on_shutdown=True
            )
        )
        self._entry.async_on_unload(
            self._hass.bus.async_listen(
                EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._async_live_rows
            )
        )
        self._entry.async_on_unload(
            self._coordinator.async_add_listener(self._async_polled)
        )
        self._async_tick()

    async def async_import(
        self,
        start: date | None = None,
        end: date | None = None,
        on_progress: OnProgress = lambda _: None,
    ) -> dict[str, int]:
        """Import what is missing of some days of the CEMM, both ends included.

        Returns the number of hours written by alias; progress runs from 0 to 1, never
        back, and is at first that of an import which this one must wait for.
        Ends with the config entry, and is continued with it. Raises CemmError
        when the CEMM fails, and HomeAssistantError without a recorder.
        """
        if not self.is_available:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="no_recorder"
            )
        furthest = 0

        def report() -> None:
            nonlocal furthest
            furthest = max(furthest, self._progress or 0)
            on_progress(furthest / 100)

        stop_reporting = self.async_add_progress_listener(report)
        try:
            return await asyncio.shield(
                self._in_background(self._async_import_range(start, end))
            )
        finally:
            stop_reporting()

    async def _async_stop(self) -> None:
        """End all work for good: Home Assistant is about to stop.

        It would cancel the work too, but not wait for the query that is running
        when the recorder closes its connections, which crashes Python.
        """
        for work in self._work:
            work.cancel()
        await self._lock.acquire()

    @callback
    def _async_tick(self, _now: datetime | None = None) -> None:
        self._in_background(self._async_catch_up())

    @callback
    def _async_polled(self) -> None:
        """Do what could not be done while the CEMM was out of reach."""
        recovered = self._out_of_reach and self._coordinator.last_update_success
        self._out_of_reach = not self._coordinator.last_update_success
        if recovered:
            self._async_tick()

    @callback
    def _async_live_rows(self, _event: Event[Any]) -> None:
        if any(c.name in self._checkpoint.origins for c in self._enabled()):
            self._async_tick()

    def _in_background[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._entry.async_create_background_task(
            self._hass, work, f"{DOMAIN} history of {self._entry.title}"
        )
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _async_catch_up(self) -> None:
        """Do all that is due; what fails is tried again, and reported once."""
        try:
            async with self._lock:
                # The recorder may still be writing what an interrupted import left it.
                await async_stored(self._hass)
                counters = await self._async_counters()
                await self._async_settle(counters)
                healed = await self._async_heal(counters, since=None)
                await self._async_go_on(counters)
                raise_any(healed.failed)
        except CemmError as err:
            level = logging.DEBUG if self._failed else logging.WARNING
            self._failed = True
            _LOGGER.log(
                level, "%s: history is tried again later: %r", self._entry.title, err
            )
            return
        except Exception:
            _LOGGER.exception("%s: history is tried again later", self._entry.title)
            return
        if self._failed:
            _LOGGER.info("%s: history is available again", self._entry.title)
        self._failed = False

    async def _async_go_on(self, counters: list[Counter]) -> None:
        """Finish what the user asked for, and the first import of every counter."""
        checkpoint = self._checkpoint
        if checkpoint.wanted:
            await self._async_count_back(counters, *checkpoint.wanted)
            await checkpoint.async_want(None)
        if self._entry.options.get(CONF_IMPORT_HISTORY):
            new = [c for c in counters if c.name not in checkpoint.imported]
            await self._async_count_back(new, None, None)

    async def _async_import_range(
        self, start: date | None, end: date | None
    ) -> dict[str, int]:
        async with self._lock:
            counters = await self._async_counters()
            # It stays wanted when Home Assistant stops in the middle.
            await self._checkpoint.async_want((start, end))
            try:
                hours = await self._async_count_back(counters, start, end)
                since = midnight(start) if start else 0
                healed = await self._async_heal(counters, since)
                raise_any(healed.failed)
            except CemmError:
                await self._checkpoint.async_want(None)
                raise
            await self._checkpoint.async_want(None)
        return {
            alias: len(hours.get(alias, set()) | healed.hours.get(alias, set()))
            for alias in sorted({counter.alias for counter in counters})
        }

    async def _async_count_back(
        self, counters: list[Counter], start: date | None, end: date | None
    ) -> dict[str, set[int]]:
        """Import some days; return the starts of the hours written by alias."""
        now = time()
        last = min(midnight(day_after(end)), _newest(now)) if end else _newest(now)
        window = Window(midnight(start) if start else 0, last)
        anchors = {
            counter: anchor
            for counter in counters
            if (anchor := await self._async_anchor(counter, now))
        }
        importer = Importer(self._hass, self._source, now, window, self._set_progress)
        imported = await importer.async_run(anchors)
        origins = self._checkpoint.origins
        for counter, anchor in anchors.items():
            if origin := imported.origins.get(counter):
                if row := await async_origin(self._hass, counter, origin):
                    origins[counter.name] = row
            elif row := unsettled(anchor, origins.get(counter.name)):
                origins[counter.name] = row
        done = {c.name for c in anchors if c.alias not in imported.failed}
        if start is None and end is None:
            self._checkpoint.imported |= done
        for name in done:
            self._checkpoint.complete.pop(name, None)
        await self._checkpoint.async_save()
        await self._async_settle(counters)
        raise_any(imported.failed)
        self._set_progress(1)
        return imported.hours

    async def _async_anchor(self, counter: Counter, now: float) -> Anchor | None:
        return await async_anchor(
            self._hass,
            counter,
            self._coordinator.data[counter.alias],
            self._first_states.get(counter.name),
            now,
        )

    async def _async_heal(self, counters: list[Counter], since: float | None) -> Healed:
        """Fill holes since a time, or wherever some may be new."""
        now = time()
        healer = Healer(self._hass, self._source, now, _newest(now))
        complete = self._checkpoint.complete
        healed = await healer.async_run(
            {
                counter: complete.get(counter.name, 0) if since is None else since
                for counter in counters
            }
        )
        complete.update(healed.complete)
        await self._checkpoint.async_save()
        return healed

    async def _async_settle(self, counters: list[Counter]) -> None:
        """Let sums begin at 0 where that is possible by now."""
        origins = self._checkpoint.origins
        for counter in counters:
            if (origin := origins.get(counter.name)) and await async_settle(
                self._hass, counter, origin
            ):
                del origins[counter.name]
                await self._checkpoint.async_save()

    async def _async_counters(self) -> list[Counter]:
        """Return the counters whose history can be written."""
        return await async_convertible(self._hass, self._enabled())

    def _enabled(self) -> list[Counter]:
        coordinator = self._coordinator
        return list(counters(self._hass, coordinator.mac, coordinator.data))

    def _set_progress(self, part: float) -> None:
        """Tell the listeners of each percent once, not of each request."""
        percent = int(100 * part)
        if percent != self._progress:
            self._progress = percent
            for listener in list(self._listeners):
                listener()


def _newest(now: float) -> int:
    """Return the end of the last hour that the recorder no longer writes."""
    return floor_hour(now) - _SECONDS_LEFT_ALONE
