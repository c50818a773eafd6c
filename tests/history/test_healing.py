"""Holes in the statistics of a real recorder."""

from datetime import UTC, date, datetime, timedelta
from threading import get_ident
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import HOUR
from custom_components.cemm.history import apply, healing, recorder
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import Want, want_hole
from simulator import Fault, House, Simulator
from tests.conftest import setup
from tests.helpers.history import (
    all_counters,
    all_rows,
    assert_true,
    finished,
    keep,
    live_rows,
    next_hour,
    write as write_rows,
)

COUNTERS = ("p1_t2", "p1_energy_import", "p1-gas_gas", "pulse-2_volume")
FIRST = int(datetime(2025, 10, 18, tzinfo=UTC).timestamp())
LAST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def house() -> House:
    return House(seed=1, since=date(2025, 9, 1))


async def write(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    house: House,
    *spans: tuple[int, int],
    restart: bool = False,
) -> dict[str, list[Row]]:
    """Write live rows of some hours; with ``restart`` the sum begins anew each time."""
    for name, counter in all_counters(hass, entry).items():
        if name not in COUNTERS:
            continue
        rows = live_rows(house, counter, FIRST, spans[-1][-1])
        for first, last in spans:
            if restart:
                rows = live_rows(house, counter, first, last)
            await write_rows(
                hass, counter, [row for row in rows if first <= row.start < last]
            )
    return await all_rows(hass, entry)


