"""Counters that read 0 for a while, and what the recorder counts meanwhile."""

import asyncio
from datetime import date

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.history.periods import midnight
from simulator import House, Simulator
from tests.conftest import setup
from tests.history.common import all_counters, all_rows, finished, truth
from tests.history.conftest import _custom_integration, persistent_database

from .recording import Recording
from .table import Tried

__all__ = ["_custom_integration", "persistent_database"]

SINCE = date(2025, 11, 1)


@pytest.fixture
def recorder_config() -> dict[str, int]:
    """Store what was recorded when the test asks for it, not each state at once."""
    return {"commit_interval": 3600}


@pytest.fixture
def house() -> House:
    return House(seed=1, since=SINCE)


@pytest.fixture
async def recording(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> Recording:
    # Noting where each callback comes from takes longer than all the rest.
    asyncio.get_running_loop().set_debug(False)
    return Recording(hass, sim, local_entry, freezer)


@pytest.mark.parametrize("glitch", ["one poll", "one minute", "a restart"])
async def test_zero(recording: Recording, tried: Tried, glitch: str) -> None:
    hass, entry = recording.hass, recording.entry
    await setup(hass, entry)
    first = recording.readings()
    await recording.go_on(2)

    recording.all_read_zero()
    await recording.poll(60 if glitch == "one minute" else 10)
    if glitch == "a restart":
        await hass.config_entries.async_unload(entry.entry_id)
        await recording.poll(60)
        await setup(hass, entry)
        await recording.poll(30)
    recording.sim.faults.clear()
    last = await recording.go_on(2)

    sums = await recording.sums()
    assert sum(used > 0 for used in sums.values()) >= 5
    for name, used in sums.items():
        assert used == pytest.approx(last[name] - first[name], abs=1e-6), name
    tried(f"Counters that read 0 during {glitch}", len(sums))


async def test_zero_during_an_import(recording: Recording, tried: Tried) -> None:
    hass, entry, house = recording.hass, recording.entry, recording.sim.house
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={"import_history": True})
    await setup(hass, entry)
    recording.all_read_zero()
    await recording.poll(60)
    assert any("history" in task.get_name() for task in entry._background_tasks)
    recording.sim.faults.clear()
    await finished(entry)
    last = await recording.go_on(2)

    counters, sums = all_counters(hass, entry), await recording.sums()
    for name, rows in (await all_rows(hass, entry)).items():
        assert rows[0].start == midnight(SINCE)
        used = last[name] - truth(house, counters[name], rows[0].end)
        assert sums[name] - rows[0].sum == pytest.approx(used, abs=0.001), name
    tried("Counters that read 0 during an import", len(sums))
