"""A CEMM's meters in the Energy dashboard: added to what the user has there."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from homeassistant.components.energy.data import EnergyPreferences, async_get_manager
from homeassistant.components.energy.validate import GAS_PRICE_UNITS, WATER_PRICE_UNITS
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .channels import CHANNELS, NETS
from .const import DOMAIN
from .coordinator import CemmCoordinator
from .devices import async_meter_name, async_sensor
from .kinds import FLUIDS, MeterKind

# A source or device, as the dashboard keeps it.
type Item = dict[str, Any]

_NO_PRICE: Item = {
    "stat_cost": None,
    "entity_energy_price": None,
    "number_energy_price": None,
}

# The keys of their names, low and high.
_TARIFFS = ("low_tariff", "high_tariff")

# The dashboard may have only one of these counters, or it would count twice.
_CONSUMED = ("energy_import", "t1", "t2", *NETS)


@dataclass(frozen=True, slots=True)
class MeterStatistics:
    """A meter as the Energy dashboard knows it: by its sensors' statistics."""

    kind: MeterKind
    statistics: Mapping[str, str]
    """The entity id of every registered sensor, by key."""
    disabled: Collection[str] = ()
    """The keys of those that the user does not want."""
    name: str = ""
    """What its device is called."""

    def get(self, key: str) -> str | None:
        """Return the entity id of an enabled sensor."""
        return None if key in self.disabled else self.statistics.get(key)

    def any_in(self, used: Collection[str], keys: Iterable[str]) -> bool:
        """Return whether one of the sensors is used, be it enabled now or not."""
        return any(self.statistics.get(key) in used for key in keys)


_PRICE_UNITS = {"water": WATER_PRICE_UNITS, "gas": GAS_PRICE_UNITS}


def move_sources(
    current: EnergyPreferences,
    meters: Collection[MeterStatistics],
    unit_of: Callable[[str], str | None],
) -> EnergyPreferences:
    """Return the preferences with each volume as what its meter is said to measure now.

    Its settings go with it, except a price of another unit.
    """
    types = {meter.statistics.get("volume"): FLUIDS.get(meter.kind) for meter in meters}
    sources: list[Any] = [*current["energy_sources"]]
    for number, source in enumerate(sources):
        wanted = types.get(source.get("stat_energy_from"))
        if wanted and source["type"] in _PRICE_UNITS and source["type"] != wanted:
            sources[number] = moved = {**source, "type": wanted}
            unit = unit_of(moved.get("entity_energy_price") or "")
            if unit and not unit.endswith(_PRICE_UNITS[wanted]):
                moved["entity_energy_price"] = None
    return {**current, "energy_sources": sources}


def merge_preferences(
    current: EnergyPreferences,
    meters: Collection[MeterStatistics],
    tariffs: Sequence[str] = ("", ""),
) -> EnergyPreferences:
    """Return the preferences with what they lack of these meters.

    What is there stays as it is. A counter is there if any source or device has
    it, or another one that counts the same energy. ``tariffs`` are the names of
    the low and the high one.
    """
    used = frozenset(_strings(current))
    sources: list[Any] = [*current["energy_sources"], *_sources(meters, used, tariffs)]
    devices: list[Any] = [*current["device_consumption"]]
    for meter in meters:
        if meter.kind in {MeterKind.ELECTRICITY, MeterKind.PULSE}:
            devices += _whole(meter, used, "stat_consumption")
    return {**current, "energy_sources": sources, "device_consumption": devices}


async def async_add_to_dashboard(
    hass: HomeAssistant, coordinator: CemmCoordinator
) -> tuple[list[str], bool]:
    """Add a CEMM's meters to the Energy dashboard.

    Returns the entity ids that were added or moved, and whether some were moved.
    """

    def unit_of(entity_id: str) -> str | None:
        state = hass.states.get(entity_id)
        return state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None

    manager = await async_get_manager(hass)
    current = manager.data or manager.default_preferences()
    meters = _meter_statistics(hass, coordinator)
    shifted = move_sources(current, meters, unit_of)
    texts = await async_get_translations(hass, hass.config.language, "common", [DOMAIN])
    tariffs = [texts[f"component.{DOMAIN}.common.{key}"] for key in _TARIFFS]
    merged = merge_preferences(shifted, meters, tariffs)
    if merged == current:
        return [], False
    await manager.async_update(merged)
    moved = {
        source["stat_energy_from"]
        for source in shifted["energy_sources"]
        if source not in current["energy_sources"]
    }
    changed = moved | set(_strings(merged)).difference(_strings(current))
    sensors = [
        entity_id
        for meter in meters
        for entity_id in meter.statistics.values()
        if entity_id in changed
    ]
    return sensors, bool(moved)


