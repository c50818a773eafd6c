"""Which channel of a meter becomes which sensor: one table, one row per channel.

A row serves the entity (class, unit, name), the guard against impossible values
and the import of history. Nothing here does I/O.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)

from .kinds import MeterKind

REGISTERS = ("t1", "t2", "t3", "t4")
NETS = ("electric_energy", "electric_energy_high")


@dataclass(frozen=True, slots=True)
class HistoryRule:
    """How the CEMM's history tells the usage of a counter."""

    day: str
    """The channel of the day data: a mean power, a flow or an amount."""
    period: tuple[str, ...]
    """The channels of the month and year data whose sum is the amount."""
    sign: int = 1
    """1: the positive part of the day data counts, -1: the negative part."""
    tariff: int | None = None
    """Only while this tariff is in force: 1 low, 2 high, None always."""


@dataclass(frozen=True, kw_only=True)
class ChannelDescription(SensorEntityDescription):
    """One channel and the sensor it becomes."""

    sum_of: tuple[tuple[str, ...], ...] = ()
    """Derived: the sum of the first group of registers that has been measured."""
    history: HistoryRule | None = None
    max_rate: float | None = None
    """More per hour than this no house's connection delivers (in the own unit)."""
    convert: Callable[[float], str | float | None] | None = None

    @property
    def is_counter(self) -> bool:
        """Whether the value is a meter reading that only ever rises."""
        return self.state_class is SensorStateClass.TOTAL_INCREASING


# Three phases of 80 A are 55 kW: the largest connection that is metered as a household's.
_MAX_KWH_PER_HOUR = 60.0
# A G25 gas meter passes 40 m³/h; water connections stay below that too.
_MAX_M3_PER_HOUR = 40.0

POWER_PERIOD = ("electric_energy_low", "electric_energy_high")


def _tariff(rate: float) -> str | None:
    return {1: "low", 2: "high"}.get(int(rate))


def _energy(
    key: str, sign: int, tariff: int | None = None, *sum_of: tuple[str, ...]
) -> ChannelDescription:
    return ChannelDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=3,
        sum_of=sum_of,
        history=HistoryRule("electric_power", POWER_PERIOD, sign, tariff),
        max_rate=_MAX_KWH_PER_HOUR,
    )


def _net_energy(key: str) -> ChannelDescription:
    return ChannelDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=3,
        max_rate=_MAX_KWH_PER_HOUR,
    )


def _volume(
    key: str, device_class: SensorDeviceClass | None, day: str
) -> ChannelDescription:
    return ChannelDescription(
        key=key,
        translation_key=key,
        device_class=device_class,
        native_unit_of_measurement=UnitOfVolume.CUBIC_METERS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=3,
        history=HistoryRule(day, (key,)),
        max_rate=_MAX_M3_PER_HOUR,
    )


_TABLE = (
    _energy("t1", 1, 1),
    _energy("t2", 1, 2),
    _energy("t3", -1, 1),
    _energy("t4", -1, 2),
    # Without t1…t4 a pulse meter's only counters are the two net ones.
    _energy("energy_import", 1, None, ("t1", "t2"), NETS),
    _energy("energy_export", -1, None, ("t3", "t4")),
    _net_energy("electric_energy"),
    _net_energy("electric_energy_high"),
    _volume("gas", SensorDeviceClass.GAS, "gas"),
    _volume("volume", None, "flow"),
    ChannelDescription(
        key="electric_power",
        translation_key="electric_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    ChannelDescription(
        key="flow",
        translation_key="flow",
        device_class=SensorDeviceClass.VOLUME_FLOW_RATE,
        native_unit_of_measurement=UnitOfVolumeFlowRate.LITERS_PER_MINUTE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
    ),
    ChannelDescription(
        key="rate",
        translation_key="rate",
        device_class=SensorDeviceClass.ENUM,
        options=["low", "high"],
        convert=_tariff,
    ),
    ChannelDescription(
        key="switch",
        translation_key="switch",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)
LAST_MEASUREMENT = ChannelDescription(
    key="last_measurement",
    translation_key="last_measurement",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)
CHANNELS: Mapping[str, ChannelDescription] = {
    row.key: row for row in (*_TABLE, LAST_MEASUREMENT)
}

# On a production meter the same registers count production and what the inverter draws.
_PRODUCTION = {*REGISTERS, "energy_import", "energy_export"}
# Where there are no registers, its net counters tell the production.
_AS_PRODUCTION = dict(zip(NETS, REGISTERS, strict=False))
_VOLUME_CLASS = {
    MeterKind.WATER: SensorDeviceClass.WATER,
    MeterKind.GAS: SensorDeviceClass.GAS,
    MeterKind.GAS_PULSE: SensorDeviceClass.GAS,
}


def describe(
    key: str,
    kind: MeterKind,
    measured: Collection[str] = (),
    *,
    has_gas_meter: bool = False,
) -> ChannelDescription:
    """Return the row for a channel of a meter of some kind.

    ``measured`` are the channels that this meter has, ``has_gas_meter`` says
    whether a gas meter has an alias of its own: both decide what is enabled
    by default. A channel that the table does not know becomes a plain
    diagnostic sensor.
    """
    if (row := CHANNELS.get(key)) is None:
        return ChannelDescription(
            key=key,
            translation_key="other",
            translation_placeholders={"channel": key},
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        )
    has_registers = any(register in measured for register in REGISTERS)
    if kind is MeterKind.PRODUCTION:
        named = key if has_registers else _AS_PRODUCTION.get(key, key)
        if named in _PRODUCTION:
            return replace(row, translation_key=f"production_{named}")
    if key == "volume":
        return replace(row, device_class=_VOLUME_CLASS.get(kind))
    superseded = (key in NETS and has_registers) or (
        key == "gas" and kind is MeterKind.SMART and has_gas_meter
    )
    return replace(row, entity_registry_enabled_default=False) if superseded else row


def keys_for(kind: MeterKind, measured: Collection[str]) -> Iterator[str]:
    """Yield the key of every sensor that a meter with these channels gets."""
    if not measured:
        return
    yield from measured
    yield LAST_MEASUREMENT.key
    for row in _TABLE:
        if group_of(row, kind, measured):
            yield row.key


def group_of(
    row: ChannelDescription, kind: MeterKind, known: Collection[str]
) -> tuple[str, ...]:
    """Return the first group of registers of which any is known; or none."""
    for group in row.sum_of:
        # A smart meter's net counters fall: they are no total.
        if group is NETS and kind is MeterKind.SMART:
            continue
        if any(register in known for register in group):
            return group
    return ()


def derived_total(
    row: ChannelDescription,
    kind: MeterKind,
    measured: Collection[str],
    registers: Mapping[str, float],
) -> float | None:
    """Return a derived total, without the noise of adding floats.

    What is ``measured`` now decides which registers make it, as the two APIs
    serve different ones; ``registers`` has the last value of each, also of one
    that is missing now.
    """
    group = group_of(row, kind, measured) or group_of(row, kind, registers)
    values = [registers[register] for register in group if register in registers]
    return round(sum(values), 6) if values else None
