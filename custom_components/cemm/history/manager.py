"""When history is imported and holes are healed, and who watches."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
import logging
from time import monotonic, time
from typing import Any

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from custom_components.cemm.client import CemmError
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.days import HOUR
from custom_components.cemm.meters.breaks import Break

from .ledger import Ledger, Span
from .progress import Progress
from .reconciler import Reconciler

type OnProgress = Callable[[float], None]

_LOGGER = logging.getLogger(__name__)

# How often to look for holes, and to try again what failed.
INTERVAL = timedelta(hours=1)

# Seconds until what failed is tried again for the first time.
_SOON = 300.0

# How often (seconds) to look whether the recorder has written the rows of a break.
_SETTLE_INTERVAL = 60.0


class HistoryManager:
    """Brings the history of one CEMM into Home Assistant's statistics.

    One thing at a time: an import and a healing never meet.
    """

    def __init__(self, coordinator: CemmCoordinator, ledger: Ledger) -> None:
        """Prepare; `async_start` begins to work."""
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._coordinator = coordinator
        self._ledger = ledger
        self._progress = Progress(self._progressed)
        self._reconciler = Reconciler(coordinator, ledger, self._progress)
        self._settling: asyncio.Task[None] | None = None
        self._settle_at = 0.0
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listeners: set[CALLBACK_TYPE] = set()
        self._failed = False
        self._retry_in = _SOON
        self._next_look = 0.0
        self._stop_retrying: CALLBACK_TYPE | None = None
        self._out_of_reach = False

    @property
    def is_available(self) -> bool:
        """Whether there is a recorder to import into."""
        return RECORDER_DOMAIN in self._hass.config.components

    @property
    def mended(self) -> Collection[str]:
        """What was put right last in the statistics, and why."""
        return self._ledger.mended

    @property
    def progress(self) -> float | None:
        """How much is there of what is wanted, in percent."""
        part = self._progress.of_all
        return None if part is None else round(100 * part, 1)

    @property
    def notes(self) -> Mapping[str, Mapping[str, Span]]:
        """By alias what of its past is not exact, and why."""
        guesses = {
            alias: {"guess": (min(guessed), max(guessed))}
            for alias, guessed in self._ledger.guesses.items()
        }
        notes = self._ledger.notes
        return {
            alias: {**notes.get(alias, {}), **guesses.get(alias, {})}
            for alias in {**notes, **guesses}
        }

    @property
    def waiting(self) -> dict[str, Any]:
        """What an import waits for, and how long it will take."""
        failing = self._reconciler.failing
        pause = self._coordinator.client.pace.wait
        return {
            "minutes_left": self._progress.minutes_left,
            "slowed_down_until": _moment(time() + pause) if pause > 1 else None,
            "failing": {asked: str(err) for asked, err in failing.items()},
            "asked_again_at": _moment(self._next_look) if failing else None,
        }

    @callback
    def async_add_progress_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when the progress has changed; returns how to end that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def async_start(self) -> None:
        """Continue or begin the import, look for holes, and keep looking."""
        if not self.is_available:
            return
        for stop in (
            self._stop_retry,
            self._hass.async_add_shutdown_job(HassJob(self._async_stop)),
            async_track_time_interval(
                self._hass, self._async_tick, INTERVAL, cancel_on_shutdown=True
            ),
            self._coordinator.async_add_listener(self._async_polled),
        ):
            self._entry.async_on_unload(stop)
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
        Ends with the config entry, and is continued with it. Raises CemmError when
        the CEMM fails, and HomeAssistantError without a recorder or at its end.
        """
        if not self.is_available:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="no_recorder"
            )
        furthest = 0.0

        def report() -> None:
            nonlocal furthest
            furthest = max(furthest, self._progress.of_run)
            on_progress(furthest)

        stop_reporting = self.async_add_progress_listener(report)
        task = self._in_background(self._async_import_range(start, end))
        try:
            # It goes on when nobody waits for it any more.
            await asyncio.wait([task])
        finally:
            stop_reporting()
        if task.cancelled():
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="import_interrupted"
            )
        return task.result()

    async def _async_stop(self) -> None:
        """End all work for good: Home Assistant is about to stop.

        It would cancel the work too, but not wait for a query: one that still runs
        when the recorder closes its connections crashes Python.
        """
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if not self._lock.locked():  # Home Assistant may be told to stop twice.
            await self._lock.acquire()

    @callback
    def _async_tick(self, _now: datetime | None = None) -> None:
        self._in_background(self._async_catch_up())

    @callback
    def _async_polled(self) -> None:
        """Catch up when the CEMM is within reach again, and settle breaks."""
        recovered = self._out_of_reach and self._coordinator.last_update_success
        self._out_of_reach = not self._coordinator.last_update_success
        if recovered:
            self._async_tick()
        now = monotonic()
        is_idle = self._settling is None or self._settling.done()
        if self._ledger.breaks and now >= self._settle_at and is_idle:
            self._settle_at = now + _SETTLE_INTERVAL
            self._settling = self._in_background(self._async_settle())

    def _in_background[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._entry.async_create_background_task(
            self._hass, work, f"{DOMAIN} history of {self._entry.title}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # An error is for those who wait; asyncio must not complain if nobody does.
            task.exception()

    async def _async_import_range(
        self, start: date | None, end: date | None
    ) -> dict[str, int]:
        async with self._lock:
            return await self._reconciler.async_import_range(start, end)

    async def async_count_as_use(self, breaks: Collection[Break]) -> None:
        """Book breaks as use after all, by the user's word."""
        await self._ledger.async_add([replace(each, is_use=True) for each in breaks])
        await self._async_settle()

    async def _async_settle(self) -> None:
        """Take out of the sums what is no use."""
        if not self.is_available:
            return
        try:
            await self._reconciler.async_settle()
        except CemmError as err:
            _LOGGER.debug("%s: sums are mended later: %r", self._entry.title, err)

    async def _async_catch_up(self) -> None:
        """Do all that is due; a failure is reported once, and tried again later."""
        self._stop_retry()
        try:
            async with self._lock:
                await self._reconciler.async_catch_up()
        except CemmError as err:
            self._look_again()
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
        if self._reconciler.failing:
            self._look_again()
        else:
            self._retry_in = _SOON

    def _look_again(self) -> None:
        """Look again soon, and later each time; the hourly look comes anyway."""
        self._stop_retry()
        self._next_look = time() + self._retry_in
        tick = HassJob(self._async_tick, cancel_on_shutdown=True)
        self._stop_retrying = async_call_later(self._hass, self._retry_in, tick)
        self._retry_in = min(2 * self._retry_in, HOUR)

    def _stop_retry(self) -> None:
        if self._stop_retrying:
            self._stop_retrying()
            self._stop_retrying = None

    def _progressed(self) -> None:
        for listener in list(self._listeners):
            listener()


def _moment(at: float) -> str:
    """Return a Unix time as the attributes of Home Assistant say it."""
    return dt_util.utc_from_timestamp(at).isoformat()
