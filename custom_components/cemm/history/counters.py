"""Which sensors of a CEMM get history: counters that are registered and enabled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.cemm.channels import CHANNELS, HistoryRule, group_of
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.meters.meter import MeterData

from .profile import POWER


class Use(IntEnum):
    """What the Energy dashboard uses a counter for; that is imported first."""

    SOURCE = 1
    DEVICE = 2
    NOTHING = 3


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
    use: Use

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
            # A meter that has not answered since a restart has registers only.
            group = (
                group_of(row, data.kind, data.channels)
                or group_of(row, data.kind, data.registers)
                or (key,)
            )
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
                _use(row.history, data.kind),
            )


def _use(rule: HistoryRule, kind: MeterKind) -> Use:
    """Return what a counter is used for.

    A smart meter is shown by tariff, and of other meters all that came in.
    """
    if rule.day != POWER:
        return Use.SOURCE
    if kind is MeterKind.SMART:
        return Use.NOTHING if rule.tariff is None else Use.SOURCE
    if rule.tariff is not None or rule.sign < 0:
        return Use.NOTHING
    return Use.SOURCE if kind is MeterKind.PRODUCTION else Use.DEVICE
