"""A running integration that gets nothing but wrong answers, and then true ones again."""

from datetime import timedelta
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import REGISTERS
from simulator import Simulator
from tests.conftest import setup
from tests.helpers.common import only_meter, poll, value
from tests.helpers.hostile import HostileServer, Liar
from tests.helpers.table import Tried

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

POLLS = 400


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("which", ["local", "remote"])
async def test_lies(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    *,
    request: pytest.FixtureRequest,
    tried: Tried,
    which: str,
) -> None:
    """No exception reaches the log, and the truth is shown again when it is told."""
    caplog.set_level(logging.INFO, "custom_components.cemm")
    entry: MockConfigEntry = request.getfixturevalue(f"{which}_entry")
    liar = Liar(sim.house, sim.clock.now, which)
    liar.share = 0
    server = HostileServer(liar.answer)
    await server.start()
    host = f"127.0.0.1:{server.port}"
    key, address = ("host", host) if which == "local" else ("url", f"http://{host}/v1/")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, key: address})
    await setup(hass, entry)
    coordinator = entry.runtime_data.coordinator

    liar.share = 0.4
    for _ in range(POLLS):
        freezer.tick(timedelta(seconds=10))
        await coordinator.async_refresh()
    liar.share = 0
    await poll(hass, freezer, 3600, step=30)
    await server.stop()

    assert not [record for record in caplog.records if record.exc_info]
    registers = [
        (alias, name, state)
        for alias, data in coordinator.data.items()
        for name in data.channels.keys() & REGISTERS
        if (state := value(hass, alias, name))
    ]
    assert len(registers) > 6
    for alias, name, state in registers:
        truth = sim.house.reading(alias, name, sim.clock.now())
        assert float(state) == pytest.approx(truth, abs=0.5), f"{alias} {name}"
    tried(f"Polls with wrong answers of the {which} API", POLLS)


async def test_a_meter_has_no_end_of_channels(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    only_meter(sim, "p1", "p1", {"data": {"t1": [1_781_092_800_000, 100]}})
    fault = sim.faults[0]
    await setup(hass, local_entry)
    registry = er.async_get(hass)
    entities = []
    for n in range(10):
        names = [f"x{n}-{m}" for m in range(64)]
        fault.value = {"data": {name: [1_781_092_800_000 + n, 1] for name in names}}
        await poll(hass, freezer)
        found = er.async_entries_for_config_entry(registry, local_entry.entry_id)
        entities.append(len(found))
    assert 60 < entities[-1] < 140
    assert entities[-1] == entities[1]
