"""Which tariff was in force, as told by the amounts per tariff."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import compress
from random import Random

import pytest

from custom_components.cemm.days import wall_clock
from custom_components.cemm.history.tariffs import (
    ALL_HIGH,
    ALL_LOW,
    DUTCH,
    DayUse,
    LowHours,
    Votes,
    between,
    likely_hours,
)

MONDAY = date(2026, 11, 16)
SUNDAY = date(2026, 11, 22)
HOURS = [0.4 + 0.1 * hour for hour in range(24)]


def a_day(
    day: date, hours: Sequence[float], schedule: LowHours, error: float = 0.0
) -> DayUse:
    low = sum(compress(hours, schedule.on(day))) + error
    return DayUse(day, hours, [False] * len(hours), low, sum(hours) - low)


def found(*days: DayUse, votes: Votes | None = None) -> list[tuple[list[bool], bool]]:
    return list(likely_hours(days, Tally() if votes is None else votes))


def test_the_usual_dutch_tariffs() -> None:
    assert DUTCH.on(MONDAY) == [True] * 7 + [False] * 16 + [True]
    assert ALL_LOW.on(SUNDAY) == [True] * 24
    for day, usual in ((MONDAY, DUTCH), (SUNDAY, ALL_LOW)):
        nothing_booked = DayUse(day, HOURS, [False] * 24, 0.0, 0.0)
        assert found(nothing_booked) == [(usual.on(day), True)]


def test_low_tariff_follows_the_clock_on_the_wall_or_does_not() -> None:
    winter = LowHours(DUTCH.hours, False)
    for day, late in ((date(2026, 3, 29), 6), (date(2026, 10, 25), 8)):
        assert DUTCH.on(day) == [True] * late + [False] * 16 + [True]
        assert sum(winter.on(day)) == sum(DUTCH.on(day))
    assert winter.on(date(2026, 7, 6)) == [True] * 8 + [False] * 16


@pytest.mark.parametrize(
    "schedule",
    [DUTCH, ALL_LOW, ALL_HIGH, between(21, 7), between(22, 7), between(22, 6)],
)
@pytest.mark.parametrize("day", [MONDAY, SUNDAY])
def test_the_booked_amount_tells_the_schedule(schedule: LowHours, day: date) -> None:
    hours = [*HOURS]
    hours[12] = -3.0
    assert found(a_day(day, hours, schedule)) == [(schedule.on(day), True)]


def test_rounding_does_not_change_the_usual_schedule() -> None:
    day = a_day(MONDAY, [0.1] * 24, DUTCH, 0.04)
    assert found(day) == [(DUTCH.on(MONDAY), True)]


@pytest.mark.parametrize("low", [True, False])
def test_of_two_amounts_one_may_be_wrong(low: bool) -> None:
    day = a_day(MONDAY, HOURS, between(22, 7))
    wrong = DayUse(
        MONDAY,
        HOURS,
        [False] * 24,
        day.low + (300 if low else 0),
        day.high - (0 if low else 300),
    )
    assert found(wrong) == [(between(22, 7).on(MONDAY), True)]


def test_a_day_that_nothing_explains_is_as_those_beside_it() -> None:
    odd = DayUse(MONDAY, [1.0] * 24, [False] * 24, 2.5, 21.5)
    other = a_day(MONDAY + timedelta(1), HOURS, between(22, 7))
    assert found(odd, other)[0] == (between(22, 7).on(MONDAY), False)
    votes: Votes = Tally()
    found(other, votes=votes)
    assert found(odd, votes=votes)[0] == (between(22, 7).on(MONDAY), False)


@pytest.mark.parametrize("seed", range(12))
def test_any_hours_are_learned(seed: int) -> None:
    """On weekdays, with a day among them on which all was different."""
    rng = Random(seed)
    schedule = LowHours(
        sum(1 << hour for hour in rng.sample(range(24), rng.randint(3, 21)))
    )
    days = []
    for n in range(21):
        day = MONDAY + timedelta(n)
        hours = [rng.uniform(-0.5, 3) for _ in wall_clock(day)]
        days.append(a_day(day, hours, schedule if day.weekday() < 5 else ALL_LOW))
    days[2] = a_day(days[2].day, days[2].hours, schedule, 1.7)
    for day, (low, is_explained) in zip(days, found(*days), strict=True):
        if day is not days[2]:
            assert is_explained
            expected = schedule if day.day.weekday() < 5 else ALL_LOW
            assert low == expected.on(day.day)
