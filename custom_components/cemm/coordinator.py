"""When to ask a CEMM what, and what a failure means."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial
import logging
from math import inf
from time import monotonic, time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import (
    NOTHING_THERE,
    USAGE,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmInfo,
    CemmTimeoutError,
    Meter,
    Reading,
)
from .const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS, DOMAIN
from .devices import async_registered_meters, async_remove_meter, async_update_cemm
from .discovery import async_look_for_lost
from .issues import as_text, async_expire_news
from .kinds import MeterKind, meter_kind
from .meters.asking import TOGETHER, Asker, Results
from .meters.breaks import Break
from .meters.listing import Missing, completed, left_out
from .meters.meter import FAILURES_TOLERATED, MeterData
from .meters.meters import Meters
from .meters.schedule import Schedule
from .meters.store import MeterStore
from .outage import Oddities, Outage, WrongDeviceError

_LOGGER = logging.getLogger(__name__)

# Meters come and go, and a lease may give the address to another device.
IDENTIFY_INTERVAL = 600.0

# What the listing of meters takes, as long as that is not known better, and for how long it
# may be put off, both in seconds: no meter should wait for it.
_LISTING_TAKES = 2.0
_LISTING_WAITS = 60.0


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
        self._note_breaks = note_breaks
        new_schedule = partial(
            Schedule, client.shortest_interval, client.longest_interval
        )
        self._meters = Meters(hass, entry, new_schedule)
        self._asker = Asker(hass, entry, client, self._meters, self._look_now)
        self._planned = inf
        self._requested = True
        self._info_error: CemmError | None = None
        self._is_asking_again = False
        self.oddities = Oddities(hass, entry)
        self._missing = Missing()
        self._outage = Outage(hass, entry)
        self._identify_at = self._totals_at = 0.0
        self._listing_takes = _LISTING_TAKES
        self._store = MeterStore(hass, entry)

    @property
    def meters(self) -> dict[str, Meter]:
        """The meters that are there, by alias."""
        return {alias: each.data.meter for alias, each in self._meters.items()}

    def kind_of(self, meter: Meter) -> MeterKind:
        """Return what a meter measures, by its own word or the user's."""
        return meter_kind(meter, self.config_entry.options.get(CONF_VOLUME_KINDS, {}))

    @override
    async def _async_setup(self) -> None:
        stored = await self._store.async_load()
        self._meters.restore(stored.get("counters", {}))
        self._outage.last_success = stored.get("last_success", time())

    @override
    async def _async_update_data(self) -> Mapping[str, MeterData]:
        try:
            await self._async_poll()
        except AuthenticationError as err:
            self._outage.refused(self.client)
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except CemmError as err:
            return self._after_failure(err)
        self._outage.end()
        self.oddities.tell()
        self._store.save(self._data_to_save)
        self._plan()
        return self._meters.data

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
            (self._meters[alias].schedule.due for alias in wanted),
            default=monotonic() + self.client.longest_interval,
        )

    def _wanted(self) -> list[str]:
        """Return the meters that have enabled entities, or may get some."""
        used = set(self.async_contexts())
        data = self.data or {}
        return [
            alias
            for alias in self._meters
            if alias in used or alias not in data or not data[alias].channels
        ]

    def _due(self) -> list[str]:
        """Return the meters to ask now: all of them, if somebody wants a refresh.

        Those that nobody looks at are only asked when the meters are listed.
        """
        if self._requested:
            return list(self._meters)
        now = monotonic()
        return [
            alias
            for alias in (self._meters if now >= self._identify_at else self._wanted())
            if self._meters[alias].schedule.due <= now + TOGETHER
        ]

    def _must_identify(self) -> bool:
        """Whether to list the meters now: after those that were due, before the next."""
        if not self._identify_at:  # The next poll begins with that.
            return False
        late = monotonic() - self._identify_at
        if late < 0 or late > _LISTING_WAITS:
            return late > 0
        next_due = min(
            (self._meters[a].schedule.due for a in self._wanted()), default=inf
        )
        return next_due - monotonic() > self._listing_takes

    @callback
    def _look_now(self) -> None:
        """Have an answer that came late be fetched."""
        self._planned = monotonic()
        if self._listeners:
            self._schedule_refresh()

    @override
    @callback
    def _schedule_refresh(self) -> None:
        # The base class counts from the last full second, and adds a part of one that is
        # the same each time; a meter has a phase of its own.
        now = self.hass.loop.time()
        wait = max(self._planned - monotonic(), 0.0) + now % 1 - self._microsecond
        self.update_interval = timedelta(seconds=wait)
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
            aliases = list(self._meters)
        else:
            aliases = self._due()
        if self.client.totals_interval and now >= self._totals_at:
            await self._asker.async_totals()
            self._totals_at = monotonic() + self.client.totals_interval
            self._find_odd()
        results = await self._asker.async_readings(aliases)
        self._find_outage(results)
        await self._async_take(results)
        self._meters.find_stalled(self._wanted())
        if self._must_identify():
            await self._async_identify()
        elif now >= self.client.again_at and not self._is_asking_again:
            await self._asker.async_aside([self._async_ask_again()])

    def _find_outage(self, results: Results) -> None:
        """Raise what is wrong with the CEMM, if no meter answers."""
        errors = [
            result for result in results.values() if isinstance(result, CemmError)
        ]
        if not errors or len(errors) < len(results):
            return
        for error in errors:
            if not isinstance(error, NOTHING_THERE):
                raise error
        # All meters are gone, or something else answers at the address.
        if self._info_error:
            raise self._info_error
        self._identify_at = 0

    async def _async_take(self, results: Results) -> None:
        """Hand the meters their answers; note first what must not be lost."""
        breaks: list[Break] = []
        for alias, result in results.items():
            change = self._meters.take(alias, result)
            breaks += change.breaks
            if change.must_last:
                self._store.save_soon()
            if isinstance(result, Reading) and not self._meters[alias].may_wait:
                self._meters[alias].schedule.hurry()
        if breaks:
            await self._note_breaks(breaks)
            await self._store.async_save(self._data_to_save())

    async def _async_identify(self) -> None:
        """Make sure that this is still the same CEMM, and list its meters."""
        asked = monotonic()
        await self._async_recognise()
        extra = self.config_entry.options.get(CONF_EXTRA_ALIASES, ())
        known = async_registered_meters(self.hass, self.config_entry) | self.meters
        # What was there before a restart may answer although the list leaves it out.
        ask = {*extra, *(() if self.meters else known)} - {USAGE}
        found: Collection[Meter] = self.meters.values()
        try:
            if not isinstance(self._info_error, CemmConnectionError):
                found = await self.client.meters(sorted(ask))
        except AuthenticationError:
            raise
        except CemmError:
            if not self.meters:
                raise
        if self._info_error and not found:
            raise self._info_error
        listed = self._take_meters(found, known)
        async_expire_news(self.hass, self.config_entry, listed)
        now = monotonic()
        self._listing_takes = max(_LISTING_TAKES, 1.5 * (now - asked))
        self._identify_at = now + IDENTIFY_INTERVAL
        self._forget_missing(listed, {*known}, {*extra, USAGE})

    async def _async_recognise(self) -> None:
        """Ask the CEMM who it is.

        That it does not say does no harm as long as its meters answer. But what does not
        answer at all is not asked for each of them.
        """
        info, self._info_error = self.info, None
        try:
            info = await self.client.info()
        except AuthenticationError:
            raise
        except CemmConnectionError as err:
            is_slow = isinstance(err, CemmTimeoutError)
            if not self.meters or (is_slow and self._outage.failed_polls):
                raise
            self._info_error = err
        except CemmError as err:
            self._info_error = err
        if info.mac != self.mac:
            raise WrongDeviceError(f"{info.mac} answers")
        self.info = info
        self.device_id = async_update_cemm(self.hass, self.config_entry, info)

    async def _async_ask_again(self) -> None:
        """Ask for the meters that did not answer well; nothing waits for that."""
        self._is_asking_again = True
        try:
            self._take_meters(await self.client.ask_again(), self.meters)
        finally:
            self._is_asking_again = False

    def _take_meters(
        self, found: Iterable[Meter], known: Mapping[str, Meter]
    ) -> set[str]:
        """Take note of the meters that are there, and return their aliases."""
        self._find_odd()
        listed = {
            meter.alias: completed(meter, known.get(meter.alias)) for meter in found
        }
        for meter in listed.values():
            self._meters.watch(meter, self.kind_of(meter))
        return {*listed}

    def _find_odd(self) -> None:
        odd = {**self.client.odd, **self._asker.odd}
        if self._info_error:
            odd["info"] = self._info_error
        self.oddities.look(odd)

    def _answering(self) -> set[str]:
        data = self._meters.data
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
            self._meters.forget(alias)
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
            "counters": self._meters.as_dict(),
        }
