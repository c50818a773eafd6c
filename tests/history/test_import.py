"""Imports into a real recorder, against the house that knows the truth."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from random import Random
from time import sleep
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.client import (
    CemmConnectionError,
    CemmError,
    History,
    Period,
)
from custom_components.cemm.history.manager import INTERVAL
from custom_components.cemm.history.periods import HOUR, midnight
from simulator import Fault, House, Simulator
from tests.conftest import setup

from .common import (
    all_counters,
    all_rows,
    assert_seamless,
    assert_true,
    finished,
    truth,
)

SINCE = date(2025, 10, 24)
NEWEST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())

# A digest: interrupted or not, the import of that house writes the same.
ROWS_OF_THAT_IMPORT = "cfe8b0ea037e102d"


@pytest.fixture
def house(request: pytest.FixtureRequest) -> House:
    return House(seed=1, since=getattr(request, "param", SINCE))


@pytest.fixture(params=["local", "remote"])
def entry(request: pytest.FixtureRequest) -> MockConfigEntry:
    """Return an entry of either API that does not import by itself."""
    found: MockConfigEntry = request.getfixturevalue(f"{request.param}_entry")
    return found


async def go_live(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    periods: int,
) -> None:
    """Let the recorder write some short-term rows, and hourly ones, by itself."""
    for _ in range(periods):
        now = dt_util.utcnow()
        start = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
        freezer.move_to(start + timedelta(minutes=4, seconds=58))
        await entry.runtime_data.coordinator.async_refresh()
        await async_wait_recording_done(hass)
        freezer.move_to(start + timedelta(minutes=5, seconds=10))
        do_adhoc_statistics(hass, start=start)
        await async_wait_recording_done(hass)
        await finished(entry)
    async_fire_time_changed(hass, dt_util.utcnow() + INTERVAL)
    await hass.async_block_till_done()
    await finished(entry)


async def test_the_past_is_there_after_adding_a_cemm(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    entry: MockConfigEntry,
) -> None:
    """Also where the clock is not on full hours of UTC."""
    for alias in ("s01", "mb5"):
        del house.meters[alias]
    await hass.config.async_set_time_zone("Asia/Kolkata")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={"import_history": True})
    await setup(hass, entry)
    await finished(entry)
    assert entry.runtime_data.history.progress == 100
    imported = await all_rows(hass, entry)
    assert {"p1_t1", "p1_energy_import", "p1-gas_gas"} <= imported.keys()
    for found in imported.values():
        assert (found[0].start, found[-1].end) == (midnight(SINCE), NEWEST)

    # The recorder's own rows join, and what lies between is filled in.
    await go_live(hass, entry, freezer, 32)
    rows = await all_rows(hass, entry)
    for name, counter in all_counters(hass, entry).items():
        assert rows[name][-1].end == NEWEST + 5 * HOUR
        assert_seamless(rows[name])
        past = [row for row in rows[name] if row.end <= NEWEST]
        assert past[-1].state == pytest.approx(truth(house, counter, NEWEST), abs=0.01)
        assert_true(house, counter, past)


async def test_a_range_is_imported_and_nothing_else(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    entry: MockConfigEntry,
) -> None:
    """Its two days include the one that has 25 hours."""
    await setup(hass, entry)
    history = entry.runtime_data.history
    progress: list[float] = []
    range_ = date(2025, 10, 25), date(2025, 10, 26)
    hours = await history.async_import(*range_, progress.append)
    rows = await all_rows(hass, entry)
    counters = all_counters(hass, entry)
    assert hours == {counter.alias: 49 for counter in counters.values()}
    for name, counter in counters.items():
        assert rows[name][0].start == midnight(date(2025, 10, 25))
        assert len(rows[name]) == 49
        sums = [row.sum - rows[name][0].sum for row in rows[name][1:]]
        used = [truth(house, counter, row.end) for row in rows[name]]
        assert sums == pytest.approx(
            [u - used[0] for u in used[1:]], rel=0.01, abs=0.01
        )
    assert progress == sorted(progress)
    assert progress[-1] == 1

    # A second run has nothing to write; days before the house was built neither.
    assert set((await history.async_import(*range_)).values()) == {0}
    early = await history.async_import(date(2025, 1, 1), date(2025, 1, 5))
    assert set(early.values()) == {0}
    assert await all_rows(hass, entry) == rows


@pytest.mark.parametrize("interruptions", [0, 20])
@pytest.mark.parametrize("house", [date(2025, 10, 12)], indirect=True)
async def test_an_import_goes_on_after_interruptions(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    house: House,
    sim: Simulator,
    local_entry: MockConfigEntry,
    interruptions: int,
) -> None:
    """It ends with the very rows that an uninterrupted one has."""
    for alias in ("p1", "s01", "mb5"):
        del house.meters[alias]
    local_entry.add_to_hass(hass)
    rng = Random(7)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": True}
    )
    for _ in range(interruptions):
        await setup(hass, local_entry)
        seen, wanted = len(sim.requests), rng.randrange(25)
        while len(sim.requests) < seen + wanted and any(
            "history" in task.get_name() for task in local_entry._background_tasks
        ):
            # The loop's own clock is frozen.
            await hass.async_add_executor_job(sleep, 0.001)
        await hass.config_entries.async_unload(local_entry.entry_id)
    await setup(hass, local_entry)
    await finished(local_entry)
    rows = await all_rows(hass, local_entry)
    hours = (NEWEST - midnight(house.since)) // HOUR
    assert {name: len(found) for name, found in rows.items()} == {
        "p1-gas_gas": hours,
        "pulse-2_volume": hours,
    }
    for name, counter in all_counters(hass, local_entry).items():
        assert_seamless(rows[name])
        for a, b in pairwise(rows[name]):
            used = truth(house, counter, b.end) - truth(house, counter, a.end)
            assert b.sum - a.sum == pytest.approx(used, rel=0.01, abs=0.002)
    assert sha256(repr(rows).encode()).hexdigest()[:16] == ROWS_OF_THAT_IMPORT


async def test_what_the_user_asked_for_is_finished_after_a_restart(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    sim.faults.append(Fault("latency", path="/data/day", value=0.05))
    task = hass.async_create_task(
        local_entry.runtime_data.history.async_import(date(2025, 11, 3))
    )
    while not any("/data/day" in request.path for request in sim.requests):
        await hass.async_add_executor_job(sleep, 0.001)
    sim.faults.clear()
    await hass.config_entries.async_reload(local_entry.entry_id)
    assert task.cancelled() or task.done()
    await finished(local_entry)
    rows = await all_rows(hass, local_entry)
    assert {found[0].start for found in rows.values()} == {midnight(date(2025, 11, 3))}


async def test_a_month_without_use_costs_no_requests(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    for alias in ("p1", "p1-gas", "s01", "mb5"):
        del house.meters[alias]
    house.since = date(2025, 8, 25)
    sim.faults.append(
        Fault(
            "body",
            path="/data/year",
            times=1,
            value={
                "data": {
                    "volume": [
                        [midnight(date(2025, month, 1)) * 1000, amount]
                        for month, amount in ((11, 1), (10, 0), (9, 0), (8, 1))
                    ]
                }
            },
        )
    )
    await setup(hass, local_entry)
    await local_entry.runtime_data.history.async_import()
    rows = (await all_rows(hass, local_entry))["pulse-2_volume"]
    assert rows[0].start == midnight(date(2025, 8, 25))
    assert_seamless(rows)
    asked = {int(r.query["time"]) for r in sim.requests if "/data/day" in r.path}
    assert all(
        not midnight(date(2025, 9, 1)) <= time < midnight(date(2025, 11, 1))
        for time in asked
    )


async def test_a_meter_without_history_does_not_stop_the_others(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    sim.faults.append(Fault("status", path="/s01/data/", value=404))
    sim.faults.append(Fault("status", path="/mb5/data/", value=500))
    with pytest.raises(CemmError):
        await local_entry.runtime_data.history.async_import(date(2025, 11, 1))
    rows = await all_rows(hass, local_entry)
    assert {name for name, found in rows.items() if found} == {
        name for name in rows if not name.startswith(("s01", "mb5"))
    }


async def test_disabled_sensors_get_no_history(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    counter = all_counters(hass, local_entry)["p1_t1"]
    er.async_get(hass).async_update_entity(
        counter.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert "p1_t1" not in all_counters(hass, local_entry)
    assert "p1_gas" not in all_counters(hass, local_entry)


async def test_rows_are_written_in_the_unit_that_the_user_chose(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    counter = all_counters(hass, local_entry)["p1_energy_import"]
    er.async_get(hass).async_update_entity_options(
        counter.entity_id, "sensor", {"unit_of_measurement": "MWh"}
    )
    await hass.async_block_till_done()
    await local_entry.runtime_data.history.async_import(date(2025, 11, 4))
    rows = (await all_rows(hass, local_entry))["p1_energy_import"]
    state = hass.states.get(counter.entity_id)
    assert state
    assert state.attributes["unit_of_measurement"] == "MWh"
    metadata = await hass.async_add_executor_job(
        lambda: get_metadata(hass, statistic_ids={counter.entity_id})
    )
    assert metadata[counter.entity_id][1]["unit_of_measurement"] == "MWh"
    assert rows[-1].state == pytest.approx(truth(house, counter, NEWEST), abs=0.01)


async def test_an_outage_in_the_middle_loses_nothing_that_was_asked_for(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    for alias in ("p1-gas", "s01", "mb5", "pulse-2"):
        del house.meters[alias]
    await setup(hass, local_entry)
    october = str(midnight(date(2025, 10, 1)))
    real = local_entry.runtime_data.coordinator.client.history

    async def history(alias: str, period: Period, start: int) -> History:
        if period is Period.MONTH and str(start) == october:
            raise CemmConnectionError("gone")
        return await real(alias, period, start)

    with (
        patch.object(local_entry.runtime_data.coordinator.client, "history", history),
        pytest.raises(CemmConnectionError),
    ):
        await local_entry.runtime_data.history.async_import()
    rows = await all_rows(hass, local_entry)
    assert {found[0].end for found in rows.values()} == {midnight(date(2025, 11, 1))}

    await local_entry.runtime_data.history.async_import()
    for name, counter in all_counters(hass, local_entry).items():
        found = (await all_rows(hass, local_entry))[name]
        assert found[0].start == midnight(SINCE)
        assert_seamless(found)
        assert found[-1].state == pytest.approx(truth(house, counter, NEWEST), abs=0.01)


async def test_registers_end_where_no_tariff_explains_the_amounts(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """The totals go on: they need no tariff."""
    for alias in ("p1-gas", "s01", "mb5", "pulse-2"):
        del house.meters[alias]
    await setup(hass, local_entry)
    client = local_entry.runtime_data.coordinator.client
    real = client.history
    odd = midnight(date(2025, 11, 3))

    async def history(alias: str, period: Period, start: int) -> History:
        answer = await real(alias, period, start)
        if period is not Period.MONTH:
            return answer
        move = {"electric_energy_low": 1.7, "electric_energy_high": -1.7}
        return History(
            {
                name: tuple(
                    replace(sample, value=sample.value + move[name])
                    if sample.start == odd and sample.value
                    else sample
                    for sample in samples
                )
                for name, samples in answer.channels.items()
            }
        )

    with patch.object(client, "history", history):
        await local_entry.runtime_data.history.async_import()
    rows = await all_rows(hass, local_entry)
    assert rows["p1_energy_import"][0].start == midnight(SINCE)
    for name in ("p1_t1", "p1_t2", "p1_t3", "p1_t4"):
        assert rows[name][0].start == midnight(date(2025, 11, 4))
