"""What is remembered of counters when Home Assistant stops, or its power is cut."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import issues, poll, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def replaced(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Let a new meter begin to count, and wait until it is believed."""
    old = float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", 5 - round(old, 3))))
    await poll(hass, freezer, 300)
    assert "meter_replaced" in issues(hass)


@pytest.mark.parametrize("minutes", [0, 5, 8, 20])
async def test_home_assistant_stops(
    hass: HomeAssistant,
    sim: Simulator,
    *,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    minutes: int,
) -> None:
    await poll(hass, freezer, minutes * 60, step=60)
    await replaced(hass, sim, freezer)
    await poll(hass, freezer, 100)
    shown = value(hass, "p1", "t1")
    await hass.async_stop(force=True)
    stored = hass_storage[f"cemm.{loaded_entry.entry_id}.counters"]["data"]["counters"]
    assert str(stored["p1"]["t1"]["value"]) == shown


async def test_the_power_is_cut_after_a_meter_was_replaced(
    hass: HomeAssistant,
    sim: Simulator,
    *,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    await poll(hass, freezer, 1800, step=300)
    await replaced(hass, sim, freezer)
    on_disk = dict(hass_storage)
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    hass_storage.clear()
    hass_storage.update(on_disk)
    await setup(hass, loaded_entry)
    assert float(value(hass, "p1", "t1") or 0) < 10


async def test_the_power_is_cut_just_after_a_cemm_was_added(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    await poll(hass, freezer, 20)
    stored = hass_storage[f"cemm.{loaded_entry.entry_id}.counters"]["data"]["counters"]
    assert stored["p1"]["t1"]["value"] > 0
