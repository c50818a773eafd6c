"""Days and months in Amsterdam."""

from datetime import UTC, date, datetime

import pytest

from custom_components.cemm.days import (
    date_at,
    days,
    floor_hour,
    midnight,
    months_back,
    wall_clock,
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 28), 24),
        (date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25),
        (date(2024, 2, 29), 24),
    ],
)
def test_a_day_has_as_many_hours_as_pass(day: date, hours: int) -> None:
    following = date.fromordinal(day.toordinal() + 1)
    assert midnight(following) - midnight(day) == hours * 3600
    assert len(wall_clock(day)) == hours
    assert date_at(midnight(day)) == day
    assert date_at(midnight(following) - 1) == day


def test_midnight_is_that_of_amsterdam() -> None:
    assert (
        midnight(date(2026, 7, 1)) == datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp()
    )


def test_the_clock_skips_and_repeats_an_hour() -> None:
    assert wall_clock(date(2026, 3, 29))[:4] == [0, 1, 3, 4]
    assert wall_clock(date(2026, 10, 25))[:5] == [0, 1, 2, 2, 3]


def test_months_go_back_and_end_where_the_wanted_days_do() -> None:
    assert list(months_back(date(2026, 1, 10), date(2025, 11, 20))) == [
        (date(2026, 1, 1), date(2026, 1, 10)),
        (date(2025, 12, 1), date(2025, 12, 31)),
        (date(2025, 11, 20), date(2025, 11, 30)),
    ]
    assert list(months_back(date(2026, 1, 10), date(2026, 1, 11))) == []


def test_days_include_both_ends() -> None:
    assert days(date(2024, 2, 28), date(2024, 3, 1)) == [
        date(2024, 2, 28),
        date(2024, 2, 29),
        date(2024, 3, 1),
    ]


def test_floor_hour() -> None:
    assert floor_hour(7199.9) == 3600
    assert floor_hour(7200) == 7200
