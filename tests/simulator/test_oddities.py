"""What a house can be made to have gone through."""

from datetime import date

import pytest

from simulator import House
from simulator.days import Schedule, midnight
from simulator.ledger import Registers
from simulator.readings import Readings

DAY, NEXT = date(2025, 1, 8), date(2025, 1, 9)
START, END = midnight(DAY), midnight(NEXT)


def booked(house: House, alias: str, channel: str) -> dict[int, float | None]:
    """Return what month data has of each day."""
    readings = Readings(house, midnight(date(2025, 2, 3)))
    month = readings.history(alias, house.meters[alias], "month", START)
    return {start // 1000: value for start, value in month[channel]}


def test_what_is_forgotten_is_nowhere() -> None:
    house = House(since=date(2025, 1, 1))
    before = booked(house, "p1-gas", "gas")
    house.forgotten.append((START, END))
    readings = Readings(house, END + 86_400)
    meter = house.meters["p1-gas"]
    assert not any(v for _, v in readings.history("p1-gas", meter, "day", START)["gas"])
    assert readings.total("p1-gas", meter, "gas", START + 60)[0] <= START * 1000
    assert booked(house, "p1-gas", "gas") == {**before, START: 0.0}


def test_an_amount_is_wrong_in_its_month() -> None:
    house = House(since=date(2025, 1, 1))
    before = booked(house, "pulse-2", "volume")
    house.meters["pulse-2"].misbooked["volume", DAY] = 500.0
    after = booked(house, "pulse-2", "volume")
    assert after.pop(START) == pytest.approx((before.pop(START) or 0) + 500)
    assert after == before


def test_a_meter_is_replaced_by_another_one() -> None:
    house = House(since=date(2025, 1, 1))
    before = house.reading("mb5", "t1", START)
    house.meters["mb5"].swaps.append((START, Registers(7000)))
    assert house.reading("mb5", "t1", START - 1) == pytest.approx(before, abs=0.01)
    assert house.reading("mb5", "t1", START) == 7
    assert house.reading("mb5", "t2", START) == 0


def test_a_clock_that_is_ahead_shows_what_was_before() -> None:
    house = House(since=date(2025, 1, 1))
    house.clock_wrong[DAY] = 3
    readings = Readings(house, END + 86_400)
    day = readings.history("p1", house.meters["p1"], "day", START)["electric_power"]
    assert dict(day)[START * 1000] == house.minutes("p1", START - 3 * 3600)[0]


def test_any_hours_can_be_low() -> None:
    odd = ((DAY, frozenset({5})),)
    schedule = Schedule(frozenset(), frozenset({1}), summer_time=False, odd=odd)
    assert [hour for hour in range(24) if schedule.is_low(START + 3600 * hour)] == [5]
    assert not any(schedule.is_low(END + 3600 * hour) for hour in range(24))
    sunday = midnight(date(2025, 7, 6))
    assert [h for h in range(24) if schedule.is_low(sunday + 3600 * h)] == [2]
