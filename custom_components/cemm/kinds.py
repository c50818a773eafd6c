"""What a meter is: its kind, and what its silence means. Nothing here does I/O."""

from collections.abc import Mapping
from enum import StrEnum

from .client import Meter


class MeterKind(StrEnum):
    """What a meter measures; also the translation key of its device's name."""

    SMART = "smart_meter"
    ELECTRICITY = "electricity_meter"
    PRODUCTION = "production_meter"
    GAS = "gas_meter"
    GAS_PULSE = "gas_pulse_meter"
    WATER = "water_meter"
    PULSE = "pulse_meter"
    USAGE = "electric_usage"


_SMART = ("p1", "emucs", "han", "dlms")

# Both names of a pulse input: it measures when something flows.
_PULSE = ("pulse-", "s0")


# The documents of the two APIs name these inputs the other way round.
_SWAPPED = {"s02": "s03", "s03": "s02"}


def swapped_input(alias: str) -> str | None:
    """Return the alias that an input may have through the other API."""
    return _SWAPPED.get(alias)


def meter_kind(meter: Meter, volume_kinds: Mapping[str, str]) -> MeterKind:
    """Tell a meter's kind by its type, or by its alias where the type is unknown.

    ``volume_kinds`` (alias → water or gas) is what the user said of pulse meters.
    """
    alias = meter.alias
    pulse = alias.startswith("pulse-")
    kind = volume_kinds.get(alias, meter.type) if pulse else meter.type
    if kind == "solar_energy":
        return MeterKind.PRODUCTION
    if kind == "water":
        return MeterKind.WATER
    if kind == "gas" or alias.endswith("-gas"):
        return MeterKind.GAS_PULSE if pulse else MeterKind.GAS
    if pulse:
        return MeterKind.PULSE
    if alias == "usage":
        return MeterKind.USAGE
    return MeterKind.SMART if alias.startswith(_SMART) else MeterKind.ELECTRICITY


def is_pulse(alias: str) -> bool:
    """Whether this is a pulse input."""
    return alias.startswith(_PULSE)


def is_watched(alias: str, kind: MeterKind) -> bool:
    """Whether silence of this meter is a fault: not of pulse, gas and water meters."""
    return kind not in {MeterKind.GAS, MeterKind.WATER} and not is_pulse(alias)
