"""Which sensors of a CEMM get history: counters that are registered and enabled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.cemm.channels import CHANNELS, HistoryRule, MeterKind, group_of
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.meters import MeterData


@dataclass(frozen=True, slots=True)
class Counter:
    """A sensor that counts, and how the CEMM's history tells its use."""

    entity_id: str
    alias: str
    key: str
    rule: HistoryRule
    max_rate: float
    unit: str
    """kWh or m³, whatever the user made of it."""
    registers: tuple[str, ...]
    """The meter's registers whose sum it is."""
    is_secondary: bool
    """Whether the Energy dashboard shows the meter by its other counters.

    It takes a smart meter by tariff, and every other meter as a whole.
    """

    @property
    def name(self) -> str:
        """What stays the same when the user renames the entity."""
        return f"{self.alias}_{self.key}"


def counters(
    hass: HomeAssistant, mac: str, meters: Mapping[str, MeterData]
) -> Iterator[Counter]:
    """Yield the counters of a CEMM's meters, meter by meter."""
    registry = er.async_get(hass)
    for alias, data in meters.items():
        for key, row in CHANNELS.items():
            entity_id = registry.async_get_entity_id(
                SENSOR_DOMAIN, DOMAIN, f"{mac}_{alias}_{key}"
            )
            if entity_id is None or row.history is None:
                continue
            entity = registry.async_get(entity_id)
            if entity is None or entity.disabled:
                continue
            group = group_of(row, data.kind, data.channels) if row.sum_of else (key,)
            registers = tuple(name for name in group if name in data.registers)
            assert row.max_rate and row.native_unit_of_measurement
            yield Counter(
                entity_id,
                alias,
                key,
                row.history,
                row.max_rate,
                row.native_unit_of_measurement,
                registers,
                is_secondary=(row.history.tariff is None)
                == (data.kind is MeterKind.SMART),
            )
