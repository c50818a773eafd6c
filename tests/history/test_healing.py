"""Holes in the statistics of a real recorder."""

from datetime import UTC, date, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.manager import INTERVAL
from custom_components.cemm.history.periods import HOUR
from custom_components.cemm.history.recorder import async_write
from custom_components.cemm.history.rows import Row
from simulator import Fault, House, Simulator
from tests.conftest import setup

from .common import all_counters, all_rows, assert_true, finished, truth

COUNTERS = ("p1_t2", "p1_energy_import", "p1-gas_gas", "pulse-2_volume")
FIRST = int(datetime(2025, 10, 18, tzinfo=UTC).timestamp())
LAST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def house() -> House:
    return House(seed=1, since=date(2025, 9, 1))


@pytest.fixture(params=["local", "remote"])
def entry(request: pytest.FixtureRequest) -> MockConfigEntry:
    """Return an entry of either API."""
    found: MockConfigEntry = request.getfixturevalue(f"{request.param}_entry")
    return found


def live_rows(house: House, counter: Counter, first: int, last: int) -> list[Row]:
    """Return what the recorder would have written, had the sum begun at 0."""
    origin = truth(house, counter, first)
    return [
        Row(start, reading, reading - origin)
        for start in range(first, last, HOUR)
        for reading in [truth(house, counter, start + HOUR)]
    ]


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
            await async_write(
                hass, counter, [row for row in rows if first <= row.start < last]
            )
    return await all_rows(hass, entry)


async def next_hour(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """Let the time come at which holes are looked for."""
    freezer.tick(INTERVAL)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    await finished(entry)


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
    entry: MockConfigEntry,
    outage: tuple[datetime, timedelta],
) -> None:
    await setup(hass, entry)
    start = int(outage[0].timestamp())
    end = start + int(outage[1].total_seconds())
    before = await write(hass, entry, house, (FIRST, start), (end, LAST))
    assert any(before.values())
    await next_hour(hass, entry, freezer)
    after = await all_rows(hass, entry)
    for name, counter in all_counters(hass, entry).items():
        assert set(before[name]) <= set(after[name])
        if after[name]:
            assert_true(house, counter, after[name])
            assert len(after[name]) == (LAST - FIRST) / HOUR

    # There is nothing left to do, or to ask for.
    await next_hour(hass, entry, freezer)
    assert await all_rows(hass, entry) == after


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
