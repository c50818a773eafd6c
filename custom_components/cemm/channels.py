"""Which channel of a meter becomes which sensor: one table, one row per channel.

A row serves the entity (class, unit, name), the guard against impossible values
and the import of history. Nothing here does I/O.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

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

from .client import GROUPS
from .kinds import FLUIDS, MeterKind

TARIFFS = GROUPS["tariffs"]
NETS = GROUPS["nets"]


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


# Three phases of 80 A are 55 kW: the largest connection that is metered as a household's.
_MAX_KWH_PER_HOUR = 60.0
# A G25 gas meter passes 40 m³/h; water connections stay below that too.
_MAX_M3_PER_HOUR = 40.0

POWER_PERIOD = ("electric_energy_low", "electric_energy_high")


def _tariff(rate: float) -> str | None:
    return {1: "low", 2: "high"}.get(int(rate))


def _of_power(sign: int, tariff: int | None = None) -> HistoryRule:
    return HistoryRule("electric_power", POWER_PERIOD, sign, tariff)


_diagnostic = partial(
    ChannelDescription,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)
_counter = partial(
    ChannelDescription,
    state_class=SensorStateClass.TOTAL_INCREASING,
    suggested_display_precision=3,
)
_energy = partial(
    _counter,
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    max_rate=_MAX_KWH_PER_HOUR,
)
_volume = partial(
    _counter,
    native_unit_of_measurement=UnitOfVolume.CUBIC_METERS,
    max_rate=_MAX_M3_PER_HOUR,
)
_measured = partial(ChannelDescription, state_class=SensorStateClass.MEASUREMENT)

LAST_MEASUREMENT = _diagnostic(
    key="last_measurement", device_class=SensorDeviceClass.TIMESTAMP
)
_TABLE = (
    _energy(key="t1", history=_of_power(1, 1)),
    _energy(key="t2", history=_of_power(1, 2)),
    _energy(key="t3", history=_of_power(-1, 1)),
    _energy(key="t4", history=_of_power(-1, 2)),
    # Without t1…t4 a pulse meter's only counters are the two net ones.
    _energy(key="energy_import", history=_of_power(1), sum_of=(("t1", "t2"), NETS)),
    _energy(key="energy_export", history=_of_power(-1), sum_of=(("t3", "t4"),)),
    *(_energy(key=key, state_class=SensorStateClass.TOTAL) for key in NETS),
    _volume(
        key="gas",
        device_class=SensorDeviceClass.GAS,
        history=HistoryRule("gas", ("gas",)),
    ),
    _volume(key="volume", history=HistoryRule("flow", ("volume",))),
    _measured(
        key="electric_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
    ),
    _measured(
        key="flow",
        device_class=SensorDeviceClass.VOLUME_FLOW_RATE,
        native_unit_of_measurement=UnitOfVolumeFlowRate.LITERS_PER_MINUTE,
        suggested_display_precision=2,
    ),
    ChannelDescription(
        key="rate",
        device_class=SensorDeviceClass.ENUM,
        options=["low", "high"],
        convert=_tariff,
    ),
    _diagnostic(key="switch"),
)
CHANNELS: Mapping[str, ChannelDescription] = {
    row.key: row for row in (*_TABLE, LAST_MEASUREMENT)
}

# On a production meter the same registers count production and what the inverter draws.
_PRODUCTION = {*TARIFFS, "energy_import", "energy_export"}
# Where there are no registers, its net counters tell the production.
_AS_PRODUCTION = dict(zip(NETS, TARIFFS, strict=False))


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
        return _diagnostic(
            key=key, translation_key="other", translation_placeholders={"channel": key}
        )
    has_registers = any(register in measured for register in TARIFFS)
    name = key
    if kind is MeterKind.PRODUCTION:
        register = key if has_registers else _AS_PRODUCTION.get(key, key)
        name = f"production_{register}" if register in _PRODUCTION else key
    superseded = (name in NETS and has_registers) or (
        key == "gas" and kind is MeterKind.SMART and has_gas_meter
    )
    fluid = FLUIDS.get(kind) if key == "volume" else None
    return replace(
        row,
        translation_key=name,
        device_class=SensorDeviceClass(fluid) if fluid else row.device_class,
        entity_registry_enabled_default=(
            row.entity_registry_enabled_default and not superseded
        ),
    )


def keys_for(kind: MeterKind, measured: Collection[str]) -> Iterator[str]:
    """Yield the key of every sensor that a meter with these channels gets."""
    if not measured:
        return
    yield from measured
    yield LAST_MEASUREMENT.key
    yield from (row.key for row in _TABLE if group_of(row, kind, measured))


def group_of(
    row: ChannelDescription, kind: MeterKind, known: Collection[str]
) -> tuple[str, ...]:
    """Return the first group of registers of which any is known; or none."""
    for group in row.sum_of:
        # A smart meter's net registers fall: they are no total.
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

    The registers that are ``measured`` now make it up, as the two APIs serve
    different ones; ``registers`` has the last value of each, also of one that is
    missing now.
    """
    group = group_of(row, kind, measured) or group_of(row, kind, registers)
    values = [registers[register] for register in group if register in registers]
    return round(sum(values), 6) if values else None
