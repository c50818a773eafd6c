"""A CEMM comes and goes without a trace left behind."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from tests.helpers.common import issues, poll, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def test_a_cemm_can_be_unloaded_and_loaded_again(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await setup(hass, entry)
    before = {state.entity_id: state.state for state in hass.states.async_all()}

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    sim.requests.clear()
    await poll(hass, freezer, 600, step=60)
    assert not sim.requests
    assert not [t for t in asyncio.all_tasks() if "CEMM" in t.get_name()]

    await setup(hass, entry)
    after = {state.entity_id: state.state for state in hass.states.async_all()}
    assert after.keys() == before.keys()


async def test_a_removed_cemm_leaves_nothing_behind(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    await setup(hass, local_entry)
    sim.faults += [
        Fault("frozen", value="mb5"),
        Fault("offset", value=("p1", "t1", -float(value(hass, "p1", "t1") or 0) + 9)),
    ]
    await poll(hass, freezer, 1260, step=90)
    assert set(issues(hass)) == {"meter_stopped", "meter_replaced"}
    assert [key for key in hass_storage if local_entry.entry_id in key]

    await hass.config_entries.async_remove(local_entry.entry_id)
    sim.requests.clear()
    await poll(hass, freezer, 3600, step=600)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()

    assert not sim.requests
    assert not issues(hass)
    assert not [key for key in hass_storage if local_entry.entry_id in key]
    assert not hass.states.async_all()
    assert not er.async_get(hass).entities
    assert not dr.async_get(hass).devices
