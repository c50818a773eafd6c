"""Which sensors get history, and what of a meter they show."""

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, House, Simulator
from tests.conftest import setup
from tests.helpers.history import all_counters, keep


async def test_a_meter_that_does_not_answer_after_a_restart_keeps_its_registers(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    remote_entry: MockConfigEntry,
) -> None:
    """Without them its meter readings would not be used, but rounded amounts."""
    keep(house, "p1", "p1-gas")
    await setup(hass, remote_entry)
    before = all_counters(hass, remote_entry)
    assert before["p1_energy_import"].registers == ("t1", "t2")
    sim.faults.append(Fault("status", path=r"/p1/realtime", value=408))
    await hass.config_entries.async_reload(remote_entry.entry_id)
    assert not remote_entry.runtime_data.coordinator.data["p1"].channels
    assert all_counters(hass, remote_entry) == before