OUTAGES = {
    "an hour": (datetime(2025, 11, 3, 9, tzinfo=UTC), timedelta(hours=1)),
    "three days": (datetime(2025, 11, 1, 17, tzinfo=UTC), timedelta(days=3)),
    "the end of summer time": (
        datetime(2025, 10, 25, 20, tzinfo=UTC),
        timedelta(hours=9),
    ),
    "half a month": (datetime(2025, 10, 20, tzinfo=UTC), timedelta(days=15)),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_hours_lost_are_there_afterwards(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    house: House,
    remote_entry: MockConfigEntry,
    outage: tuple[datetime, timedelta],
) -> None:
    """Through the remote API; `test_outages` has the local one, and real outages."""
    await setup(hass, remote_entry)
    start = int(outage[0].timestamp())
    end = start + int(outage[1].total_seconds())
    before = await write(hass, remote_entry, house, (FIRST, start), (end, LAST))
    assert any(before.values())
    await next_hour(hass, remote_entry, freezer)
    after = await all_rows(hass, remote_entry)
    for name, counter in all_counters(hass, remote_entry).items():
        assert set(before[name]) <= set(after[name])
        if after[name]:
            assert_true(house, counter, after[name])
            assert len(after[name]) == (LAST - FIRST) / HOUR

    # There is nothing left to do, or to ask for.
    await next_hour(hass, remote_entry, freezer)
    assert await all_rows(hass, remote_entry) == after


async def test_a_restarted_sum_goes_on(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    start, end = LAST - 380 * HOUR, LAST - 40 * HOUR
    before = await write(
        hass, local_entry, house, (FIRST, start), (end, LAST), restart=True
    )
    await next_hour(hass, local_entry, freezer)
    after = await all_rows(hass, local_entry)
    for name in COUNTERS:
        counter = all_counters(hass, local_entry)[name]
        assert_true(house, counter, after[name])
        past = [row for row in before[name] if row.start < start]
        assert after[name][: len(past)] == past


async def test_hours_that_the_recorder_may_still_write_wait(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    now = int(dt_util.utcnow().timestamp()) // HOUR * HOUR
    before = await write(
        hass, local_entry, house, (FIRST, now - 5 * HOUR), (now, now + HOUR)
    )
    await next_hour(hass, local_entry, freezer)
    assert await all_rows(hass, local_entry) == before
    freezer.tick(2 * HOUR)
    await next_hour(hass, local_entry, freezer)
    after = await all_rows(hass, local_entry)
    assert len(after["p1_t2"]) == len(before["p1_t2"]) + 5


async def test_what_fails_is_tried_again_and_reported_once(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    before = await write(
        hass, local_entry, house, (FIRST, LAST - 50 * HOUR), (LAST - 40 * HOUR, LAST)
    )
    fault = Fault("status", path="/data/", value=500)
    sim.faults.append(fault)
    for _ in range(2):
        await next_hour(hass, local_entry, freezer)
        assert await all_rows(hass, local_entry) == before
    said = [r for r in caplog.records if "tried again later" in r.message]
    assert [r.levelname for r in said if r.levelname != "DEBUG"] == ["WARNING"]
    sim.faults.remove(fault)
    await next_hour(hass, local_entry, freezer)
    assert "history is available again" in caplog.text
    after = await all_rows(hass, local_entry)
    assert all(len(after[name]) == (LAST - FIRST) / HOUR for name in COUNTERS)


async def test_a_meter_without_an_answer_does_not_stop_the_others(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """Its own holes are filled as soon as it answers, as they are still looked for."""
    keep(house, "p1-gas", "pulse-2")
    await setup(hass, local_entry)
    await finished(local_entry)
    # The newest hole, which comes first, is of the meter that fails; and the oldest.
    lost = {
        "p1-gas_gas": [*range(5, 8), *range(30, 47)],
        "pulse-2_volume": range(20, 22),
    }
    for name, counter in all_counters(hass, local_entry).items():
        rows = live_rows(house, counter, LAST - 60 * HOUR, LAST)
        kept = [row for n, row in enumerate(reversed(rows)) if n not in lost[name]]
        await write_rows(hass, counter, kept)
    fault = Fault("status", path="/p1-gas/data/day", value=500)
    sim.faults.append(fault)
    await next_hour(hass, local_entry, freezer)
    found = await all_rows(hass, local_entry)
    assert {name: len(rows) for name, rows in found.items()} == {
        "p1-gas_gas": 40,
        "pulse-2_volume": 60,
    }
    assert len([r for r in sim.requests if "/p1-gas/data/day" in r.path]) == 1
    with pytest.raises(CemmError):
        await local_entry.runtime_data.history.async_import(date(2025, 11, 4))
    sim.faults.remove(fault)
    await next_hour(hass, local_entry, freezer)
    found = await all_rows(hass, local_entry)
    assert all(len(rows) == 60 for rows in found.values())


async def test_a_long_hole_is_filled_in_parts(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """The recorder has live rows to write meanwhile, and the event loop other work."""
    keep(house, "pulse-2")
    await setup(hass, local_entry)
    await finished(local_entry)
    counter = all_counters(hass, local_entry)["pulse-2_volume"]
    first, last = live_rows(house, counter, FIRST, LAST)[:: (LAST - FIRST) // HOUR - 1]
    await write_rows(hass, counter, [first, last])
    threads = []

    def noting_threads(*args: Any) -> list[Want]:
        threads.append(get_ident())
        return want_hole(*args)

    with (
        patch.object(apply, "_AT_ONCE", 100),
        patch.object(healing, "want_hole", noting_threads),
        patch.object(
            apply, "async_import_statistics", wraps=apply.async_import_statistics
        ) as written,
    ):
        await next_hour(hass, local_entry, freezer)
    hours = (LAST - FIRST) // HOUR
    assert [len(call.args[2]) for call in written.call_args_list] == [
        *[100] * ((hours - 2) // 100),
        (hours - 2) % 100,
    ]
    assert threads
    assert get_ident() not in threads
    (rows,) = (await all_rows(hass, local_entry)).values()
    assert len(rows) == hours
    assert_true(house, counter, rows)


async def test_one_look_at_the_recorder_is_enough_for_all_new_rows(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    await write(hass, local_entry, house, (FIRST, LAST))
    await next_hour(hass, local_entry, freezer)
    with patch.object(
        recorder, "statistics_during_period", wraps=recorder.statistics_during_period
    ) as asked:
        await next_hour(hass, local_entry, freezer)
        # Those that have no rows at all are still looked for one by one.
        rest = len(all_counters(hass, local_entry)) - len(COUNTERS)
        assert asked.call_count == 1 + rest
