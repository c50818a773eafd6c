"""What lies in the database decides what is done, not the memory of what was written."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from homeassistant.components.recorder import statistics as ha_statistics
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.tasks import PurgeTask
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_purge_done,
)

from custom_components.cemm.client import History, LocalCemm, Reading
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.diagnostics import async_get_config_entry_diagnostics
from custom_components.cemm.history import healing
from custom_components.cemm.history.apply import async_apply
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.reconciler import Reconciler
from custom_components.cemm.history.recorder import MINUTES, async_rows, async_stored
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import Difference, Move
from simulator import House
from tests.helpers.history import (
    NEWEST,
    assert_seamless,
    keep,
    live_rows,
    small_house,
    truth,
    write as write_rows,
)
from tests.helpers.past import BOTH_APIS, Past
from tests.helpers.rows import assert_whole, delete_rows, lose_database, write_minutes

SINCE = date(2025, 10, 30)


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1", "p1-gas", "pulse-2", prompt=True)


@BOTH_APIS
async def test_a_database_that_is_lost(past: Past) -> None:
    past.wish()
    await past.settle()
    await past.go_live(14)
    await lose_database(past)
    await past.go_live(48)
    await assert_whole(past)


@pytest.mark.rest
@BOTH_APIS
async def test_a_database_from_two_days_ago(past: Past) -> None:
    past.wish()
    await past.settle()
    await past.go_live(14)
    await delete_rows(past, Statistics.start_ts >= NEWEST - 48 * HOUR, hours=Statistics)
    await delete_rows(past, minutes=StatisticsShortTerm)
    await past.go_live(48)
    await assert_whole(past)


@pytest.mark.rest
async def test_a_database_from_before_the_import(past: Past) -> None:
    """It has rows of other sensors, and none of these."""
    past.wish()
    await past.settle()
    await past.go_live(14)
    await lose_database(past)
    gas = past.counters()["p1-gas_gas"]
    other = replace(gas, entity_id=f"{gas.entity_id}_cost")
    with patch("custom_components.cemm.history.apply.er"):
        await write_rows(past.hass, other, [Row(NEWEST - 500 * HOUR, 1, 1)])
    await past.go_live(48)
    await assert_whole(past)


@pytest.mark.rest
async def test_hours_lost_in_the_middle(past: Past) -> None:
    past.wish()
    await past.settle()
    await past.go_live(14)

    is_lost = Statistics.start_ts.between(NEWEST - 60 * HOUR, NEWEST - 50 * HOUR)
    await delete_rows(past, is_lost, hours=Statistics)
    await past.next_hour()
    await assert_whole(past)


@pytest.mark.rest
async def test_what_the_user_deleted_stays_so(past: Past) -> None:
    past.wish()
    await past.settle()
    await past.go_live(14)
    gas = past.counters()["p1-gas_gas"]
    get_instance(past.hass).async_clear_statistics([gas.entity_id])
    await async_stored(past.hass)
    await past.go_live(48)
    rows = await past.rows()
    assert rows["p1-gas_gas"][0].start > NEWEST
    assert rows["p1_t1"][0].start == midnight(SINCE)
    await past.history.async_import()
    await past.next_hour()
    await assert_whole(past)


@pytest.mark.parametrize("imports", [True, pytest.param(False, marks=pytest.mark.rest)])
async def test_a_sum_that_begins_again_after_a_purge(
    past: Past, *, imports: bool
) -> None:
    """The recorder forgets what it goes on from with `keep_days: 0`."""
    if imports:
        past.wish()
    await past.settle()
    await past.go_live(40)
    get_instance(past.hass).queue_task(
        PurgeTask(dt_util.utcnow(), repack=False, apply_filter=False)
    )
    await async_wait_purge_done(past.hass)
    await past.go_live(48)
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert_seamless(rows[name])
        minutes = await async_rows(past.hass, counter, 0, table=MINUTES)
        for old, new in pairwise(minutes):
            assert new.sum - old.sum == pytest.approx(new.state - old.state, abs=1e-4)
        hour = next(
            row for row in rows[name] if row.end == minutes[-1].start // HOUR * HOUR
        )
        offset = minutes[-1].sum - minutes[-1].state
        assert hour.sum - hour.state == pytest.approx(offset, abs=1e-4)
    before = await past.rows()
    await past.next_hour()
    assert await past.rows() == before


@pytest.mark.rest
async def test_a_cemm_whose_clock_begins_in_2000(past: Past) -> None:
    real = LocalCemm.realtime
    off = 25 * 365 * 24 * HOUR * 1000

    async def realtime(self: LocalCemm, alias: str) -> Reading:
        reading = await real(self, alias)
        return replace(
            reading,
            channels={
                name: replace(each, time=each.time - off)
                for name, each in reading.channels.items()
            },
        )

    past.wish()
    with patch.object(LocalCemm, "realtime", realtime):
        await past.settle()
        await past.go_live(2)
        issue = ir.async_get(past.hass).async_get_issue(
            DOMAIN, f"clock_wrong_{past.entry.entry_id}"
        )
        assert issue and not issue.is_fixable
    await past.go_live(48)
    issues = {issue for _, issue in ir.async_get(past.hass).issues}
    assert f"clock_wrong_{past.entry.entry_id}" not in issues
    await assert_whole(past)


@pytest.mark.rest
async def test_a_past_that_is_asked_for_while_the_clock_is_wrong(past: Past) -> None:
    """Of today's year there is nothing then, which is no answer: rows are there already."""
    await past.settle()
    await past.go_live(26)
    long_ago = patch.object(Reconciler, "_is_clock_wrong", True)
    nothing = patch.object(LocalCemm, "history", return_value=History({}))
    with long_ago, nothing:
        past.wish()
        assert sum((await past.history.async_import()).values()) == 0
        # The user is told why it was nothing.
        told = f"clock_wrong_{past.entry.entry_id}"
        assert ir.async_get(past.hass).async_get_issue(DOMAIN, told)
        await past.go_live(2)
    await past.go_live(40)
    await assert_whole(past)


