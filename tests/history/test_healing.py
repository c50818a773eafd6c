"""Holes in the statistics of a real recorder."""

from datetime import UTC, date, datetime, timedelta
from threading import get_ident
from typing import Any
from unittest.mock import patch

from homeassistant.util import dt as dt_util
import pytest

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import HOUR
from custom_components.cemm.history import apply, healing, recorder
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import Want, want_hole
from simulator import Fault, House
from tests.helpers.history import assert_true, keep, live_rows, write as write_rows
from tests.helpers.past import Past

COUNTERS = ("p1_t2", "p1_energy_import", "p1-gas_gas", "pulse-2_volume")
FIRST = int(datetime(2025, 10, 18, tzinfo=UTC).timestamp())
LAST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def house() -> House:
    return House(seed=1, since=date(2025, 9, 1))


async def write(
    past: Past, *spans: tuple[int, int], restart: bool = False
) -> dict[str, list[Row]]:
    """Write live rows of some hours; with ``restart`` the sum begins anew each time."""
    for name, counter in past.counters().items():
        if name not in COUNTERS:
            continue
        rows = live_rows(past.house, counter, FIRST, spans[-1][-1])
        for first, last in spans:
            if restart:
                rows = live_rows(past.house, counter, first, last)
            await write_rows(
                past.hass, counter, [row for row in rows if first <= row.start < last]
            )
    return await past.rows()


OUTAGES = {
    "an hour": (datetime(2025, 11, 3, 9, tzinfo=UTC), timedelta(hours=1)),
    "three days": (datetime(2025, 11, 1, 17, tzinfo=UTC), timedelta(days=3)),
    "the end of summer time": (
        datetime(2025, 10, 25, 20, tzinfo=UTC),
        timedelta(hours=9),
    ),
    "half a month": (datetime(2025, 10, 20, tzinfo=UTC), timedelta(days=15)),
}


@pytest.mark.parametrize(
    "outage",
    [
        pytest.param(outage, id=name, marks=[pytest.mark.rest] * (name != "three days"))
        for name, outage in OUTAGES.items()
    ],
)
@pytest.mark.parametrize("past", ["remote"], indirect=True)
async def test_hours_lost_are_there_afterwards(
    past: Past, outage: tuple[datetime, timedelta]
) -> None:
    """Through the remote API; `test_outages` has the local one, and real outages."""
    await past.setup()
    start = int(outage[0].timestamp())
    end = start + int(outage[1].total_seconds())
    before = await write(past, (FIRST, start), (end, LAST))
    assert any(before.values())
    await past.next_hour()
    after = await past.rows()
    for name, counter in past.counters().items():
        assert set(before[name]) <= set(after[name])
        if after[name]:
            assert_true(past.house, counter, after[name])
            assert len(after[name]) == (LAST - FIRST) / HOUR

    # There is nothing left to do, or to ask for.
    await past.next_hour()
    assert await past.rows() == after


async def test_a_restarted_sum_goes_on(past: Past) -> None:
    await past.setup()
    start, end = LAST - 380 * HOUR, LAST - 40 * HOUR
    before = await write(past, (FIRST, start), (end, LAST), restart=True)
    await past.next_hour()
    after = await past.rows()
    for name in COUNTERS:
        counter = past.counters()[name]
        assert_true(past.house, counter, after[name])
        old = [row for row in before[name] if row.start < start]
        assert after[name][: len(old)] == old


async def test_hours_that_the_recorder_may_still_write_wait(past: Past) -> None:
    await past.setup()
    now = int(dt_util.utcnow().timestamp()) // HOUR * HOUR
    before = await write(past, (FIRST, now - 5 * HOUR), (now, now + HOUR))
    await past.next_hour()
    assert await past.rows() == before
    past.freezer.tick(2 * HOUR)
    await past.next_hour()
    after = await past.rows()
    assert len(after["p1_t2"]) == len(before["p1_t2"]) + 5


async def test_what_fails_is_tried_again_and_reported_once(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.setup()
    before = await write(past, (FIRST, LAST - 50 * HOUR), (LAST - 40 * HOUR, LAST))
    fault = Fault("status", path="/data/", value=500)
    past.sim.faults.append(fault)
    for _ in range(2):
        await past.next_hour()
        assert await past.rows() == before
    said = [r for r in caplog.records if "tried again later" in r.message]
    assert [r.levelname for r in said if r.levelname != "DEBUG"] == ["WARNING"]
    past.sim.faults.remove(fault)
    await past.next_hour()
    assert "history is available again" in caplog.text
    after = await past.rows()
    assert all(len(after[name]) == (LAST - FIRST) / HOUR for name in COUNTERS)


async def test_a_meter_without_an_answer_does_not_stop_the_others(past: Past) -> None:
    """Its own holes are filled as soon as it answers, as they are still looked for."""
    keep(past.house, "p1-gas", "pulse-2")
    await past.settle()
    # The newest hole, which comes first, is of the meter that fails; and the oldest.
    lost = {
        "p1-gas_gas": [*range(5, 8), *range(30, 47)],
        "pulse-2_volume": range(20, 22),
    }
    for name, counter in past.counters().items():
        rows = live_rows(past.house, counter, LAST - 60 * HOUR, LAST)
        kept = [row for n, row in enumerate(reversed(rows)) if n not in lost[name]]
        await write_rows(past.hass, counter, kept)
    fault = Fault("status", path="/p1-gas/data", value=500)
    past.sim.faults.append(fault)
    await past.next_hour()
    found = await past.rows()
    assert {name: len(rows) for name, rows in found.items()} == {
        "p1-gas_gas": 40,
        "pulse-2_volume": 60,
    }
    assert len([r for r in past.sim.requests if "/p1-gas/data" in r.path]) <= 10
    with pytest.raises(CemmError):
        await past.history.async_import(date(2025, 11, 4))
    past.sim.faults.remove(fault)
    await past.next_hour()
    found = await past.rows()
    assert all(len(rows) == 60 for rows in found.values())


async def test_a_long_hole_is_filled_in_parts(past: Past) -> None:
    """The recorder has live rows to write meanwhile, and the event loop other work."""
    keep(past.house, "pulse-2")
    await past.settle()
    counter = past.counters()["pulse-2_volume"]
    first, last = live_rows(past.house, counter, FIRST, LAST)[
        :: (LAST - FIRST) // HOUR - 1
    ]
    await write_rows(past.hass, counter, [first, last])
    threads = []

    def noting_threads(*args: Any) -> list[Want]:
        threads.append(get_ident())
        return want_hole(*args)

    with (
        patch.object(apply, "_AT_ONCE", 100),
        patch.object(healing, "want_hole", noting_threads),
        patch.object(
            apply, "import_statistics", wraps=apply.import_statistics
        ) as written,
    ):
        await past.next_hour()
    hours = (LAST - FIRST) // HOUR
    assert [len(call.args[2]) for call in written.call_args_list] == [
        *[100] * ((hours - 2) // 100),
        (hours - 2) % 100,
    ]
    assert threads
    assert get_ident() not in threads
    (rows,) = (await past.rows()).values()
    assert len(rows) == hours
    assert_true(past.house, counter, rows)


async def test_a_look_at_rows_that_are_in_order_reads_hardly_any(past: Past) -> None:
    await past.setup()
    await write(past, (FIRST, LAST))
    await past.next_hour()
    with patch.object(
        recorder, "statistics_during_period", wraps=recorder.statistics_during_period
    ) as asked:
        await past.next_hour()
    assert asked.call_count <= 2 * len(past.counters())
