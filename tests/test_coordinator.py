"""When a CEMM is asked, and what its failures mean."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, Simulator
from tests.helpers.common import device, ours, poll, sensor, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

OUTAGES = [
    Fault("status", value=502),
    Fault("drop"),
    Fault("html"),
    Fault("broken_json"),
    Fault("empty"),
    Fault("status", value=404),
]
P1_FAILED_AND_CAME_BACK = [
    "CEMM Plus: no data of meter p1: HTTP status 500",
    "CEMM Plus: meter p1 is back",
]


async def test_a_new_value_shows_within_65_seconds(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await setup(hass, entry)
    sim.faults.append(Fault("value", value=("p1", "electric_power", 4321)))

    await poll(hass, freezer, 65, step=5)

    assert value(hass, "p1", "electric_power") == "4321"


@pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: fault.kind)
async def test_three_failed_polls_are_an_outage_and_one_good_one_ends_it(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    request: pytest.FixtureRequest,
) -> None:
    caplog = request.getfixturevalue("caplog")
    local_entry = request.getfixturevalue("local_entry")
    await setup(hass, local_entry)
    before = value(hass, "p1", "t1")

    sim.faults.append(fault)
    await poll(hass, freezer, 20)
    assert value(hass, "p1", "t1") == before
    await poll(hass, freezer, 60)
    assert value(hass, "p1", "t1") == STATE_UNAVAILABLE
    sim.faults.clear()
    await poll(hass, freezer)
    assert float(value(hass, "p1", "t1") or 0) >= float(before or "nan")

    await poll(hass, freezer, 30)
    assert ours(caplog) == [
        "Error fetching CEMM Plus data: The CEMM does not answer",
        "Fetching CEMM Plus data recovered",
    ]


@pytest.mark.usefixtures("loaded_entry")
async def test_a_failing_meter_harms_no_other(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = value(hass, "p1", "t1")

    sim.faults.append(Fault("status", "/p1/", value=500))
    await poll(hass, freezer, 20)
    assert value(hass, "p1", "t1") == before
    await poll(hass, freezer, 160)
    assert value(hass, "p1", "t1") == STATE_UNAVAILABLE
    assert value(hass, "s01", "electric_power") != STATE_UNAVAILABLE
    sim.faults.clear()
    await poll(hass, freezer, 65, step=5)
    assert float(value(hass, "p1", "t1") or 0) >= float(before or "nan")

    assert ours(caplog) == P1_FAILED_AND_CAME_BACK


async def test_a_meter_failing_from_the_start_is_told_like_any_other(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sim.faults.append(Fault("status", "/p1/", value=500))
    await setup(hass, local_entry)
    await poll(hass, freezer, 180)
    sim.faults.clear()
    await poll(hass, freezer, 65, step=5)

    assert ours(caplog) == P1_FAILED_AND_CAME_BACK


async def test_a_cemm_without_an_answer_is_tried_again(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    sim.faults.append(Fault("drop"))
    await setup(hass, local_entry)
    assert local_entry.state is ConfigEntryState.SETUP_RETRY
    assert local_entry.reason == "The CEMM does not answer"

    sim.faults.clear()
    await poll(hass, freezer)
    while local_entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
        await asyncio.sleep(0)

    assert local_entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("loaded_remote_entry")
async def test_a_refused_key_counts_at_once_and_asks_for_another(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.faults.append(Fault("status", value=403))
    await poll(hass, freezer, 120, step=60)

    assert value(hass, "p1", "t1") == STATE_UNAVAILABLE
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH


@pytest.mark.parametrize("which", ["local_entry", "remote_entry"])
async def test_a_key_refused_at_the_start_is_no_key(
    hass: HomeAssistant,
    sim: Simulator,
    which: str,
    request: pytest.FixtureRequest,
) -> None:
    sim.faults.append(Fault("status", api="remote", value=403))
    entry = await setup(hass, request.getfixturevalue(which))

    assert (entry.state is ConfigEntryState.SETUP_ERROR) == (which == "remote_entry")
    assert bool(hass.config_entries.flow.async_progress()) == (which == "remote_entry")


async def test_firmware_that_lists_no_meters_is_asked_for_each(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
) -> None:
    sim.house.io_list = False
    await setup(hass, local_entry)

    for alias in ("p1", "p1-gas", "s01", "pulse-2", "usage"):
        assert device(hass, alias), alias
    assert device(hass, "mb5") is None


async def test_meters_that_cannot_be_listed_are_added_by_their_alias(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    sim.house.io_list = False
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"extra_aliases": ["mb5", "mb6"]}
    )
    await setup(hass, local_entry)

    assert float(value(hass, "mb5", "energy_import") or 0) > 0
    assert device(hass, "mb6") is None

    # An alias that the user has named never vanishes by itself.
    sim.house.io_list = True
    sim.house.meters.pop("mb5")
    await poll(hass, freezer, 3600, step=300)
    assert value(hass, "mb5", "energy_import") == STATE_UNAVAILABLE


@pytest.mark.usefixtures("loaded_remote_entry")
async def test_remote_totals_that_fail_stay_as_they_were(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    before = value(hass, "s01", "energy_import")

    sim.faults.append(Fault("status", "/s01/totals/", value=408))
    await poll(hass, freezer, 600, step=60)
    assert value(hass, "s01", "energy_import") == before

    sim.faults.clear()
    await poll(hass, freezer, 600, step=60)
    assert float(value(hass, "s01", "energy_import") or 0) > float(before or "nan")


@pytest.mark.usefixtures("loaded_remote_entry")
async def test_totals_are_asked_for_every_five_minutes(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.requests.clear()

    await poll(hass, freezer, 600, step=60)

    paths = [request.path for request in sim.requests]
    assert sum(path.endswith("/p1/realtime/") for path in paths) >= 9
    assert sum(path.endswith("/p1/totals/") for path in paths) == 2


@pytest.mark.parametrize("crash", [False, True])
async def test_the_last_good_readings_survive_a_restart(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    crash: bool,
    request: pytest.FixtureRequest,
) -> None:
    hass_storage: dict[str, Any] = request.getfixturevalue("hass_storage")
    sim: Simulator = request.getfixturevalue("sim")
    await setup(hass, local_entry)
    await poll(hass, freezer, 1800, step=300)
    before = float(value(hass, "p1", "t1") or "nan")
    stored = dict(hass_storage)

    await hass.config_entries.async_unload(local_entry.entry_id)
    if crash:  # What was written before is all there is.
        hass_storage.clear()
        hass_storage.update(stored)
    sim.faults.append(Fault("zero", value=("p1", "t1")))
    await setup(hass, local_entry)

    assert float(value(hass, "p1", "t1") or 0) == pytest.approx(before, abs=1)


async def test_a_damaged_store_is_none(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    key = f"cemm.{local_entry.entry_id}.counters"
    hass_storage[key] = {
        "version": 1,
        "minor_version": 1,
        "key": key,
        "data": {"counters": {"p1": [], "s01": {"t1": {"value": "12"}}}},
    }
    await setup(hass, local_entry)

    assert float(value(hass, "p1", "t1") or 0) > 0
    assert sensor(hass, "s01", "t1")


@pytest.mark.usefixtures("loaded_entry")
async def test_a_meter_that_breaks_its_connection_off_harms_no_other(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.faults.append(Fault("drop", "/mb5/realtime/"))
    await poll(hass, freezer, 300)
    assert value(hass, "mb5", "electric_power") == STATE_UNAVAILABLE
    sim.faults.append(Fault("value", value=("p1", "electric_power", 4321)))
    await poll(hass, freezer, 60)
    assert value(hass, "p1", "electric_power") == "4321"


@pytest.mark.usefixtures("loaded_entry")
async def test_a_new_gas_meter_that_is_read_every_hour_is_accepted_within_20_minutes(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    gas = sim.house.meters["p1-gas"]
    gas.cadence = 3600
    await poll(hass, freezer, 5 * 3600, step=60)
    gas.start = gas.start._replace(t1=gas.start.t1 - 500_000)
    old = float(value(hass, "p1-gas", "gas") or 0)
    # At the next full hour the new meter shows.
    await poll(hass, freezer, 3600 + 20 * 60, step=60)
    assert float(value(hass, "p1-gas", "gas") or 0) == pytest.approx(old - 500, abs=5)
