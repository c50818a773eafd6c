"""Which sensors of a CEMM get history: counters that are registered and enabled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homeassistant.components.sensor import SensorStateClass
from homeassistant.core import HomeAssistant

from custom_components.cemm.channels import (
    CHANNELS,
    ChannelDescription,
    HistoryRule,
    group_of,
)
from custom_components.cemm.devices import async_sensor
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.meters.breaks import statistic_name
from custom_components.cemm.meters.meter import MeterData

from .profile import POWER

_DEVICES = {MeterKind.ELECTRICITY, MeterKind.PULSE, MeterKind.USAGE}


@dataclass(frozen=True, slots=True)
class Statistic:
    """What the recorder keeps of a sensor that counts."""

    entity_id: str
    name: str
    """Stays the same when the user renames the entity."""
    unit: str
    """kWh or m³, whatever the user made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Statistic):
    """A statistic whose use the CEMM's history tells."""

    alias: str
    key: str
    rule: HistoryRule
    max_rate: float
    registers: tuple[str, ...]
    """The meter's registers whose sum it is."""
    is_device: bool
    """Whether it measures a part of what the house uses."""


def statistics(
    hass: HomeAssistant, mac: str, meters: Mapping[str, MeterData]
) -> Iterator[Statistic]:
    """Yield everything of a CEMM that has a sum, meter by meter."""
    for alias, key, row, entity_id in _enabled(hass, mac, meters):
        if row.state_class is not SensorStateClass.MEASUREMENT:
            assert row.native_unit_of_measurement
            name = statistic_name(alias, key)
            yield Statistic(entity_id, name, row.native_unit_of_measurement)


def counters(
    hass: HomeAssistant, mac: str, meters: Mapping[str, MeterData]
) -> Iterator[Counter]:
    """Yield the counters of a CEMM's meters, meter by meter."""
    for alias, key, row, entity_id in _enabled(hass, mac, meters):
        if row.history is None:
            continue
        data = meters[alias]
        # A meter that has not answered since a restart has registers only.
        group = (
            group_of(row, data.kind, data.measured)
            or group_of(row, data.kind, data.registers)
            or (key,)
        )
        assert row.max_rate and row.native_unit_of_measurement
        yield Counter(
            entity_id,
            statistic_name(alias, key),
            row.native_unit_of_measurement,
            alias=alias,
            key=key,
            rule=row.history,
            max_rate=row.max_rate,
            registers=tuple(name for name in group if name in data.registers),
            is_device=row.history.day == POWER and data.kind in _DEVICES,
        )


def _enabled(
    hass: HomeAssistant, mac: str, meters: Mapping[str, MeterData]
) -> Iterator[tuple[str, str, ChannelDescription, str]]:
    """Yield alias, key, table row and entity id of each sensor with a state class."""
    for alias in meters:
        for key, row in CHANNELS.items():
            entity = async_sensor(hass, mac, alias, key)
            if entity and not entity.disabled and row.state_class:
                yield alias, key, row, entity.entity_id
