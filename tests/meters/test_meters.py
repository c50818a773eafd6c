"""All meters of a CEMM in a Home Assistant without a recorder."""

from time import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from tests.helpers.common import issues, ours, poll, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def test_what_a_meter_shows_is_followed_without_a_recorder_too(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", 5 - round(old, 3))))
    await poll(hass, freezer, 1200)
    assert 5 <= float(value(hass, "p1", "t1") or 0) < 10
    assert "meter_replaced" in issues(hass)
    # There is the one line that says so.
    assert [line for line in ours(caplog) if "went from" not in line] == []
    breaks = loaded_entry.runtime_data.history._ledger.breaks
    assert {each.name for each in breaks} >= {"p1_t1", "p1_energy_import"}

    # Nobody will ever settle them.
    await poll(hass, freezer, 11 * 86_400, step=86_400)
    sim.faults[:] = [Fault("offset", value=("p1", "t1", 1 - round(old, 3)))]
    sim.faults.append(Fault("offset", value=("p1", "t2", -1000)))
    await poll(hass, freezer, 1200)
    breaks = loaded_entry.runtime_data.history._ledger.breaks
    assert breaks
    assert all(time() - each.at < 86_400 for each in breaks)
