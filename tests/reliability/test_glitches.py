"""Counters that read 0 for a while, and what the recorder counts meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from time import sleep

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.days import midnight
from simulator import House, Simulator
from tests.conftest import setup
from tests.helpers.history import all_rows, finished
from tests.helpers.recording import Recording
from tests.helpers.table import Tried
from tests.history.conftest import needed, persistent_database

__all__ = ["needed", "persistent_database"]

SINCE = date(2025, 10, 30)


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


@pytest.fixture
async def twin(recording: Recording) -> AsyncIterator[Recording]:
    """Return the same house once more, for comparison."""
    same = House(seed=1, since=SINCE, mac="00:1E:C0:85:96:CD")
    sim = Simulator(same, recording.sim.clock)
    await sim.start()
    yield recording.of_another(sim)
    await sim.stop()


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


@pytest.mark.rest
async def test_zero_during_an_import(
    recording: Recording, twin: Recording, tried: Tried
) -> None:
    """It is the very import that it would have been without."""
    hass = recording.hass
    for each in (recording, twin):
        for alias in ("s01", "mb5"):
            del each.sim.house.meters[alias]
        each.entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(
            each.entry, options={"import_history": True}
        )
        await setup(hass, each.entry)
        # What was used in the minute that is not over is not told exactly: let both be
        # told the same.
        while not each.has_asked_before(midnight(date(2025, 11, 1))):
            await hass.async_add_executor_job(sleep, 0.001)
        assert any(
            "history" in task.get_name() for task in each.entry._background_tasks
        )
    recording.all_read_zero()
    # In short steps: the import's own requests must not time out.
    await recording.poll(60, step=5)
    recording.sim.faults.clear()
    await finished(recording.entry)
    await finished(twin.entry)
    last = await recording.go_on(2)

    sums, rows = await recording.sums(), await all_rows(hass, recording.entry)
    assert (sums, rows) == (await twin.sums(), await all_rows(hass, twin.entry))
    for name, (first, *_) in rows.items():
        assert first.start == midnight(SINCE)
        # From the first row on, sum and reading rise together.
        assert sums[name] - first.sum == pytest.approx(
            last[name] - first.state, abs=1e-6
        )
    tried("Counters that read 0 during an import", len(sums))
