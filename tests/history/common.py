"""What the tests with a real recorder share."""

from itertools import pairwise

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.history.counters import Counter, counters
from custom_components.cemm.history.recorder import async_hours
from custom_components.cemm.history.rows import Row
from simulator import House

REGISTERS = {"energy_import": ("t1", "t2"), "energy_export": ("t3", "t4")}
NET = ("electric_energy", "electric_energy_high")


def all_counters(hass: HomeAssistant, entry: MockConfigEntry) -> list[Counter]:
    coordinator = entry.runtime_data.coordinator
    return list(counters(hass, coordinator.mac, coordinator.data))


async def all_rows(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, list[Row]]:
    """Return all rows of all counters, by the counter's name."""
    await get_instance(hass).async_block_till_done()
    return {
        counter.name: await async_hours(hass, counter, 0)
        for counter in all_counters(hass, entry)
    }


def truth(house: House, counter: Counter, at: float) -> float:
    """Return what the counter really read."""
    return sum(house.counter(counter.alias, part, at) for part in counter.registers)