@pytest.mark.rest
@pytest.mark.parametrize("gap", [96, pytest.param(0, marks=pytest.mark.rest)])
@pytest.mark.parametrize(
    "base",
    [
        pytest.param(-2000.0, id="less", marks=pytest.mark.rest),
        pytest.param(2000.0, id="more", marks=pytest.mark.rest),
        pytest.param(None, id="from 0"),
    ],
)
async def test_rows_of_another_counter_before_ours(
    past: Past, gap: int, base: float | None
) -> None:
    """A sensor got the entity id of one that is gone."""
    await past.settle()
    past.wish()
    last = NEWEST + 2 * HOUR - gap * HOUR
    before: dict[str, list[Row]] = {}
    for name, counter in past.counters().items():
        rows = live_rows(past.house, counter, NEWEST - 130 * HOUR, last)
        off = -rows[0].state if base is None else base
        rows = [replace(row, state=max(row.state + off, 0.0)) for row in rows]
        await write_rows(past.hass, counter, rows)
        await write_minutes(past, counter, rows[-1])
        before[name] = rows
    await past.go_live(60)
    rows_now = await past.rows()
    for name, counter in past.counters().items():
        rows = rows_now[name]
        assert rows[0].start == midnight(SINCE)
        assert [row.start for row in rows] == [
            *range(rows[0].start, rows[-1].end, HOUR)
        ]
        theirs = {row.start: row for row in before[name]}
        for old, new in pairwise(rows):
            used = truth(past.house, counter, new.end) - truth(
                past.house, counter, old.end
            )
            assert new.sum - old.sum == pytest.approx(used, rel=0.02, abs=0.03), (
                name,
                new,
            )
            if new.start in theirs:
                assert new.state == pytest.approx(theirs[new.start].state)
    await past.next_hour()
    assert await past.rows() == rows_now


@pytest.mark.rest
@pytest.mark.parametrize(
    "lost", [2, *(pytest.param(n, marks=pytest.mark.rest) for n in (1, 3))]
)
async def test_a_move_that_the_recorder_drops(past: Past, lost: int) -> None:
    """A database that is locked for a moment."""
    real, asked = ha_statistics.adjust_statistics, 0

    def adjust(*args: Any) -> bool:
        nonlocal asked
        asked += 1
        return True if asked == lost else real(*args)

    past.wish()
    with patch.object(ha_statistics, "adjust_statistics", adjust):
        await past.settle()
        await past.go_live(48)
        counter = past.counters()["p1_t1"]
        asked = lost - 1
        start = NEWEST - 20 * HOUR
        await async_apply(past.hass, counter, Difference([Move(start, 99.0)]))
        await async_apply(past.hass, counter, Difference([Move(start, -99.0)]))
    await assert_whole(past)


@pytest.mark.rest
async def test_rows_later_than_now(past: Past) -> None:
    """Home Assistant's clock was ahead for a while."""
    await past.settle()
    for counter in past.counters().values():
        state = truth(past.house, counter, NEWEST)
        row = Row(NEWEST + 40 * 24 * HOUR, state, 0.0)
        await write_rows(past.hass, counter, [row])
        await write_minutes(past, counter, row)
    past.wish()
    await past.go_live(48)
    later = {name: rows.pop() for name, rows in (await past.rows()).items()}
    assert {row.start for row in later.values()} == {NEWEST + 40 * 24 * HOUR}
    await delete_rows(
        past, Statistics.start_ts > NEWEST + 20 * 24 * HOUR, hours=Statistics
    )
    await assert_whole(past)


