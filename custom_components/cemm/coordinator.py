"""When to ask a CEMM what, and what a failure means."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
import logging
from time import time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .channels import MeterKind, meter_kind
from .client import (
    COUNTERS,
    USAGE,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmInfo,
    Measurement,
    Meter,
    NotConnectedError,
    Reading,
)
from .const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS, DOMAIN
from .devices import async_registered_aliases, async_remove_meter, async_update_cemm

_LOGGER = logging.getLogger(__name__)

# One failed poll is not an outage.
FAILURES_TOLERATED = 2

# Meters come and go, and a lease may give the address to another device.
IDENTIFY_INTERVAL = 600


@dataclass(frozen=True, slots=True)
class MeterData:
    """The state of one meter."""

    meter: Meter
    kind: MeterKind
    channels: Mapping[str, Measurement]
    """What the newest answer holds."""
    registers: Mapping[str, float]
    """The last value of every counter, also of those missing from that answer."""
    available: bool = True


@dataclass(slots=True)
class CemmRuntime:
    """What lives as long as a loaded config entry."""

    coordinator: CemmCoordinator


type CemmConfigEntry = ConfigEntry[CemmRuntime]


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
        self._missing: set[str] = set()
        self._failed_polls = 0
        self._failures: dict[str, int] = {}
        self._identify_at = 0.0
        self._totals: dict[str, Reading] = {}
        self._totals_at = 0.0

    @property
    def volume_kinds(self) -> Mapping[str, str]:
        """What the user said that pulse meters measure: alias → water or gas."""
        kinds: Mapping[str, str] = self.config_entry.options.get(CONF_VOLUME_KINDS, {})
        return kinds

    @override
    async def _async_update_data(self) -> Mapping[str, MeterData]:
        try:
            data = await self._async_poll()
        except AuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except CemmError as err:
            self._failed_polls += 1
            if self.data is not None and self._failed_polls <= FAILURES_TOLERATED:
                _LOGGER.debug("%s: a poll failed: %r", self.name, err)
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
            ) from err
        self._failed_polls = 0
        return data

    async def _async_poll(self) -> Mapping[str, MeterData]:
        # After a failure something else may answer at the address.
        if self._failed_polls or time() >= self._identify_at:
            await self._async_identify()
        if self.client.totals_interval and time() >= self._totals_at:
            await self._async_read_totals(self.client.totals_interval)
        results = dict(
            zip(
                self.meters, await _all(map(self._async_read, self.meters)), strict=True
            )
        )
        errors = [
            result
            for result in results.values()
            if isinstance(result, CemmError)
            and not isinstance(result, NotConnectedError)
        ]
        if errors and len(errors) == len(results):
            raise errors[0]
        return {alias: self._fold(alias, result) for alias, result in results.items()}

    async def _async_identify(self) -> None:
        """Make sure that this is still the same CEMM, and list its meters."""
        info = await self.client.info()
        if info.mac != self.mac:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="wrong_device",
                translation_placeholders={"expected": self.mac, "found": info.mac},
            )
        self.info = info
        self.device_id = async_update_cemm(self.hass, self.config_entry, info)
        extra = self.config_entry.options.get(CONF_EXTRA_ALIASES, ())
        listed = {meter.alias: meter for meter in await self.client.meters(extra)}
        self._identify_at = time() + IDENTIFY_INTERVAL
        self.meters |= listed
        if not self.client.lists_all_meters:
            return
        # A CEMM that has just started may not know all of its meters yet: only
        # what is missing twice is gone.
        registered = async_registered_aliases(self.hass, self.config_entry)
        missing = (self.meters.keys() | registered) - {*listed, *extra, USAGE}
        for alias in missing & self._missing:
            self.meters.pop(alias, None)
            async_remove_meter(self.hass, self.config_entry, alias)
        self._missing = missing - self._missing
        if self._missing:
            self._identify_at = 0

    async def _async_read_totals(self, interval: float) -> None:
        for alias, result in zip(
            self.meters,
            await _all(
                _or_error(self.client.totals(alias, int(time())))
                for alias in self.meters
            ),
            strict=True,
        ):
            if isinstance(result, Reading):
                self._totals[alias] = result
        self._totals_at = time() + interval

    async def _async_read(self, alias: str) -> Reading | CemmError:
        result = await _or_error(self.client.realtime(alias))
        if isinstance(result, Reading) and (totals := self._totals.get(alias)):
            return Reading({**totals.channels, **result.channels})
        return result

    def _fold(self, alias: str, result: Reading | CemmError) -> MeterData:
        """Return a meter's new state."""
        meter = self.meters[alias]
        old = (self.data or {}).get(alias)
        kind = meter_kind(meter, self.volume_kinds)
        if isinstance(result, CemmError):
            failures = self._failures[alias] = self._failures.get(alias, 0) + 1
            if old is None:
                return MeterData(meter, kind, {}, {}, available=False)
            if failures == FAILURES_TOLERATED + 1:
                _LOGGER.warning("%s: meter %s: %s", self.name, alias, result)
            return replace(old, available=failures <= FAILURES_TOLERATED)
        if self._failures.pop(alias, 0) > FAILURES_TOLERATED:
            _LOGGER.info("%s: meter %s answers again", self.name, alias)
        registers = {
            key: measurement.value
            for key, measurement in result.channels.items()
            if key in COUNTERS
        }
        if old:
            registers = {**old.registers, **registers}
        return MeterData(meter, kind, result.channels, registers)


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


async def _all[T](answers: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all; the first one that raises ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer) for answer in answers]
    except ExceptionGroup as errors:
        error = errors.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise error
