"""When to ask a CEMM what, and what a failure means."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
import logging
from math import inf
from time import monotonic, time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import (
    USAGE,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmInfo,
    CemmUnreachableError,
    GatewayError,
    Meter,
    NotConnectedError,
    PromiseError,
    Reading,
    gather_or_raise,
)
from .const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS, DOMAIN
from .devices import async_registered_meters, async_remove_meter, async_update_cemm
from .discovery import async_look_for_lost
from .issues import as_text, async_expire_news
from .kinds import MeterKind, meter_kind
from .meters.breaks import Break
from .meters.listing import Missing, completed, left_out
from .meters.meter import FAILURES_TOLERATED, MeterData
from .meters.meters import MeterWatcher
from .meters.schedule import Schedule
from .meters.store import MeterStore
from .outage import Outage, WrongDeviceError

_LOGGER = logging.getLogger(__name__)

# Meters come and go, and a lease may give the address to another device.
IDENTIFY_INTERVAL = 600.0

# Meters that are due this close together (seconds) are asked together.
TOGETHER = 0.02

# What the listing of meters takes, as long as that is not known better, and for how long it
# may be put off, both in seconds: no meter should wait for it.
_LISTING_TAKES = 2.0
_LISTING_WAITS = 60.0

# The remote API is in trouble itself, or its way to the CEMM is.
_BACK_OFF = (CemmUnreachableError, GatewayError, PromiseError)


class CemmCoordinator(DataUpdateCoordinator[Mapping[str, MeterData]]):
    """Polls one CEMM, each meter in step with its measurements.

    The data is keyed by alias.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: CemmClient,
        note_breaks: Callable[[Collection[Break]], Awaitable[None]],
    ) -> None:
        """Prepare for polling the CEMM that the client reads.

        Breaks of statistics are noted before the new states are shown.
        """
        super().__init__(
            hass, _LOGGER, config_entry=entry, name=entry.title, always_update=False
        )
        assert entry.unique_id
        self.client = client
        self.mac = entry.unique_id
        self.info = CemmInfo(self.mac)
        self.device_id = ""
        self.meters: dict[str, Meter] = {}
        self._note_breaks = note_breaks
        self._watcher = MeterWatcher(hass, entry)
        self._schedules = defaultdict[str, Schedule](
            lambda: Schedule(client.shortest_interval, client.longest_interval)
        )
        self._planned = inf
        self._requested = True
        self._totals: dict[str, Reading] = {}
        self._missing = Missing()
        self._outage = Outage(hass, entry)
        self._identify_at = self._totals_at = 0.0
        self._listing_takes = _LISTING_TAKES
        self._store = MeterStore(hass, entry)

    def kind_of(self, meter: Meter) -> MeterKind:
        """Return what a meter measures, by its own word or the user's."""
        return meter_kind(meter, self.config_entry.options.get(CONF_VOLUME_KINDS, {}))

    @override
    async def _async_setup(self) -> None:
        stored = await self._store.async_load()
        self._watcher.restore(stored.get("counters", {}))
        self._outage.last_success = stored.get("last_success", time())

    @override
    async def _async_update_data(self) -> Mapping[str, MeterData]:
        try:
            await self._async_poll()
        except AuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except CemmError as err:
            return self._after_failure(err)
        self._outage.end()
        self._store.save(self._data_to_save)
        self._plan()
        return self._watcher.data

    def _after_failure(self, err: CemmError) -> Mapping[str, MeterData]:
        """Keep the last data a few times; then raise UpdateFailed."""
        self._outage.go_on(err)
        self._planned = monotonic() + self.client.retry_interval
        wrong = isinstance(err, WrongDeviceError)
        if self.data is None or wrong or self._outage.failed_polls > FAILURES_TOLERATED:
            if self.last_update_success:
                async_look_for_lost(self.hass)
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="wrong_device" if wrong else "cannot_connect",
                translation_placeholders={"name": as_text(self.name)},
            ) from err
        _LOGGER.debug("%s: a poll failed: %r", self.name, err)
        return self.data

    # When to ask

    def _plan(self) -> None:
        """Refresh when the first meter is due of those that somebody looks at."""
        wanted = self._wanted()
        self._planned = min(
            (self._schedules[alias].due for alias in wanted),
            default=monotonic() + self.client.longest_interval,
        )

    def _wanted(self) -> list[str]:
        """Return the meters that have enabled entities, or may get some."""
        used = set(self.async_contexts())
        data = self.data or {}
        return [
            alias
            for alias in self.meters
            if alias in used or alias not in data or not data[alias].channels
        ]

    def _due(self) -> list[str]:
        """Return the meters to ask now: all of them, if somebody wants a refresh.

        Those that nobody looks at are only asked when the meters are listed.
        """
        if self._requested:
            return list(self.meters)
        now = monotonic()
        return [
            alias
            for alias in (self.meters if now >= self._identify_at else self._wanted())
            if self._schedules[alias].due <= now + TOGETHER
        ]

    def _must_identify(self) -> bool:
        """Whether to list the meters now: after those that were due, before the next."""
        late = monotonic() - self._identify_at
        if late < 0 or late > _LISTING_WAITS:
            return late > 0
        next_due = min((self._schedules[a].due for a in self._wanted()), default=inf)
        return next_due - monotonic() > self._listing_takes

    @override
    @callback
    def _schedule_refresh(self) -> None:
        # The base class waits for a random part of a second that is the same each
        # time; a meter has a phase of its own.
        self._microsecond = self.hass.loop.time() % 1
        self._update_interval_seconds = max(self._planned - monotonic(), 0.0)
        super()._schedule_refresh()

    @override
    async def _async_refresh(
        self,
        log_failures: bool = True,
        raise_on_auth_failed: bool = False,
        scheduled: bool = False,
        raise_on_entry_error: bool = False,
    ) -> None:
        # What is not scheduled somebody has asked for: be it when polling is disabled.
        self._requested = not scheduled
        await super()._async_refresh(
            log_failures, raise_on_auth_failed, scheduled, raise_on_entry_error
        )

    # Asking

    async def _async_poll(self) -> None:
        now = monotonic()
        # Should anything go wrong that is not expected, it is not asked at once again.
        self._planned = now + self.client.retry_interval
        # After a failure something else may answer at the address, and what other meters
        # answered in that poll is lost.
        if self._outage.failed_polls or not self._identify_at:
            await self._async_identify()
            aliases = list(self.meters)
        else:
            aliases = self._due()
        if self.client.totals_interval and now >= self._totals_at:
            await self._async_read_totals(self.client.totals_interval)
        results = await gather_or_raise(map(self._async_read, aliases))
        errors = [result for result in results if isinstance(result, CemmError)]
        if errors and len(errors) == len(results):
            for error in errors:
                if not isinstance(error, NotConnectedError):
                    raise error
            # All meters are gone, or something else answers at the address.
            self._identify_at = 0
        breaks: list[Break] = []
        for alias, result in zip(aliases, results, strict=True):
            change = self._watcher.take(alias, result)
            breaks += change.breaks
            if change.must_last:
                self._store.save_soon()
            if isinstance(result, Reading) and not self._watcher.may_wait(alias):
                self._schedules[alias].hurry()
        if breaks:
            await self._note_breaks(breaks)
            await self._store.async_save(self._data_to_save())
        self._watcher.find_stalled(self._wanted())
        if self._must_identify():
            await self._async_identify()

    async def _async_read(self, alias: str) -> Reading | CemmError:
        """Return a meter's reading, or why this one meter has none.

        Raises what concerns the whole CEMM. After a failed poll it has just shown that
        it answers: what fails then for a meter is the meter's own.
        """
        schedule, asked = self._schedules[alias], monotonic()
        try:
            reading = await self.client.realtime(alias)
        except AuthenticationError:
            raise
        except CemmError as err:
            if isinstance(err, CemmConnectionError) and not self._outage.failed_polls:
                raise
            schedule.failed(asked, back_off=isinstance(err, _BACK_OFF))
            return err
        newest = max((m.time for m in reading.channels.values()), default=None)
        schedule.answered(newest, asked)
        if totals := self._totals.get(alias):
            return replace(reading, channels={**totals.channels, **reading.channels})
        return reading

    async def _async_read_totals(self, interval: float) -> None:
        """Ask for what `realtime` leaves out; where that fails, the old ones stay."""
        results = await gather_or_raise(
            self._async_totals(alias) for alias in self.meters
        )
        self._totals |= {
            alias: reading
            for alias, reading in zip(self.meters, results, strict=True)
            if reading
        }
        self._totals_at = monotonic() + interval

    async def _async_totals(self, alias: str) -> Reading | None:
        try:
            return await self.client.totals(alias, int(time()))
        except AuthenticationError, CemmConnectionError:
            raise
        except CemmError:
            return None

    async def _async_identify(self) -> None:
        """Make sure that this is still the same CEMM, and list its meters."""
        asked = monotonic()
        info = await self.client.info()
        if info.mac != self.mac:
            raise WrongDeviceError(f"{info.mac} answers")
        self.info = info
        self.device_id = async_update_cemm(self.hass, self.config_entry, info)
        extra = self.config_entry.options.get(CONF_EXTRA_ALIASES, ())
        known = async_registered_meters(self.hass, self.config_entry) | self.meters
        # What was there before a restart may answer although the list leaves it out.
        ask = {*extra, *(() if self.meters else known)} - {USAGE}
        listed = {
            meter.alias: completed(meter, known.get(meter.alias))
            for meter in await self.client.meters(sorted(ask), self._answering())
        }
        async_expire_news(self.hass, self.config_entry, listed)
        now = monotonic()
        self._listing_takes = max(_LISTING_TAKES, 1.5 * (now - asked))
        self._identify_at = now + IDENTIFY_INTERVAL
        self.meters |= listed
        for meter in listed.values():
            self._watcher.watch(meter, self.kind_of(meter))
        self._forget_missing({*listed}, {*known}, {*extra, USAGE})

    def _answering(self) -> set[str]:
        data = self._watcher.data
        return {alias for alias in self.meters if data[alias].available}

    def _forget_missing(
        self, listed: set[str], known: set[str], unlistable: set[str]
    ) -> None:
        """Forget the meters that are gone.

        Those that can't be listed are gone when they do not answer either, and their
        devices stay.
        """
        answering = self._answering()
        unlisted = set[str]()
        if self.client.lists_all_meters:
            unlisted = left_out(known - unlistable, listed - unlistable, answering)
        silent = self.meters.keys() - listed - answering - {USAGE}
        for alias in self._missing.gone(silent | unlisted, monotonic()):
            self.meters.pop(alias, None)
            self._schedules.pop(alias, None)
            self._watcher.forget(alias)
            if alias in unlisted:
                async_remove_meter(self.hass, self.config_entry, alias)

    # Remembering

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and keep what is known."""
        await super().async_shutdown()
        if self.data is not None:
            await self._store.async_save(self._data_to_save())

    def _data_to_save(self) -> dict[str, Any]:
        return {
            "last_success": self._outage.last_success,
            "counters": self._watcher.as_dict(),
        }
