"""Every channel of every meter as a sensor."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched, chain
from time import monotonic
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import MATCH_ALL, PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .channels import (
    LAST_MEASUREMENT,
    TARIFFS,
    ChannelDescription,
    derived_total,
    describe,
    keys_for,
)
from .client import MAX_CHANNELS, Meter
from .const import DOMAIN
from .coordinator import CemmCoordinator
from .devices import alias_of, async_sensor, meter_device_info, unique_id
from .history import HistoryManager
from .kinds import MeterKind
from .meters.meter import MeterData
from .runtime import CemmConfigEntry

# The coordinator decides when to ask.
PARALLEL_UPDATES = 0

# Adding a sensor takes a millisecond: all in one go would hold the event loop.
_AT_ONCE = 8

# Seconds between two states of an import that only waits.
_TELL_EVERY = 10.0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CemmConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add what has been measured or was registered before, and what turns up later."""
    coordinator = entry.runtime_data.coordinator
    measured: dict[str, set[str]] = {}

    def new_sensors() -> Iterator[CemmSensor]:
        # A meter that went and comes back gets its sensors again.
        for gone in measured.keys() - coordinator.data.keys():
            del measured[gone]
        for alias, data in coordinator.data.items():
            channels = measured.setdefault(alias, set())
            # No meter has that many channels, but who knows what answers.
            if data.channels.keys() <= channels or len(channels) >= MAX_CHANNELS:
                continue
            channels.update(data.channels)
            for key in keys_for(data.kind, data.channels):
                if not async_sensor(hass, coordinator.mac, alias, key):
                    yield CemmSensor(coordinator, data.meter, data.kind, key)

    @callback
    def async_add_new() -> None:
        async_add_entities(new_sensors())

    registered = _registered_sensors(hass, coordinator)
    for some in batched(chain(registered, new_sensors()), _AT_ONCE, strict=False):
        async_add_entities(some)
        await asyncio.sleep(0)
    history = entry.runtime_data.history
    if history.is_available:
        async_add_entities([HistoryProgressSensor(coordinator, history)])
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))
    async_add_new()


def _registered_sensors(
    hass: HomeAssistant, coordinator: CemmCoordinator
) -> Iterator[CemmSensor]:
    """Yield every sensor of earlier days."""
    devices = dr.async_get(hass)
    for entity in er.async_entries_for_config_entry(
        er.async_get(hass), coordinator.config_entry.entry_id
    ):
        device = devices.async_get(entity.device_id or "")
        if not isinstance(device, dr.DeviceEntry):
            continue
        if alias := alias_of(device, coordinator.mac):
            meter = coordinator.roster.find(alias)
            key = entity.unique_id.removeprefix(unique_id(coordinator.mac, alias, ""))
            yield CemmSensor(coordinator, meter, coordinator.kind_of(meter), key)


class CemmSensor(CoordinatorEntity[CemmCoordinator], SensorEntity):
    """One channel of a meter, or what is derived of its channels."""

    _attr_has_entity_name = True
    entity_description: ChannelDescription

    def __init__(
        self, coordinator: CemmCoordinator, meter: Meter, kind: MeterKind, key: str
    ) -> None:
        """Start with the last poll's value; the CEMM may not have the meter now."""
        super().__init__(coordinator, context=meter.alias)
        self._alias = meter.alias
        self._attr_unique_id = unique_id(coordinator.mac, meter.alias, key)
        data = coordinator.data.get(meter.alias)
        kinds = {alias: each.kind for alias, each in coordinator.data.items()}
        registered = {
            register
            for register in TARIFFS
            if async_sensor(coordinator.hass, coordinator.mac, meter.alias, register)
        }
        self.entity_description = describe(
            key,
            kind,
            registered.union(data.channels if data else ()),
            has_gas_meter=MeterKind.GAS in kinds.values(),
        )
        same_kind = (alias for alias, other in kinds.items() if other is kind)
        self._attr_device_info = meter_device_info(
            coordinator.mac,
            coordinator.roster.device_id,
            meter,
            kind,
            is_first=next(same_kind, meter.alias) == meter.alias,
        )
        # When a meter has stopped, only its counts are still true.
        state_class = self.entity_description.state_class
        self._is_live = state_class is SensorStateClass.MEASUREMENT
        self._data: MeterData | None = None
        self._update()

    @property
    @override
    def available(self) -> bool:
        """Whether the meter answers: a CEMM that does may have lost one meter."""
        return self._attr_available

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        """Write a state only when this sensor's own value has changed."""
        before = self._attr_available, self._attr_native_value
        self._update()
        if before != (self._attr_available, self._attr_native_value):
            self.async_write_ha_state()

    def _update(self) -> None:
        """Take the value from the coordinator."""
        data = self.coordinator.data.get(self._alias)
        if data is not self._data:
            self._data = data
            self._attr_native_value = self._value(data) if data else None
        self._attr_available = (
            self.coordinator.last_update_success
            and data is not None
            and data.available
            and not (data.stopped and self._is_live)
        )

    def _value(self, data: MeterData) -> StateType | datetime:
        row = self.entity_description
        if row.sum_of:
            return derived_total(row, data.kind, data.measured, data.registers)
        if row.key == LAST_MEASUREMENT.key:
            newest = max((m.time for m in data.channels.values()), default=None)
            return datetime.fromtimestamp(newest / 1000, UTC) if newest else None
        if (measurement := data.channels.get(row.key)) is None:
            return None
        return row.convert(measurement.value) if row.convert else measurement.value


class HistoryProgressSensor(RestoreSensor):
    """How much of the history that the CEMM remembers has been imported."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_has_entity_name = True
    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_should_poll = False
    _attr_suggested_display_precision = 0
    _attr_translation_key = "history_import"
    _unrecorded_attributes = frozenset({MATCH_ALL})
    _tell_at = 0.0

    def __init__(self, coordinator: CemmCoordinator, history: HistoryManager) -> None:
        self._history = history
        self._attr_unique_id = unique_id(coordinator.mac, "history_import")
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, coordinator.mac)})

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what it waits for."""
        return self._history.waiting

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the import, from where it was."""
        if last := await self.async_get_last_sensor_data():
            self._attr_native_value = last.native_value
        self._async_progressed()
        self.async_on_remove(
            self._history.async_add_progress_listener(self._async_progressed)
        )

    @callback
    def _async_progressed(self) -> None:
        """Tell of each step, and now and then of what is waited for."""
        now = monotonic()
        progress = self._history.progress
        is_new = progress is not None and progress != self._attr_native_value
        if is_new:
            self._attr_native_value = progress
        if is_new or now >= self._tell_at:
            self._tell_at = now + _TELL_EVERY
            self.async_write_ha_state()
