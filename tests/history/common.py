"""What the tests with a real recorder share."""

import asyncio
from itertools import pairwise

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.history.counters import Counter, counters
from custom_components.cemm.history.periods import HOUR
from custom_components.cemm.history.recorder import async_hours, async_stored
from custom_components.cemm.history.rows import Row
from simulator import House

type Rows = dict[str, list[Row]]


def all_counters(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Counter]:
    """Return all counters that get history, by name."""
    coordinator = entry.runtime_data.coordinator
    found = counters(hass, coordinator.mac, coordinator.data)
    return {counter.name: counter for counter in found}


async def finished(entry: MockConfigEntry) -> None:
    """Wait until the work on history that is under way is done."""
    while tasks := [t for t in entry._background_tasks if "history" in t.get_name()]:
        await asyncio.gather(*tasks)


async def all_rows(hass: HomeAssistant, entry: MockConfigEntry) -> Rows:
    """Return all rows of all counters, by name."""
    await async_stored(hass)
    return {
        name: await async_hours(hass, counter, 0)
        for name, counter in all_counters(hass, entry).items()
    }


def truth(house: House, counter: Counter, at: float) -> float:
    """Return what the counter really read."""
    return sum(house.counter(counter.alias, part, at) for part in counter.registers)


def assert_true(house: House, counter: Counter, rows: list[Row]) -> None:
    """Every hour is there once, and its use is the true one, the first one's too.

    The sum never falls, and begins at 0.
    """
    for old, new in pairwise([Row(rows[0].start - HOUR, 0.0, 0.0), *rows]):
        used = truth(house, counter, new.end) - truth(house, counter, old.end)
        assert new.start == old.end
        assert new.sum >= old.sum
        assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.002)


def assert_seamless(rows: list[Row]) -> None:
    """No hour is missing, no sum falls, and sum and state rise together."""
    for old, new in pairwise(rows):
        assert new.start == old.end
        assert new.sum >= old.sum
        assert new.sum - old.sum == pytest.approx(new.state - old.state, abs=1e-6)
