"""A house full of meters, and the Energy dashboard's preferences as it saves them."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from homeassistant.components.energy import data as energy

from custom_components.cemm.energy import MeterStatistics, merge_preferences
from custom_components.cemm.kinds import MeterKind

EMPTY = energy.EnergyManager.default_preferences()
REGISTERS = ("t1", "t2", "t3", "t4")
TOTALS = ("energy_import", "energy_export")
NET = ("electric_energy", "electric_energy_high")


def meter(
    kind: MeterKind, alias: str, *keys: str, disabled: tuple[str, ...] = ()
) -> MeterStatistics:
    """Return a meter whose sensors are called sensor.<alias>_<key>."""
    return MeterStatistics(
        kind, {key: f"sensor.{alias}_{key}" for key in keys}, disabled
    )


P1 = meter(
    MeterKind.SMART,
    "p1",
    *(*REGISTERS, *TOTALS, *NET, "electric_power", "gas"),
    disabled=(*NET, "gas"),
)
SOLAR = meter(MeterKind.PRODUCTION, "s01", *REGISTERS, *TOTALS, "electric_power")
EV = meter(MeterKind.ELECTRICITY, "mb5", "energy_import", *NET, "electric_power")
GAS = meter(MeterKind.GAS, "p1gas", "gas")
WATER = meter(MeterKind.WATER, "pulse2", "volume", "flow")
USAGE = meter(MeterKind.USAGE, "usage", "electric_power")
HOUSE = (P1, SOLAR, EV, GAS, WATER, USAGE)


def grid(**fields: Any) -> dict[str, Any]:
    """Return a grid source as the dashboard saves it."""
    return {
        "type": "grid",
        "stat_energy_from": None,
        "stat_energy_to": None,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0.0,
    } | fields


def priced(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a gas or water source without a price."""
    return {
        "type": kind,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
    } | fields


def preferences(*sources: Mapping[str, Any], **lists: Any) -> energy.EnergyPreferences:
    return cast(
        energy.EnergyPreferences, {**EMPTY, "energy_sources": [*sources], **lists}
    )


def added(
    current: energy.EnergyPreferences, *meters: MeterStatistics
) -> list[Mapping[str, Any]]:
    """Merge; return what is new, once that nothing else has changed is sure."""
    before = deepcopy(current)
    merged = merge_preferences(current, meters)
    assert current == before
    assert merge_preferences(merged, meters) == merged
    energy.ENERGY_SOURCE_SCHEMA(merged["energy_sources"])
    new: list[Mapping[str, Any]] = []
    for name, items in merged.items():
        old = before.get(name, [])
        assert isinstance(old, list) and isinstance(items, list)
        assert items[: len(old)] == old
        new += items[len(old) :]
    return new
