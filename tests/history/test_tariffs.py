"""Which tariff was in force, as told by the amounts per tariff."""

from datetime import date

import pytest

from custom_components.cemm.history.tariffs import (
    ALL_LOW,
    DUTCH,
    LOW,
    LowHours,
    tariffs,
    usual,
)

MONDAY = date(2026, 11, 16)
SUNDAY = date(2026, 11, 22)


def booked_low(schedule: LowHours, day: date, hours: list[float]) -> float:
    return sum(
        amount
        for amount, tariff in zip(hours, schedule.on(day), strict=True)
        if tariff == LOW
    )


def test_the_usual_dutch_tariffs() -> None:
    assert usual(MONDAY) is DUTCH
    assert DUTCH.on(MONDAY) == [1] * 7 + [2] * 16 + [1]
    assert usual(SUNDAY) is ALL_LOW
    assert ALL_LOW.on(SUNDAY) == [1] * 24


def test_low_tariff_follows_the_clock_on_the_wall() -> None:
    assert DUTCH.on(date(2026, 3, 29)) == [1] * 6 + [2] * 16 + [1]
    assert DUTCH.on(date(2026, 10, 25)) == [1] * 8 + [2] * 16 + [1]


@pytest.mark.parametrize(
    "schedule", [DUTCH, ALL_LOW, LowHours(21, 7), LowHours(22, 7), LowHours(22, 6)]
)
@pytest.mark.parametrize("day", [MONDAY, SUNDAY])
def test_the_booked_amount_tells_the_schedule(schedule: LowHours, day: date) -> None:
    hours = [0.4 + 0.1 * hour for hour in range(24)]
    hours[12] = -3.0
    found = tariffs(day, hours, booked_low(schedule, day, hours))
    assert found.hours == schedule.on(day)
    assert found.certain


def test_rounding_does_not_change_the_usual_schedule() -> None:
    hours = [0.1] * 24
    found = tariffs(MONDAY, hours, booked_low(DUTCH, MONDAY, hours) + 0.04)
    assert found.hours == DUTCH.on(MONDAY)
    assert found.certain


def test_a_schedule_that_nothing_explains_is_not_certain() -> None:
    assert not tariffs(MONDAY, [1.0] * 24, 2.5).certain


def test_without_a_booked_amount_the_usual_one_is_taken() -> None:
    found = tariffs(MONDAY, [1.0] * 24, None)
    assert found.hours == DUTCH.on(MONDAY)
    assert not found.certain
