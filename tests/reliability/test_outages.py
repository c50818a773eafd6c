"""What is said of an outage: once that it began, and once that it ended."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from simulator import Fault, Simulator
from tests.helpers.common import issues, ours, poll

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


@pytest.mark.usefixtures("loaded_entry")
async def test_a_meter_that_does_not_answer_has_not_stopped(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sim.faults.append(Fault("status", "/p1/realtime/", value=500))
    await poll(hass, freezer, 900, step=30)
    assert not issues(hass)
    sim.faults.clear()
    await poll(hass, freezer, 60)
    assert ours(caplog) == [
        "CEMM Plus: no data of meter p1: HTTP status 500",
        "CEMM Plus: meter p1 is back",
    ]
