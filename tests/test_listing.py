"""A list of meters that leaves something out, for a while or for good."""

from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from simulator.protocol import describe
from tests.helpers.common import device, issues, ours, poll, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

MINUTE, HOUR = 60, 3600

type Listed = list[dict[str, Any]]


def no_types(meters: Listed) -> Listed:
    return [{k: v for k, v in meter.items() if k != "type"} for meter in meters]


def null_types(meters: Listed) -> Listed:
    return [{**meter, "type": None} for meter in meters]


def empty_types(meters: Listed) -> Listed:
    return [{**meter, "type": " "} for meter in meters]


def no_type_of_one(meters: Listed) -> Listed:
    return [*no_types(meters[2:3]), *meters[:2], *meters[3:]]


def nothing(meters: Listed) -> Listed:
    return []


def aliases_alone(meters: Listed) -> Listed:
    return [{"alias": meter["alias"]} for meter in meters]


def listing(sim: Simulator, change: Callable[[Listed], Listed]) -> Fault:
    """Return the fault that changes what the CEMM lists now."""
    meters = [describe(m) | {"alias": a} for a, m in sim.house.meters.items()]
    return Fault("body", "/io/$", value={"data": change(meters)})


def no_list(sim: Simulator) -> Fault:
    return Fault("status", "/io/$", value=404)


CHANGES = [no_types, null_types, empty_types, no_type_of_one, aliases_alone, nothing]


def shown(hass: HomeAssistant) -> dict[str, tuple[Any, ...]]:
    """Return what tells a meter's kind."""
    return {
        entity.unique_id: (entity.entity_id, entity.original_device_class)
        for entity in er.async_get(hass).entities.values()
    }


def device_names(hass: HomeAssistant, sim: Simulator) -> list[str | None]:
    devices = [device(hass, alias) for alias in sim.house.meters]
    return [found.name if found else None for found in devices]


@pytest.mark.parametrize("seconds", [MINUTE, HOUR])
@pytest.mark.parametrize("change", [*CHANGES, None])
async def test_what_was_known_of_a_meter_stays(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    *,
    freezer: FrozenDateTimeFactory,
    change: Callable[[Listed], Listed] | None,
    seconds: float,
    request: pytest.FixtureRequest,
) -> None:
    """Until something else is said: no kind changes, and nothing is asked of the user."""
    caplog = request.getfixturevalue("caplog")
    await setup(hass, local_entry)
    await poll(hass, freezer, 660, step=60)
    runtime, before = local_entry.runtime_data, shown(hass)

    sim.faults.append(listing(sim, change) if change else no_list(sim))
    # It is in the list that is asked for every ten minutes, and once after a failure.
    sim.faults.append(Fault("drop", "/p1/", times=2))
    await poll(hass, freezer, seconds, step=10 if seconds == MINUTE else 300)
    for alias, key in (("s01", "electric_power"), ("mb5", "t1"), ("pulse-2", "volume")):
        assert value(hass, alias, key) not in (None, STATE_UNAVAILABLE), alias
    sim.faults.clear()
    await poll(hass, freezer, HOUR, step=300)

    assert local_entry.runtime_data is runtime, "reloaded"
    assert shown(hass) == before
    assert not issues(hass)
    assert not ours(caplog)


@pytest.mark.parametrize("change", [*CHANGES, None])
async def test_it_stays_known_over_a_restart(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    change: Callable[[Listed], Listed] | None,
) -> None:
    before = shown(hass)
    names = device_names(hass, sim)
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    sim.faults.append(listing(sim, change) if change else no_list(sim))
    await setup(hass, loaded_entry)
    runtime = loaded_entry.runtime_data
    await poll(hass, freezer, HOUR, step=300)
    for alias in sim.house.meters:
        assert value(hass, alias, "electric_power") != STATE_UNAVAILABLE, alias
    assert not issues(hass)
    sim.faults.clear()
    await poll(hass, freezer, HOUR, step=300)

    assert loaded_entry.state is ConfigEntryState.LOADED
    assert loaded_entry.runtime_data is runtime
    assert shown(hass) == before
    assert device_names(hass, sim) == names
    assert not issues(hass)


async def test_another_type_is_believed(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """That is something else said."""
    runtime = loaded_entry.runtime_data
    sim.house.meters["mb5"].type = "solar_energy"
    await poll(hass, freezer, 1500, step=300)
    assert loaded_entry.runtime_data is not runtime
    solar = device(hass, "mb5")
    assert solar and solar.name == "Solar meter mb5"


@pytest.mark.usefixtures("loaded_entry")
@pytest.mark.parametrize("answers", [True, False])
async def test_a_meter_that_is_left_out_for_a_minute_stays_and_for_an_hour_goes(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, answers: bool
) -> None:
    """A connection that was taken out of the list may still answer."""
    before = shown(hass)
    meter = sim.house.meters.pop("s01")
    fault = listing(sim, list)
    if answers:
        sim.house.meters["s01"] = meter
    sim.faults += [fault, Fault("drop", "/p1/", times=2)]
    await poll(hass, freezer, MINUTE)
    assert device(hass, "s01")
    sim.house.meters["s01"] = meter
    sim.faults.clear()
    await poll(hass, freezer, HOUR, step=300)
    assert shown(hass) == before

    sim.faults.append(fault)
    await poll(hass, freezer, HOUR, step=300)
    assert device(hass, "s01") is None
    sim.faults.clear()
    await poll(hass, freezer, HOUR, step=300)
    assert shown(hass) == before
    assert not issues(hass)


@pytest.mark.usefixtures("loaded_entry")
async def test_an_empty_list_is_no_word_of_any_meter(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.faults.append(Fault("body", "/io/$", value={"data": []}))
    del sim.house.meters["s01"]
    await poll(hass, freezer, HOUR, step=300)
    assert value(hass, "s01", "electric_power") == STATE_UNAVAILABLE
    assert device(hass, "s01")
    assert device(hass, "mb5")
