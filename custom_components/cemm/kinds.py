"""What a meter is, by its own word or the user's. Nothing here does I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from .client import Meter, is_name
from .const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS


def _aliases(stored: object) -> list[str]:
    names = stored if isinstance(stored, list) else []
    return [name for name in names if isinstance(name, str) and is_name(name)]


def _volume_kinds(stored: object) -> dict[str, str]:
    kinds = stored if isinstance(stored, Mapping) else {}
    return {alias: kind for alias, kind in kinds.items() if kind in ("water", "gas")}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of the meters."""

    extra_aliases: Sequence[str] = ()
    """What to ask for though the CEMM does not list it."""
    volume_kinds: Mapping[str, str] = field(default_factory=dict)
    """Alias → `water` or `gas`, where the CEMM does not tell."""
    odd: Sequence[str] = ()
    """The options that hold more than could be read: another version left it, or a hand."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read an entry's options; what is odd in them is ignored."""
        aliases = _aliases(stored.get(CONF_EXTRA_ALIASES))
        kinds = _volume_kinds(stored.get(CONF_VOLUME_KINDS))
        read = {CONF_EXTRA_ALIASES: aliases, CONF_VOLUME_KINDS: kinds}
        odd = [name for name in read if name in stored and read[name] != stored[name]]
        return cls(aliases, kinds, odd)


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


# What flows through those that count a volume.
FLUIDS = {
    MeterKind.WATER: "water",
    MeterKind.GAS: "gas",
    MeterKind.GAS_PULSE: "gas",
}

_QUIET = {*FLUIDS, MeterKind.PULSE}

_SMART = ("p1", "emucs", "han", "dlms")

# Both names of a pulse input: it measures when something flows.
_PULSE = ("pulse-", "s0")

# The documents of the two APIs name these inputs the other way round.
SWAPPED_INPUTS = {"s02": "s03", "s03": "s02"}


def meter_kind(
    meter: Meter, volume_kinds: Mapping[str, str], *, has_volume: bool = False
) -> MeterKind:
    """Tell a meter's kind by its type, or by its alias where the type is unknown.

    ``volume_kinds`` (alias → water or gas) is what the user said of meters that count
    a volume or pulses.
    """
    alias = meter.alias
    pulse = alias.startswith("pulse-") or (has_volume and not alias.startswith(_SMART))
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
    """Whether silence of this meter is a fault: not of what measures only what flows."""
    return kind not in _QUIET and not is_pulse(alias)
