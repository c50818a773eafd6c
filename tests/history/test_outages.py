"""Outages that really happen, with the rows that the recorder itself makes around them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import time

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from custom_components.cemm.client import USAGE
from custom_components.cemm.days import HOUR, date_at, floor_hour, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.rows import Row
from simulator import Clock, House, Simulator
from tests.helpers.history import (
    all_counters,
    all_rows,
    assert_seamless,
    small_house,
    truth,
)
from tests.helpers.home import Home

COUNTERS = ("p1_t1", "p1_energy_import", "p1-gas_gas", "pulse-2_volume")

HALF_A_MONTH = (datetime(2025, 10, 20, 5, 35, tzinfo=UTC), timedelta(days=15))
OUTAGES = {
    "an hour": (datetime(2025, 11, 4, 17, 5, tzinfo=UTC), timedelta(hours=1)),
    "three days": (datetime(2025, 11, 1, 17, 20, tzinfo=UTC), timedelta(days=3)),
    "the end of summer time": (
        datetime(2025, 10, 25, 20, 40, tzinfo=UTC),
        timedelta(hours=9),
    ),
    "half a month": HALF_A_MONTH,
}


@pytest.fixture
async def sim(freezer: FrozenDateTimeFactory) -> AsyncIterator[Simulator]:
    house = small_house(date(2025, 9, 1), "p1", "p1-gas", "pulse-2", prompt=True)
    simulator = Simulator(house, Clock())
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def home(
    freezer: FrozenDateTimeFactory,
    async_test_recorder: RecorderInstanceContextManager,
    sim: Simulator,
) -> AsyncIterator[Home]:
    found = Home(
        freezer,
        async_test_recorder,
        {"connection": "local", "host": sim.base},
        aliases=[*sim.house.meters, USAGE],
        only=COUNTERS,
    )
    yield found
    await found.stop()


async def of_the_network(home: Home, sim: Simulator, end: float) -> None:
    """Let the CEMM be out of reach."""
    await sim.stop()
    for _ in range(3):
        await home.poll(after=10)
    await home.live(min(floor_hour(time()) + HOUR, end))
    await home.leap(end)
    await sim.start()


async def of_the_cemm(home: Home, sim: Simulator, end: float) -> None:
    """Let the CEMM have no power: it notes nothing, while its meters count on."""
    sim.house.blackouts.append((time(), end))
    await of_the_network(home, sim, end)


async def of_home_assistant(home: Home, _sim: Simulator, end: float) -> None:
    """Let Home Assistant be off."""
    await home.stop()
    await home.leap(end)
    await home.start()


SAMPLE = {
    (of_the_cemm, "three days"),
    (of_home_assistant, "the end of summer time"),
}


@pytest.mark.parametrize(
    ("suffer", "outage"),
    [
        pytest.param(
            *(suffer, outage),
            id=f"{suffer.__name__}-{name}",
            marks=[pytest.mark.rest] * ((suffer, name) not in SAMPLE),
        )
        for suffer in (of_the_network, of_the_cemm, of_home_assistant)
        for name, outage in OUTAGES.items()
    ],
)
async def test_an_outage_leaves_no_hole_and_no_spike(
    freezer: FrozenDateTimeFactory,
    sim: Simulator,
    home: Home,
    suffer: Callable[[Home, Simulator, float], Awaitable[None]],
    outage: tuple[datetime, timedelta],
) -> None:
    start = outage[0].timestamp()
    end = start + outage[1].total_seconds()
    first, back = floor_hour(start) - HOUR, floor_hour(end)
    freezer.move_to(datetime.fromtimestamp(first, UTC))
    if suffer is of_home_assistant:
        # That long it makes up for, with rows that show no use: it takes its time.
        home.keep_days = 1
    await home.start()
    await home.live(start)
    before = await all_rows(home.hass, home.entry)
    assert set(before) == set(COUNTERS)
    await suffer(home, sim, end)
    await home.live(back + 2 * HOUR)
    await home.tick()

    found = await all_rows(home.hass, home.entry)
    for name, counter in all_counters(home.hass, home.entry).items():
        rows = found[name]
        assert [row.start for row in rows] == list(range(first, back + 2 * HOUR, HOUR))
        assert_seamless(rows)
        assert rows[: len(before[name])] == before[name]
        if outage is HALF_A_MONTH and suffer is not of_home_assistant:
            # The recorder can't tell any more that it did not see the end of the hour before.
            rows = rows[len(before[name]) :]
        if suffer is not of_the_cemm:
            assert_used(sim.house, counter, rows)
        elif counter.alias != "p1":
            # Its month data knows what is used in a day; of power it knows net amounts.
            assert_used(
                sim.house, counter, [row for row in rows if is_midnight(row.end)]
            )


def assert_used(house: House, counter: Counter, rows: list[Row]) -> None:
    """Priority is what it truly was, from row to row."""
    for (old, new), used in zip(
        pairwise(rows), true_use(house, counter, rows), strict=True
    ):
        assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.002)


def assert_no_spike(house: House, counter: Counter, rows: list[Row]) -> None:
    """In no hour there is more use than there truly was in any of them."""
    most = max(true_use(house, counter, rows))
    assert max(new.sum - old.sum for old, new in pairwise(rows)) <= 1.01 * most + 0.002


def true_use(house: House, counter: Counter, rows: list[Row]) -> list[float]:
    """Return what was used from row to row.

    The newest measurement before an hour's end is that of a second before.
    """
    readings = [truth(house, counter, row.end - 1) for row in rows]
    return [new - old for old, new in pairwise(readings)]


def is_midnight(time: float) -> bool:
    """Tell whether a day of the CEMM begins at this Unix time."""
    return time == midnight(date_at(time))
