"""What sensors show as time goes by: new channels, missing ones, and a new start."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from tests.helpers.common import device, only_meter, poll, sensor, value

from .conftest import setup
from .fixtures import load

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def test_a_channel_measured_later_gets_its_sensor_without_a_restart(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    never = Fault("unmeasured", value=("p1", "t3"))
    sim.faults.append(never)
    await setup(hass, local_entry)
    assert sensor(hass, "p1", "t3") is None
    assert value(hass, "p1", "t4") == value(hass, "p1", "energy_export")

    sim.faults.remove(never)
    # One answer alone proves nothing.
    await poll(hass, freezer, 20)

    t3, t4 = (float(value(hass, "p1", key) or 0) for key in ("t3", "t4"))
    assert t3 > 0
    assert float(value(hass, "p1", "energy_export") or 0) == pytest.approx(t3 + t4)


@pytest.mark.usefixtures("loaded_entry")
async def test_a_derived_total_keeps_the_last_value_of_a_register_gone_missing(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    before = float(value(hass, "p1", "energy_import") or 0)

    sim.faults.append(Fault("unmeasured", value=("p1", "t1")))
    await poll(hass, freezer, 60)

    assert value(hass, "p1", "t1") == STATE_UNKNOWN
    assert before <= float(value(hass, "p1", "energy_import") or 0) < before + 1


async def test_a_sensor_of_earlier_days_is_there_before_it_is_measured_again(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
) -> None:
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    sim.faults.append(Fault("unmeasured", value=("p1", "rate")))

    await setup(hass, loaded_entry)

    assert value(hass, "p1", "rate") == STATE_UNKNOWN


async def test_only_sensors_whose_value_changed_write_a_state(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    only_meter(sim, "p1", "p1", load("recorded/p1_realtime"))
    await setup(hass, local_entry)
    written: list[str] = []

    @callback
    def note(data: Any) -> bool:
        written.append(data["entity_id"])
        return False

    @callback
    def never(_: Event[Any]) -> None:
        """Do nothing: the filter has seen it."""

    for kind in ("state_changed", "state_reported"):
        hass.bus.async_listen(kind, never, note)

    await poll(hass, freezer, 60)
    assert not written

    sim.faults[0].value["totals"]["t1"][1] += 0.001
    sim.faults[0].value["data"]["electric_power"][1] += 1
    await poll(hass, freezer)

    assert sorted(written) == [
        "sensor.smart_meter_import",
        "sensor.smart_meter_import_low_tariff",
        "sensor.smart_meter_power",
    ]


async def test_meters_that_the_remote_api_cannot_address_stay_but_are_unavailable(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    before = set(er.async_get(hass).entities)
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    hass.config_entries.async_update_entry(loaded_entry, data=remote_entry.data)

    await setup(hass, loaded_entry)
    await poll(hass, freezer, 1200, step=300)

    assert set(er.async_get(hass).entities) == before
    assert value(hass, "mb5", "energy_import") == STATE_UNAVAILABLE
    assert value(hass, "pulse-2", "volume") == STATE_UNAVAILABLE
    assert float(value(hass, "p1", "energy_import") or 0) > 0
    assert float(value(hass, "s01", "energy_import") or 0) > 0
    modbus = device(hass, "mb5")
    assert modbus and modbus.model == "Modbus 5"


@pytest.mark.usefixtures("loaded_entry")
async def test_what_others_do_to_a_state_lasts_until_the_next_value(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    await poll(hass, freezer, 30)
    state = sensor(hass, "p1", "electric_power")
    assert state
    hass.states.async_set(state.entity_id, "5", {"mine": 1})
    await poll(hass, freezer, 20)
    again = sensor(hass, "p1", "electric_power")
    assert again
    assert again.state != "5"
    assert again.attributes == state.attributes


@pytest.mark.usefixtures("loaded_entry")
async def test_a_new_customization_shows_with_the_next_value(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    await poll(hass, freezer, 30)
    state = sensor(hass, "p1", "electric_power")
    assert state
    await async_process_ha_core_config(
        hass, {"customize": {state.entity_id: {"mine": 1}}}
    )
    await poll(hass, freezer, 20)
    again = sensor(hass, "p1", "electric_power")
    assert again
    assert again.attributes == {**state.attributes, "mine": 1}


async def test_a_meter_that_says_later_what_it_measures_becomes_that(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    meter = sim.house.meters["pulse-2"]
    meter.type = "pulse"
    await setup(hass, local_entry)
    state = sensor(hass, "pulse-2", "volume")
    assert state
    assert "device_class" not in state.attributes
    meter.type = "water"
    await poll(hass, freezer, 660, step=30)
    state = sensor(hass, "pulse-2", "volume")
    assert state
    assert state.attributes["device_class"] == "water"


async def test_nothing_shows_the_power_of_a_meter_that_has_stopped(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Not even another value with the same old time."""
    time = 1_781_092_800_000

    def answer(power: int) -> dict[str, Any]:
        return {"data": {"t1": [time, 100], "electric_power": [time, power]}}

    only_meter(sim, "p1", "p1", answer(1))
    fault = sim.faults[0]
    await setup(hass, local_entry)
    shown = []
    for power in range(2, 60):
        fault.value = answer(power)
        await poll(hass, freezer)
        shown.append(value(hass, "p1", "electric_power"))
    stopped = shown.index(STATE_UNAVAILABLE)
    assert set(shown[stopped:]) == {STATE_UNAVAILABLE}
    assert len(shown) > stopped + 10
