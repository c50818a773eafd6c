"""Imports into a real recorder, against the house that knows the truth."""

from datetime import date
from unittest.mock import patch

from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.cemm.client import CemmError, History, Period
from custom_components.cemm.days import HOUR, midnight
from simulator import Fault, House
from tests.helpers.history import (
    NEWEST,
    SINCE,
    assert_adds_up,
    assert_seamless,
    assert_true,
    keep,
    truth,
)
from tests.helpers.past import BOTH_APIS, Past


@pytest.fixture
def house() -> House:
    return House(seed=1, since=SINCE)


@BOTH_APIS
async def test_the_past_is_there_after_adding_a_cemm(past: Past) -> None:
    """Also where the clock is not on full hours of UTC."""
    keep(past.house, "p1", "p1-gas")
    await past.hass.config.async_set_time_zone("Asia/Kolkata")
    past.wish()
    await past.settle()
    assert past.history.progress == 100
    imported = await past.rows()
    assert {"p1_t1", "p1_energy_import", "p1-gas_gas"} <= imported.keys()
    for found in imported.values():
        assert (found[0].start, found[-1].end) == (midnight(SINCE), NEWEST)

    # The recorder's own rows join, and what lies between is filled in.
    await past.go_live(20)
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert rows[name][-1].end == NEWEST + 4 * HOUR
        assert_seamless(rows[name])
        old = [row for row in rows[name] if row.end <= NEWEST]
        assert old[-1].state == pytest.approx(
            truth(past.house, counter, NEWEST), abs=0.01
        )
        assert_true(past.house, counter, old)


@BOTH_APIS
async def test_a_range_is_imported_where_there_is_nothing_yet(past: Past) -> None:
    """Its two days include the one that has 25 hours."""
    keep(past.house, "p1", "p1-gas")
    await past.setup()
    history = past.history
    progress: list[float] = []
    range_ = date(2025, 10, 25), date(2025, 10, 26)
    hours = await history.async_import(*range_, progress.append)
    rows = await past.rows()
    counters = past.counters()
    assert hours == {counter.alias: 49 for counter in counters.values()}
    for name, counter in counters.items():
        assert rows[name][0].start == midnight(date(2025, 10, 25))
        assert len(rows[name]) == 49
        sums = [row.sum - rows[name][0].sum for row in rows[name][1:]]
        used = [truth(past.house, counter, row.end) for row in rows[name]]
        assert sums == pytest.approx(
            [u - used[0] for u in used[1:]], rel=0.01, abs=0.01
        )
    assert progress == sorted(progress)
    assert progress[-1] == 1

    # A second run has nothing to write; days before the house was built neither.
    assert set((await history.async_import(*range_)).values()) == {0}
    early = await history.async_import(date(2025, 1, 1), date(2025, 1, 5))
    assert set(early.values()) == {0}
    assert await past.rows() == rows


@pytest.mark.parametrize(
    "days",
    [(date(2025, 11, 4), date.max), (date.min, date(2025, 11, 4))],
    ids=["to the end of time", "from its beginning"],
)
async def test_any_days_can_be_asked_for(past: Past, days: tuple[date, date]) -> None:
    keep(past.house, "pulse-2")
    await past.setup()
    written = await past.history.async_import(*days)
    (rows,) = (await past.rows()).values()
    assert written == {"pulse-2": len(rows)}
    assert rows[0].start == midnight(max(days[0], SINCE))


async def test_a_month_without_use_costs_no_requests(past: Past) -> None:
    keep(past.house, "pulse-2")
    past.house.since = date(2025, 9, 27)
    past.sim.faults.append(
        Fault(
            "body",
            path="/data/year",
            times=1,
            value={
                "data": {
                    "volume": [
                        [midnight(date(2025, month, 1)) * 1000, amount]
                        for month, amount in ((11, 1), (10, 0), (9, 1))
                    ]
                }
            },
        )
    )
    await past.setup()
    await past.history.async_import()
    rows = (await past.rows())["pulse-2_volume"]
    assert rows[0].start == midnight(past.house.since)
    assert_seamless(rows)
    asked = {int(r.query["time"]) for r in past.sim.requests if "/data/day" in r.path}
    assert all(
        not midnight(date(2025, 10, 1)) <= time < midnight(date(2025, 11, 1))
        for time in asked
    )


async def test_a_meter_without_history_does_not_stop_the_others(past: Past) -> None:
    keep(past.house, "p1-gas", "s01", "mb5", "pulse-2")
    await past.setup()
    past.sim.faults.append(Fault("status", path="/s01/data/", value=404))
    past.sim.faults.append(Fault("status", path="/mb5/data/", value=500))
    with pytest.raises(CemmError):
        await past.history.async_import(date(2025, 11, 1))
    rows = await past.rows()
    assert {name for name, found in rows.items() if found} == {
        name for name in rows if not name.startswith(("s01", "mb5"))
    }


async def test_disabled_sensors_get_no_history(past: Past) -> None:
    await past.setup()
    counter = past.counters()["p1_t1"]
    er.async_get(past.hass).async_update_entity(
        counter.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert "p1_t1" not in past.counters()
    assert "p1_gas" not in past.counters()


async def test_rows_are_written_in_the_unit_that_the_user_chose(past: Past) -> None:
    keep(past.house, "p1")
    await past.setup()
    counter = past.counters()["p1_energy_import"]
    er.async_get(past.hass).async_update_entity_options(
        counter.entity_id, "sensor", {"unit_of_measurement": "MWh"}
    )
    await past.hass.async_block_till_done()
    await past.history.async_import(date(2025, 11, 4))
    rows = (await past.rows())["p1_energy_import"]
    state = past.hass.states.get(counter.entity_id)
    assert state
    assert state.attributes["unit_of_measurement"] == "MWh"
    metadata = await past.hass.async_add_executor_job(
        lambda: get_metadata(past.hass, statistic_ids={counter.entity_id})
    )
    assert metadata[counter.entity_id][1]["unit_of_measurement"] == "MWh"
    assert rows[-1].state == pytest.approx(truth(past.house, counter, NEWEST), abs=0.01)


async def test_registers_go_on_where_no_tariff_explains_the_amounts(past: Past) -> None:
    """Together they are the totals all the same."""
    keep(past.house, "p1")
    await past.setup()
    client = past.client
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
                    sample._replace(value=sample.value + move[name])
                    if sample.start == odd and sample.value
                    else sample
                    for sample in samples
                )
                for name, samples in answer.channels.items()
            }
        )

    with patch.object(client, "history", history):
        await past.history.async_import()
    rows = await past.rows()
    assert_adds_up({name.removeprefix("p1_"): found for name, found in rows.items()})
    for name in ("t1", "t2", "t3", "t4", "energy_import"):
        assert rows[f"p1_{name}"][0].start == midnight(SINCE)


async def test_the_sources_of_the_dashboard_come_before_devices(past: Past) -> None:
    """A device may be asked for its past while that of a source is written, not before."""
    keep(past.house, "mb5", "p1-gas", "pulse-2")
    await past.setup()
    await past.history.async_import(date(2025, 10, 28))
    asked = [r.path.split("/")[3] for r in past.sim.requests if "/data/day" in r.path]
    assert asked == sorted(asked, key="mb5".__eq__)
    # Of two sources, the newest month comes first.
    assert asked[:10] == ["p1-gas"] * 5 + ["pulse-2"] * 5
