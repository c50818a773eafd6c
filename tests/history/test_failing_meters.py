"""Meters that fail or vanish, and the others."""

from datetime import date
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.days import midnight
from custom_components.cemm.history import Ledger, reconciler
from simulator import Fault, House, Simulator
from tests.conftest import setup
from tests.helpers.history import all_counters, all_rows, finished, keep, next_hour


@pytest.fixture
def house() -> House:
    house = House(seed=1, since=date(2025, 10, 20))
    keep(house, "p1-gas", "pulse-2")
    return house


async def test_a_meter_that_is_gone_does_not_stop_the_others(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may have been unplugged, or vanish from the CEMM's list while others are asked."""
    await setup(hass, local_entry)
    await finished(local_entry)
    sim.faults.append(Fault("status", "/p1-gas/", value=404))
    history = local_entry.runtime_data.history
    written = await history.async_import(date(2025, 11, 1))
    assert written["p1-gas"] == 0
    assert written["pulse-2"] > 24

    coordinator = local_entry.runtime_data.coordinator
    rest = {"pulse-2": coordinator.data["pulse-2"]}
    counted = all_counters(hass, local_entry)
    with (
        patch.object(reconciler, "counters", return_value=counted.values()),
        patch.object(coordinator, "data", rest),
    ):
        again = await history.async_import(date(2025, 10, 31))
    assert again == {"p1-gas": 0, "pulse-2": 24}
    assert not [r for r in caplog.records if "history is tried" in r.getMessage()]


async def test_a_meter_that_fails_does_not_put_off_the_first_import(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """What the user asked for last was interrupted, and is wanted still."""
    await setup(hass, local_entry)
    await finished(local_entry)
    sim.faults.append(Fault("status", "/p1-gas/data/year/", value=500))
    checkpoint = Ledger(hass, local_entry)
    await checkpoint.async_want((date(2025, 11, 4), None))
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": True}
    )
    await hass.config_entries.async_reload(local_entry.entry_id)
    await finished(local_entry)
    rows = await all_rows(hass, local_entry)
    assert rows["pulse-2_volume"][0].start == midnight(house.since)
    assert not rows["p1-gas_gas"]
    sim.faults.clear()
    await next_hour(hass, local_entry, freezer)
    rows = await all_rows(hass, local_entry)
    assert rows["p1-gas_gas"][0].start == midnight(house.since)