def _meter_statistics(
    hass: HomeAssistant, coordinator: CemmCoordinator
) -> list[MeterStatistics]:
    meters = []
    for alias, data in coordinator.data.items():
        found = {k: async_sensor(hass, coordinator.mac, alias, k) for k in CHANNELS}
        sensors = {key: sensor for key, sensor in found.items() if sensor}
        statistics = {key: sensor.entity_id for key, sensor in sensors.items()}
        disabled = [key for key, sensor in sensors.items() if sensor.disabled]
        name = async_meter_name(hass, coordinator.config_entry, alias)
        meters.append(MeterStatistics(data.kind, statistics, disabled, name))
    return meters


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in the preferences: all statistics are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _sources(
    meters: Collection[MeterStatistics], used: Collection[str], tariffs: Sequence[str]
) -> Iterator[Item]:
    gas_meters = _gas_meters(meters, used)
    has_one = [meter.kind for meter in meters].count(MeterKind.SMART) == 1
    for meter in meters:
        if meter.kind is MeterKind.SMART:
            names = tariffs if has_one else [f"{meter.name} {t}" for t in tariffs]
            yield from _grid(meter, used, names)
        elif meter.kind is MeterKind.PRODUCTION:
            for whole in _whole(meter, used, "stat_energy_from"):
                yield {"type": "solar", **whole, "config_entry_solar_forecast": None}
        elif meter.kind is MeterKind.WATER:
            yield from _volume(meter, used, "water")
        if meter in gas_meters:
            yield from _volume(meter, used, "gas")


def _grid(
    meter: MeterStatistics, used: Collection[str], tariffs: Sequence[str]
) -> Iterator[Item]:
    """Yield a source per tariff: the dashboard gives each source its own price."""
    # Power belongs to the whole meter. One that is there already may have a
    # power of the user's own making.
    power = (
        None if meter.any_in(used, meter.statistics) else meter.get("electric_power")
    )
    imports = _missing(meter, used, "energy_import", ("t1", "t2"))
    exports = _missing(meter, used, "energy_export", ("t3", "t4"))
    is_total = 1 in {len(imports), len(exports)}
    for (energy_from, energy_to), tariff in zip(
        zip_longest(imports, exports), tariffs, strict=False
    ):
        if not energy_from and not energy_to:
            continue
        yield {
            "type": "grid",
            "stat_energy_from": energy_from,
            "stat_energy_to": energy_to,
            **_NO_PRICE,
            "stat_compensation": None,
            "entity_energy_price_export": None,
            "number_energy_price_export": None,
            "cost_adjustment_day": 0.0,
            **_extras(meter.name if is_total else tariff, power),
        }
        # A statistic may stand in one grid source only.
        power = None


def _missing(
    meter: MeterStatistics, used: Collection[str], total: str, registers: Iterable[str]
) -> list[str | None]:
    """Return one direction's counters by tariff, None for one that is there.

    It is the total where there are no two tariffs.
    """
    if meter.any_in(used, (total, *NETS)):
        return []
    counters = [meter.get(register) for register in registers]
    if None in counters:
        counters = [] if meter.any_in(used, registers) else [meter.get(total)]
    return [counter if counter not in used else None for counter in counters]


def _whole(meter: MeterStatistics, used: Collection[str], key: str) -> Iterator[Item]:
    """Yield all that a meter counts, under this key, if it is not there already."""
    energy = meter.get("energy_import")
    if energy and not meter.any_in(used, _CONSUMED):
        yield {key: energy, **_extras(meter.name, meter.get("electric_power"))}


def _gas_meters(
    meters: Collection[MeterStatistics], used: Collection[str]
) -> list[MeterStatistics]:
    """Return the meters that count gas, without counting any gas twice.

    A smart meter repeats what the gas meter behind it counts.
    """
    smart = [meter for meter in meters if meter.kind is MeterKind.SMART]
    behind = [meter for meter in meters if meter.kind is MeterKind.GAS]
    pulse = [meter for meter in meters if meter.kind is MeterKind.GAS_PULSE]
    if any(meter.any_in(used, ("gas",)) for meter in smart):
        return pulse
    return pulse + (behind or smart)


def _volume(meter: MeterStatistics, used: Collection[str], kind: str) -> Iterator[Item]:
    volume = meter.get("gas") or meter.get("volume")
    if volume and volume not in used:
        extras = _extras(meter.name, meter.get("flow"))
        yield {"type": kind, "stat_energy_from": volume, **_NO_PRICE, **extras}


def _extras(name: str, rate: str | None) -> Item:
    """Return the name of a source or device, and the power or flow that belongs to it."""
    extras = {"name": name, "stat_rate": rate}
    return {key: value for key, value in extras.items() if value}
