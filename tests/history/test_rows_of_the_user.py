"""What users do to their sensors and rows: hours stay right, and what is theirs stays so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import MINUTES, async_rows, async_stored
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.helpers.history import (
    NEWEST,
    live_rows,
    small_house,
    truth,
    write as write_rows,
)
from tests.helpers.past import BOTH_APIS, Past
from tests.helpers.rows import (
    assert_hours,
    assert_settled,
    assert_whole,
    correct,
    uncorrected,
)

SINCE = date(2025, 10, 30)
BASES = pytest.mark.parametrize(
    "base", [700.0, pytest.param(0.0, marks=pytest.mark.rest)]
)
COUNTERS = {"p1_t1": ("kWh", "Wh"), "p1-gas_gas": ("m³", "L")}

type UnitOf = Callable[[Past, str, str], None]


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1", "p1-gas", prompt=True)


def show_in(past: Past, name: str, unit: str) -> None:
    """Let a sensor show another unit, as in its settings."""
    er.async_get(past.hass).async_update_entity_options(
        past.counters()[name].entity_id, "sensor", {"unit_of_measurement": unit}
    )


def keep_in(past: Past, name: str, unit: str) -> None:
    """Let a statistic have another unit, as in the developer tools."""
    get_instance(past.hass).async_change_statistics_unit(
        past.counters()[name].entity_id,
        new_unit_of_measurement=unit,
        old_unit_of_measurement=past.counters()[name].unit,
    )


@BOTH_APIS
async def test_another_unit_before_the_first_look(past: Past) -> None:
    await past.settle()
    for name, (_, unit) in COUNTERS.items():
        show_in(past, name, unit)
    past.wish()
    await past.go_live(26)
    await assert_whole(past)


@pytest.mark.rest
@pytest.mark.parametrize(
    "change", [keep_in, pytest.param(show_in, marks=pytest.mark.rest)]
)
async def test_another_unit_between_two_looks(past: Past, change: UnitOf) -> None:
    past.wish()
    await past.settle()
    await past.go_live(14)
    for name, (_, unit) in COUNTERS.items():
        change(past, name, unit)
    await async_stored(past.hass)
    await past.go_live(26)
    await assert_whole(past)
    for name, (unit, _) in COUNTERS.items():
        show_in(past, name, unit)
    await past.go_live(40)
    await assert_whole(past)


@BOTH_APIS
async def test_a_correction_by_the_user_stays(past: Past) -> None:
    """Also one of a live hour, and one beside hours that are missing."""
    past.wish()
    await past.settle()
    await past.go_live(40)
    corrected = {NEWEST - 50 * HOUR: 5.0, NEWEST - 20 * HOUR: -0.4, NEWEST + HOUR: 3.0}
    for counter in past.counters().values():
        for start, amount in corrected.items():
            await correct(past, counter, start, amount)
    before = await past.rows()
    for _ in range(2):
        await past.go_live(13)
        rows = await past.rows()
        for name, counter in past.counters().items():
            assert rows[name][: len(before[name])] == before[name]
            assert_hours(past.house, counter, uncorrected(rows[name], corrected))
    await assert_settled(past)


@pytest.mark.rest
@BOTH_APIS
@BASES
async def test_rows_of_before_the_memory_that_the_user_brought_stay(
    past: Past, base: float
) -> None:
    """From another integration, after all was imported; the hours up to ours are missing."""
    past.wish()
    await past.settle()
    await past.go_live(14)
    first = midnight(SINCE) - 200 * HOUR
    brought: dict[str, list[Row]] = {}
    for name, counter in past.counters().items():
        brought[name] = [
            Row(first + n * HOUR, 40.0 + n, base + 0.5 * n) for n in range(100)
        ]
        await write_rows(past.hass, counter, brought[name])
    for _ in range(2):
        await past.go_live(13)
        for name, counter in past.counters().items():
            rows = await async_rows(past.hass, counter, 0)
            assert rows[:100] == brought[name], name
            ours = [row for row in rows if row.start >= midnight(SINCE)]
            assert_uses(past.house, counter, ours)
    await assert_settled(past)


def assert_uses(house: House, counter: Counter, rows: list[Row]) -> None:
    """See that each hour but the first one has its own use."""
    origin = rows[0].sum - truth(house, counter, rows[0].end)
    origin += truth(house, counter, rows[0].start)
    assert_hours(house, counter, [replace(row, sum=row.sum - origin) for row in rows])


@pytest.mark.rest
@BASES
async def test_rows_of_the_same_hours_that_the_user_brought_stay(
    past: Past, base: float
) -> None:
    """Another integration has counted the same, and a little more."""
    await past.settle()
    first, last = NEWEST - 80 * HOUR, NEWEST - 30 * HOUR
    brought: dict[str, list[Row]] = {}
    for name, counter in past.counters().items():
        brought[name] = [
            replace(row, sum=base + 1.1 * row.sum)
            for row in live_rows(past.house, counter, first, last)
        ]
        await write_rows(past.hass, counter, brought[name])
    past.wish()
    await past.go_live(26)
    before = await past.rows()
    for name, counter in past.counters().items():
        theirs = {row.start: row for row in brought[name]}
        found = [row for row in before[name] if row.start in theirs]
        assert [row.state for row in found] == [row.state for row in brought[name]]
        moved = found[0].sum - brought[name][0].sum
        assert [row.sum - moved for row in found] == pytest.approx(
            [row.sum for row in brought[name]]
        )
        for old, row in zip(before[name], before[name][1:], strict=False):
            assert row.start == old.end
            used = truth(past.house, counter, row.end)
            used -= truth(past.house, counter, old.end)
            if row.start not in theirs:
                assert row.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.01)
    await assert_settled(past)


class TestReadOnceAnHour:
    """A water meter that is read once an hour, some seconds after it."""

    @pytest.fixture
    def house(self) -> House:
        found = small_house(SINCE, "pulse-2")
        found.meters["pulse-2"].cadence = HOUR
        return found

    @pytest.mark.rest
    async def test_water_is_in_its_hour(self, past: Past) -> None:
        past.wish()
        await past.settle()
        await past.go_live(12 * 10)
        water = past.counters()["pulse-2_volume"]
        minutes = await async_rows(past.hass, water, 0, table=MINUTES)
        rows = (await past.rows())["pulse-2_volume"]
        assert_hours(past.house, water, rows[:-4])
        assert rows[-1].sum - rows[-1].state == pytest.approx(
            minutes[-1].sum - minutes[-1].state, abs=1e-4
        )
