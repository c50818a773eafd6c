"""Which sensors get history, and what of a meter they show."""

import pytest

from simulator import Fault
from tests.helpers.history import keep
from tests.helpers.past import Past


@pytest.mark.parametrize("past", ["remote"], indirect=True)
async def test_a_meter_that_does_not_answer_after_a_restart_keeps_its_registers(
    past: Past,
) -> None:
    """Without them its meter readings would not be used, but rounded amounts."""
    keep(past.house, "p1", "p1-gas")
    await past.setup()
    before = past.counters()
    assert before["p1_energy_import"].registers == ("t1", "t2")
    past.sim.faults.append(Fault("status", path=r"/p1/realtime", value=408))
    await past.hass.config_entries.async_reload(past.entry.entry_id)
    assert not past.coordinator.data["p1"].channels
    assert past.counters() == before
