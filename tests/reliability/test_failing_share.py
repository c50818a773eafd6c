"""A CEMM that fails now and then: what people see of it."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import answered, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

HOUR = 3600


ONE, THREE = ("p1",), ("p1", "p1-gas", "pulse-2")


@pytest.mark.parametrize(
    ("fault", "aliases"),
    [
        (Fault("status", value=500, share=0.2), THREE),
        (Fault("drop", share=0.2), ONE),
        *(
            pytest.param(Fault(kind, value=value, share=0.2), aliases, marks=rest)
            for rest in [pytest.mark.rest]
            for kind, value, aliases in [
                ("status", 500, ONE),
                ("status", 502, THREE),
                ("broken_json", None, ONE),
                ("broken_json", None, THREE),
            ]
        ),
    ],
    ids=str,
)
async def test_one_of_five_answers_fails(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    aliases: tuple[str, ...],
) -> None:
    """It is asked once more a second later: hardly a value is lost."""
    sim.house.meters = {alias: sim.house.meters[alias] for alias in aliases}
    await setup(hass, local_entry)
    coordinator = local_entry.runtime_data.coordinator
    sim.faults.append(fault)
    seen, unavailable = dict[int, int](), 0
    for second in range(HOUR):
        freezer.tick(1)
        async_fire_time_changed(hass)
        await answered(hass)
        unavailable += value(hass, "p1", "t1") == STATE_UNAVAILABLE
        newest = coordinator.data["p1"].channels["electric_power"].time
        seen.setdefault(newest, second)
    assert unavailable <= 10
    assert len(seen) >= 330, [*seen.values()]
