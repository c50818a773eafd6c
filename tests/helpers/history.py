"""What the tests with a real recorder share."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.days import HOUR
from custom_components.cemm.history.apply import async_apply
from custom_components.cemm.history.counters import Counter, counters
from custom_components.cemm.history.recorder import async_rows, async_stored
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import Difference
from simulator import House

type Rows = dict[str, list[Row]]

# The first day of a house, and the end of the last hour that may be imported.
SINCE = date(2025, 10, 24)
NEWEST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())


def keep(house: House, *aliases: str) -> None:
    """Leave the house with these meters only: every row takes the recorder its time."""
    house.meters = {alias: house.meters[alias] for alias in aliases}


def small_house(since: date, *aliases: str, prompt: bool = False) -> House:
    """Return a house that counts since then, with these meters only.

    With ``prompt`` they measure every second: a row is as new as it can be.
    """
    house = House(seed=1, since=since)
    keep(house, *aliases)
    for meter in house.meters.values() if prompt else ():
        meter.cadence, meter.phase = 1, 0
    return house


def all_counters(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Counter]:
    """Return all counters that get history, by name."""
    coordinator = entry.runtime_data.coordinator
    found = counters(hass, coordinator.mac, coordinator.data)
    return {counter.name: counter for counter in found}


def a_counter(key: str, *registers: str) -> Counter:
    """Return a counter that needs no Home Assistant."""
    row = CHANNELS[key]
    assert row.history and row.max_rate
    return Counter(
        *("sensor.it", f"p1_{key}", "kWh"),
        alias="p1",
        key=key,
        rule=row.history,
        max_rate=row.max_rate,
        registers=registers,
        is_device=False,
    )


async def finished(entry: MockConfigEntry) -> None:
    """Wait until the work on history that is under way is done."""
    while tasks := [t for t in entry._background_tasks if "history" in t.get_name()]:
        await asyncio.gather(*tasks)
        # What is done is forgotten in the loop's next round only: to gather it
        # again and again would never come to that.
        await asyncio.sleep(0)


async def all_rows(hass: HomeAssistant, entry: MockConfigEntry) -> Rows:
    """Return all rows of all counters, by name."""
    await async_stored(hass)
    return {
        name: await async_rows(hass, counter, 0)
        for name, counter in all_counters(hass, entry).items()
    }


async def write(hass: HomeAssistant, counter: Counter, rows: Sequence[Row]) -> None:
    """Add rows to a counter's statistics, and wait until they are stored."""
    await async_apply(hass, counter, Difference(rows=rows))


def truth(house: House, counter: Counter, at: float) -> float:
    """Return what the counter really read."""
    return sum(house.reading(counter.alias, part, at) for part in counter.registers)


def live_rows(house: House, counter: Counter, first: int, last: int) -> list[Row]:
    """Return what the recorder would have written, had the sum begun at 0."""
    origin = truth(house, counter, first)
    return [
        Row(start, reading, reading - origin)
        for start in range(first, last, HOUR)
        for reading in [truth(house, counter, start + HOUR)]
    ]


def assert_true(house: House, counter: Counter, rows: list[Row]) -> None:
    """Every hour is there once, and its use is the true one, the first one's too.

    The sum never falls, and begins at 0.
    """
    for old, new in pairwise([Row(rows[0].start - HOUR, 0.0, 0.0), *rows]):
        used = truth(house, counter, new.end) - truth(house, counter, old.end)
        assert new.start == old.end
        assert new.sum >= old.sum
        assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.002)


def assert_seamless(rows: list[Row]) -> None:
    """No hour is missing, no sum falls, and sum and state rise together."""
    for old, new in pairwise(rows):
        assert new.start == old.end
        assert new.sum >= old.sum
        assert new.sum - old.sum == pytest.approx(new.state - old.state, abs=1e-6)


def assert_adds_up(rows: Rows) -> None:
    """Compare the registers with the total, hour by hour."""
    for total, *parts in (("energy_import", "t1", "t2"), ("energy_export", "t3", "t4")):
        if {total, *parts} <= rows.keys():
            used = [
                [new.sum - old.sum for old, new in pairwise(rows[key])]
                for key in (total, *parts)
            ]
            for whole, *rest in zip(*used, strict=True):
                assert whole == pytest.approx(sum(rest), abs=1e-6)
                assert min(whole, *rest) >= -1e-6
