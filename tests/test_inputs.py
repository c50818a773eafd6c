"""The two APIs may name the inputs s02 and s03 the other way round."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import SimMeter, Simulator, Source
from simulator.ledger import Registers

from .conftest import setup
from .helpers.common import issues, poll, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


@pytest.mark.parametrize("swapped", [True, False])
async def test_inputs_that_changed_places(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    *,
    swapped: bool,
) -> None:
    meters = sim.house.meters
    meters["s02"] = SimMeter(8, "electricity", Source.EV, start=Registers(900_000))
    meters["s03"] = SimMeter(9, "electricity", Source.SOLAR, start=Registers(6_780_000))
    await setup(hass, local_entry)
    await poll(hass, freezer, 600, step=60)
    before = {a: float(value(hass, a, "energy_import") or 0) for a in ("s02", "s03")}

    if swapped:
        meters["s02"], meters["s03"] = meters["s03"], meters["s02"]
    hass.config_entries.async_update_entry(local_entry, data=remote_entry.data)
    await hass.config_entries.async_reload(local_entry.entry_id)
    await poll(hass, freezer, 1800, step=30)

    raised = [key for key in issues(hass) if key.startswith(("meter_", "inputs_"))]
    assert raised == (["inputs_swapped"] if swapped else [])
    for alias, other in (("s02", "s03"), ("s03", "s02")):
        shown = float(value(hass, alias, "energy_import") or 0)
        assert shown == pytest.approx(before[other if swapped else alias], abs=10)
    breaks = local_entry.runtime_data.history._ledger.breaks
    counted = {
        each.name: each.after - each.before
        for each in breaks
        if each.name.endswith("energy_import")
    }
    assert (len(counted) == 2) is swapped
