"""A whole house of which any answer is odd, at random, for a random time."""

from random import Random

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import REGISTERS
from custom_components.cemm.coordinator import CemmCoordinator
from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import ours, poll, value

from .test_any_answer import ODD

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

MINUTES = 240
REALTIME = {
    "local": ("p1", "p1-gas", "s01", "mb5", "pulse-2", "usage"),
    "remote": ("p1", "p1-gas", "s01"),
}
OTHERS = {
    "local": ("/open-api/v1/$", "/io/$"),
    "remote": ("/io/$", "/p1/$", "/s01/$", "/p1/totals/", "/s01/totals/"),
}
# After a meter has answered well for so long it is there: some are asked seldom.
PATIENCE = 12


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("which", ["local", "remote"])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.rest) for n in (1, 2))]
)
async def test_what_answers_well_is_there(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    which: str,
    seed: int,
) -> None:
    caplog.set_level("INFO", "custom_components.cemm")
    rng = Random(f"{which} {seed}")
    entry: MockConfigEntry = await setup(
        hass, request.getfixturevalue(f"{which}_entry")
    )
    coordinator = entry.runtime_data.coordinator
    paths = [f"/{alias}/realtime/" for alias in REALTIME[which]]
    odd: dict[str, Fault] = {}
    ends: dict[str, int] = {}
    well = dict.fromkeys(REALTIME[which], 0)
    for minute in range(MINUTES):
        if rng.random() < 0.3:
            path = rng.choice([*paths, *OTHERS[which]])
            # One meter answers always: all at once is an outage.
            if path not in odd and len(odd.keys() & {*paths}) < len(paths) - 1:
                kind, answer = rng.choice(ODD)
                odd[path] = Fault(kind, path, value=answer)
                ends[path] = minute + rng.choice((1, 3, 10, 40))
        odd = {path: fault for path, fault in odd.items() if minute < ends[path]}
        sim.faults[:] = odd.values()
        await poll(hass, freezer, 60, step=20)
        for alias in well:
            well[alias] = 0 if f"/{alias}/realtime/" in odd else well[alias] + 1
            if well[alias] > PATIENCE:
                assert coordinator.data[alias].available, (minute, alias, odd)
        assert coordinator.last_update_success, (minute, odd)
    sim.faults.clear()
    await poll(hass, freezer, 3600, step=60)

    assert entry.state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()
    assert not [record for record in caplog.records if record.exc_info]
    check_truth(hass, sim, coordinator)
    lines = [line for line in ours(caplog) if "I/O" not in line]
    assert len([line for line in lines if " no " in line]) * 2 == len(lines), lines


def check_truth(
    hass: HomeAssistant, sim: Simulator, coordinator: CemmCoordinator
) -> None:
    """Find all meters there, with what they count."""
    for alias, data in coordinator.data.items():
        assert data.available, alias
        for name in data.channels.keys() & REGISTERS:
            if state := value(hass, alias, name):
                truth = sim.house.reading(alias, name, sim.clock.now())
                assert float(state) == pytest.approx(truth, abs=0.5), (alias, name)
