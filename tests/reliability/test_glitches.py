"""Counters that read 0 for a while, and what the recorder counts meanwhile."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import House, Simulator
from tests.common import poll
from tests.conftest import setup
from tests.history.common import all_counters
from tests.history.conftest import _custom_integration, persistent_database

from .recording import all_zero, newest_sums, readings, record
from .table import Tried

__all__ = ["_custom_integration", "persistent_database"]


@pytest.fixture
def recorder_config() -> dict[str, int]:
    """Store what was recorded when the test asks for it, not each state at once."""
    return {"commit_interval": 3600}


@pytest.mark.parametrize("glitch", ["one poll", "one minute", "a restart"])
async def test_zero(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    tried: Tried,
    glitch: str,
) -> None:
    asyncio.get_running_loop().set_debug(False)
    await setup(hass, local_entry)
    counters = all_counters(hass, local_entry)
    first = readings(house, local_entry)
    await record(hass, local_entry, house, freezer, 2)

    sim.faults += all_zero(sim)
    if glitch == "a restart":
        await poll(hass, freezer, 30)
        await hass.config_entries.async_unload(local_entry.entry_id)
        freezer.tick(60)
        await setup(hass, local_entry)
        await poll(hass, freezer, 30)
    else:
        await poll(hass, freezer, 60 if glitch == "one minute" else 10)
    sim.faults.clear()
    last = await record(hass, local_entry, house, freezer, 2)

    sums = await newest_sums(hass, counters)
    assert len(sums) > 10
    for name, total in sums.items():
        assert total == pytest.approx(last[name] - first[name], abs=1e-6), name
    tried(f"Counters that read 0 during {glitch}", len(sums))
