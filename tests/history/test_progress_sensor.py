"""*History import*: what it shows across a restart and an import of the user's."""

from datetime import date

from homeassistant.core import State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    mock_restore_cache_with_extra_data,
)

from simulator import Fault, House
from tests.conftest import MAC
from tests.helpers.history import SINCE, small_house
from tests.helpers.past import Past

SENSOR = "sensor.cemm_plus_history_import"


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1-gas", "pulse-2")


def shown(past: Past) -> str:
    registry = er.async_get(past.hass)
    entity_id = registry.async_get_entity_id("sensor", "cemm", f"{MAC}_history_import")
    assert entity_id
    state = past.hass.states.get(entity_id)
    assert state
    return state.state


async def test_a_restart_goes_on_from_where_it_was(past: Past) -> None:
    """Until the CEMM has told how much there is, it is what it was."""
    kept = {"native_value": 7.3, "native_unit_of_measurement": "%"}
    mock_restore_cache_with_extra_data(past.hass, [(State(SENSOR, "7.3"), kept)])
    past.sim.faults.append(Fault("hang", "/data/year/"))
    past.wish()
    await past.setup()
    assert shown(past) == "7.3"


async def test_an_import_of_what_is_there_changes_nothing(past: Past) -> None:
    past.wish()
    await past.settle()
    assert shown(past) == "100.0"
    states: list[str] = []
    past.hass.bus.async_listen("state_changed", lambda _: states.append(shown(past)))
    await past.history.async_import(date(2025, 11, 1))
    assert set(states) <= {"100.0"}