class TestGas:
    """A meter that is read once an hour."""

    @pytest.fixture
    def house(self) -> House:
        found = House(seed=1, since=SINCE, dsmr=4)
        keep(found, "p1", "p1-gas")
        return found

    @BOTH_APIS
    async def test_gas_is_in_its_hour(self, past: Past) -> None:
        past.wish()
        await past.settle()
        await past.go_live(12 * 10)
        gas = past.counters()["p1-gas_gas"]
        minutes = await async_rows(past.hass, gas, 0, table=MINUTES)
        rows = (await past.rows())["p1-gas_gas"]
        assert_seamless(rows)
        for old, new in list(pairwise(rows))[:-4]:
            used = truth(past.house, gas, new.end) - truth(past.house, gas, old.end)
            assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.002), new
        assert rows[-1].sum - rows[-1].state == pytest.approx(
            minutes[-1].sum - minutes[-1].state, abs=1e-4
        )

    @pytest.mark.rest
    @pytest.mark.parametrize("minute", [55, 30], ids=str)
    async def test_whenever_it_is_asked_for(self, past: Past, minute: int) -> None:
        """What it reads is that of the full hour before, and its stamp another."""
        past.house.meters["p1-gas"].phase = minute * 60
        past.wish()
        await past.settle()
        await past.go_live(12 * 10)
        gas = past.counters()["p1-gas_gas"]
        rows = (await past.rows())["p1-gas_gas"]
        assert_used(past.house, gas, rows[:-4])

    @pytest.mark.rest
    @pytest.mark.parametrize(
        "minute", [5, pytest.param(0, marks=pytest.mark.rest)], ids=str
    )
    async def test_water_that_is_read_once_an_hour(
        self, past: Past, minute: int
    ) -> None:
        """It is so little that any hour looks like any other."""
        keep(past.house, "p1-gas")
        past.house.meters["pulse-2"] = meter = House(seed=1).meters["pulse-2"]
        meter.cadence, meter.phase = 3600, minute * 60
        past.wish()
        await past.settle()
        await past.go_live(12 * 10)
        water = past.counters()["pulse-2_volume"]
        rows = (await past.rows())["pulse-2_volume"]
        assert_used(past.house, water, rows[:-4], 0.003)

    @pytest.mark.rest
    async def test_without_an_import(self, past: Past) -> None:
        """Before the first row the sum began at 0."""
        await past.settle()
        await past.go_live(12 * 8)
        gas = past.counters()["p1-gas_gas"]
        rows = (await past.rows())["p1-gas_gas"]
        assert len(rows) > 6
        assert_used(past.house, gas, rows[:-4])

    @pytest.mark.rest
    async def test_after_hours_that_were_not_settled(self, past: Past) -> None:
        """And by a clock that was ahead it was settled until some day to come."""
        past.wish()
        await past.settle()
        gas = past.counters()["p1-gas_gas"]
        with patch.object(healing, "is_read_hourly", return_value=False):
            await past.go_live(12 * 3)
        settled = past.history._ledger.settled
        settled[gas.entity_id] = NEWEST + 4 * HOUR
        await past.go_live(12 * 7)
        rows = (await past.rows())["p1-gas_gas"]
        since = NEWEST + 5 * HOUR
        assert_used(past.house, gas, [row for row in rows[:-4] if row.start >= since])
        settled[gas.entity_id] = NEWEST + 40 * 24 * HOUR
        # Such a time is none: what was measured in the last hours tells.
        with patch.object(healing, "DAY", 5 * HOUR):
            await past.go_live(12)
        assert settled[gas.entity_id] < NEWEST + 24 * HOUR


def assert_used(
    house: House, counter: Counter, rows: list[Row], within: float = 0.002
) -> None:
    """See that each of these hours has its own use."""
    for old, new in pairwise(rows):
        used = truth(house, counter, new.end) - truth(house, counter, old.end)
        assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=within), new


async def test_what_was_mended_is_told(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    past.wish()
    await past.settle()
    is_lost = Statistics.start_ts.between(NEWEST - 60 * HOUR, NEWEST - 50 * HOUR)
    await delete_rows(past, is_lost, hours=Statistics)
    await past.next_hour()
    told = await async_get_config_entry_diagnostics(past.hass, past.entry)
    names = {counter.entity_id for counter in past.counters().values()}
    assert len(told["mended"]) == len(names)
    for line in told["mended"]:
        assert "hours were missing: 11 hours written" in line
        assert line in caplog.text
    assert {line.partition(":")[0] for line in told["mended"]} == names
