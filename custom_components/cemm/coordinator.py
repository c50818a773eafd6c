"""When to ask a CEMM what, and what a failure means."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
import logging
from time import monotonic, time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .channels import MeterKind, meter_kind
from .client import (
    USAGE,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmInfo,
    Meter,
    NotConnectedError,
    Reading,
)
from .concurrency import gather_or_raise
from .const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS, DOMAIN
from .devices import async_registered_aliases, async_remove_meter, async_update_cemm
from .issues import (
    METER_REPLACED,
    METER_STOPPED,
    UNREACHABLE,
    UNREACHABLE_REMOTE,
    VOLUME_KIND,
    WRONG_DEVICE,
    async_clear,
    async_expire_replaced,
    async_raise,
)
from .meters import FAILURES_TOLERATED, MeterData, MeterTracker, restore_counters
from .stale import is_stalled

_LOGGER = logging.getLogger(__name__)

# Meters come and go, and a lease may give the address to another device.
IDENTIFY_INTERVAL = 600.0
SAVE_INTERVAL = 900.0
UNREACHABLE_AFTER = 86_400.0


@dataclass(slots=True)
class CemmRuntime:
    """What lives as long as a loaded config entry."""

    coordinator: CemmCoordinator


type CemmConfigEntry = ConfigEntry[CemmRuntime]


def counter_store(hass: HomeAssistant, entry: ConfigEntry) -> Store[dict[str, Any]]:
    """Return where the last good readings are kept."""
    return Store(hass, 1, f"{DOMAIN}.{entry.entry_id}.counters")


class WrongDeviceError(CemmError):
    """Another CEMM answers at the address."""


class CemmCoordinator(DataUpdateCoordinator[Mapping[str, MeterData]]):
    """Polls one CEMM; the data is keyed by alias."""

    config_entry: CemmConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: CemmConfigEntry, client: CemmClient
    ) -> None:
        """Prepare for polling the CEMM that the client reads."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=timedelta(seconds=client.poll_interval),
            always_update=False,
        )
        assert entry.unique_id
        self.client = client
        self.mac = entry.unique_id
        self.info = CemmInfo(self.mac)
        self.device_id = ""
        self.meters: dict[str, Meter] = {}
        self._trackers: dict[str, MeterTracker] = {}
        self._totals: dict[str, Reading] = {}
        self._missing: set[str] = set()
        self._failed_polls = 0
        self._identify_at = self._totals_at = self._save_at = 0.0
        self._store = counter_store(hass, entry)
        self._stored: dict[str, Any] = {}
        self._last_success = time()

    def kind_of(self, meter: Meter) -> MeterKind:
        """Return what a meter measures, by its own word or the user's."""
        return meter_kind(meter, self.config_entry.options.get(CONF_VOLUME_KINDS, {}))

    @override
    async def _async_setup(self) -> None:
        stored = await self._store.async_load() or {}
        self._stored = stored.get("counters", {})
        self._last_success = stored.get("last_success", time())

    @override
    async def _async_update_data(self) -> Mapping[str, MeterData]:
        try:
            await self._async_poll()
        except AuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except CemmError as err:
            self._failed_polls += 1
            self._raise_outage(err)
            if (
                self.data is not None
                and self._failed_polls <= FAILURES_TOLERATED
                and not isinstance(err, WrongDeviceError)
            ):
                _LOGGER.debug("%s: a poll failed: %r", self.name, err)
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=(
                    "wrong_device"
                    if isinstance(err, WrongDeviceError)
                    else "cannot_connect"
                ),
                translation_placeholders={"name": self.name},
            ) from err
        if self.data is None or self._failed_polls:
            for key in (UNREACHABLE, UNREACHABLE_REMOTE, WRONG_DEVICE):
                async_clear(self.hass, self.config_entry, key)
        self._failed_polls = 0
        self._last_success = time()
        self._save()
        return {alias: tracker.data for alias, tracker in self._trackers.items()}

    def _raise_outage(self, err: CemmError) -> None:
        """Tell the user of what does not end by itself."""
        host = self.config_entry.data.get(CONF_HOST, "")
        if isinstance(err, WrongDeviceError):
            key = WRONG_DEVICE
        elif time() - self._last_success > UNREACHABLE_AFTER:
            key = UNREACHABLE if host else UNREACHABLE_REMOTE
        else:
            return
        async_raise(self.hass, self.config_entry, key, fixable=bool(host), host=host)

    async def _async_poll(self) -> None:
        # After a failure something else may answer at the address.
        if self._failed_polls or time() >= self._identify_at:
            await self._async_identify()
        if self.client.totals_interval and time() >= self._totals_at:
            await self._async_read_totals(self.client.totals_interval)
        aliases = list(self.meters)
        results = await gather_or_raise(
            _or_error(self.client.realtime(alias)) for alias in aliases
        )
        failures = [
            result
            for result in results
            if isinstance(result, CemmError)
            and not isinstance(result, NotConnectedError)
        ]
        if failures and len(failures) == len(results):
            raise failures[0]
        for alias, result in zip(aliases, results, strict=True):
            self._take(self._tracker(alias), result)
        self._find_stalled()

    async def _async_identify(self) -> None:
        """Make sure that this is still the same CEMM, and list its meters."""
        info = await self.client.info()
        if info.mac != self.mac:
            raise WrongDeviceError(f"{info.mac} answers")
        self.info = info
        self.device_id = async_update_cemm(self.hass, self.config_entry, info)
        extra = self.config_entry.options.get(CONF_EXTRA_ALIASES, ())
        listed = {meter.alias: meter for meter in await self.client.meters(extra)}
        async_expire_replaced(self.hass, self.config_entry, listed)
        self._identify_at = time() + IDENTIFY_INTERVAL
        self.meters |= listed
        if not self.client.lists_all_meters:
            return
        # A CEMM that has just started may not know all of its meters yet: only
        # what is missing twice is gone.
        registered = async_registered_aliases(self.hass, self.config_entry)
        missing = (self.meters.keys() | registered) - {*listed, *extra, USAGE}
        for alias in missing & self._missing:
            self._remove(alias)
        self._missing = missing - self._missing
        if self._missing:
            self._identify_at = 0

    def _remove(self, alias: str) -> None:
        """Forget a meter that is gone, but for its readings: it may come back."""
        self.meters.pop(alias, None)
        if tracker := self._trackers.pop(alias, None):
            self._stored[alias] = tracker.as_dict()
        for key in (METER_STOPPED, METER_REPLACED, VOLUME_KIND):
            async_clear(self.hass, self.config_entry, key, alias)
        async_remove_meter(self.hass, self.config_entry, alias)

    async def _async_read_totals(self, interval: float) -> None:
        """Ask for what `realtime` leaves out; where that fails, the old ones stay."""
        aliases = list(self.meters)
        now = int(time())
        results = await gather_or_raise(
            _or_error(self.client.totals(alias, now)) for alias in aliases
        )
        for alias, result in zip(aliases, results, strict=True):
            if isinstance(result, Reading):
                self._totals[alias] = result
        self._totals_at = now + interval

    def _tracker(self, alias: str) -> MeterTracker:
        if (tracker := self._trackers.get(alias)) is None:
            meter = self.meters[alias]
            tracker = self._trackers[alias] = MeterTracker(
                meter, self.kind_of(meter), restore_counters(self._stored.get(alias))
            )
        return tracker

    def _take(self, tracker: MeterTracker, result: Reading | CemmError) -> None:
        """Hand a meter its answer, and say once what is remarkable."""
        alias = tracker.data.meter.alias
        was_available, had = tracker.data.available, tracker.data.channels
        if isinstance(result, CemmError):
            tracker.fail()
            if was_available and not tracker.data.available:
                _LOGGER.warning("%s: no data of meter %s: %s", self.name, alias, result)
            return
        if tracker.failures > FAILURES_TOLERATED:
            _LOGGER.info("%s: meter %s is back", self.name, alias)
        if totals := self._totals.get(alias):
            result = Reading({**totals.channels, **result.channels})
        tracker.read(result, time(), monotonic())
        if tracker.replaced:
            _LOGGER.warning("%s: meter %s was replaced", self.name, alias)
            async_raise(
                self.hass,
                self.config_entry,
                METER_REPLACED,
                alias,
                fixable=True,
                persistent=True,
            )
        if "volume" in result.channels and "volume" not in had:
            if tracker.data.kind is MeterKind.PULSE:
                async_raise(
                    self.hass, self.config_entry, VOLUME_KIND, alias, fixable=True
                )
            else:
                async_clear(self.hass, self.config_entry, VOLUME_KIND, alias)

    def _find_stalled(self) -> None:
        """Find the meters that have fallen silent, by the clock of the others."""
        active = {
            alias: activity
            for alias, tracker in self._trackers.items()
            if (activity := tracker.watched_activity)
        }
        now = monotonic()
        for alias, activity in active.items():
            tracker = self._trackers[alias]
            stalled = is_stalled(activity, active.values(), now)
            if stalled == tracker.data.stalled:
                continue
            tracker.data = replace(tracker.data, stalled=stalled)
            if stalled:
                _LOGGER.warning("%s: meter %s has stopped", self.name, alias)
                async_raise(self.hass, self.config_entry, METER_STOPPED, alias)
            else:
                _LOGGER.info("%s: meter %s measures again", self.name, alias)
                async_clear(self.hass, self.config_entry, METER_STOPPED, alias)

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and keep what is known."""
        await super().async_shutdown()
        if self.data is not None:
            await self._store.async_save(self._data_to_save())

    def _save(self) -> None:
        """Remember the good readings: soon, and once more when Home Assistant stops."""
        if time() < self._save_at:
            return
        self._save_at = time() + SAVE_INTERVAL
        self._store.async_delay_save(self._data_to_save, SAVE_INTERVAL / 2)

    def _data_to_save(self) -> dict[str, Any]:
        return {
            "last_success": self._last_success,
            "counters": self._stored
            | {alias: tracker.as_dict() for alias, tracker in self._trackers.items()},
        }


async def _or_error(answer: Awaitable[Reading]) -> Reading | CemmError:
    """Return a meter's reading, or why this one meter has none.

    Raises what concerns the whole CEMM.
    """
    try:
        return await answer
    except AuthenticationError, CemmConnectionError:
        raise
    except CemmError as err:
        return err
