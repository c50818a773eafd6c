"""The guard against impossible meter readings."""

from collections.abc import Iterator
from typing import Any

import pytest

from custom_components.cemm.meters.guard import CounterState, Verdict
from tests.helpers.counter import START, Counter

GOOD, HELD, REPLACED = Verdict.GOOD, Verdict.HELD, Verdict.REPLACED
WEEK = 7 * 86400.0


def rising(start: float, step: float = 0.005) -> Iterator[float]:
    return (start + index * step for index in range(1000))


def test_growth_is_good() -> None:
    counter = Counter(5000)
    for value in (5000.0, 5000.01, 5000.01, 5000.15):
        assert counter.read(value) is GOOD
        assert counter.shown == value


def test_zero_may_be_the_first_reading() -> None:
    counter = Counter(0.0)
    assert counter.read(0.0) is GOOD
    assert counter.read(0.001) is GOOD
    assert counter.shown == 0.001


@pytest.mark.parametrize(("value", "polls"), [(0.0, 80), (17.5, 17), (9000.0, 80)])
def test_good_reading_ends_all_doubt(value: float, polls: int) -> None:
    counter = Counter(5000)
    for _ in range(5):
        for _ in range(polls):
            assert counter.read(value) is HELD
        assert counter.read(5000) is GOOD


@pytest.mark.parametrize("every", [10.0, 60.0])
@pytest.mark.parametrize("value", [0.0, 17.5, 4999.5, 5500.0, 1e9])
def test_glitch_keeps_the_last_good_value(value: float, every: float) -> None:
    """For a minute, over and over, and across a restart."""
    counter = Counter(5000)
    for _ in range(50):
        for _ in range(int(60 / every)):
            assert counter.read(value, every) is HELD
            assert counter.shown == 5000
        counter.restart()
        assert counter.read(value, 5) is HELD
        assert counter.read(5000, every) is GOOD
        assert counter.shown == 5000


@pytest.mark.parametrize("every", [1.0, 10.0, 60.0, 65.0, 300.0])
@pytest.mark.parametrize("start", [3.2, 4990.0])
def test_new_meter(start: float, every: float) -> None:
    counter = Counter(5000)
    assert 120 < counter.accepted_after(rising(start), every) <= 1200
    assert counter.shown >= start
    assert counter.read(counter.shown + 0.1) is GOOD


@pytest.mark.parametrize("every", [1.0, 10.0, 60.0, 65.0, 300.0])
@pytest.mark.parametrize("value", [0.0, 9000.0])
def test_zero_and_leap_need_longer(value: float, every: float) -> None:
    counter = Counter(5000)
    assert 840 <= counter.accepted_after([value] * 1000, every) <= 1200
    assert counter.shown == value
    # From here on the time counts anew.
    assert counter.read(value + 200) is HELD


def test_new_meter_still_at_zero_starts_to_count() -> None:
    """Zeros prove nothing of the first reading that is none."""
    counter = Counter(5000)
    for _ in range(80):
        assert counter.read(0.0) is HELD
    assert counter.accepted_after(rising(0.001), 10) > 120
    assert counter.now - START < 1200


@pytest.mark.parametrize("value", [0.0, 17.5])
def test_outage_between_bad_answers_is_no_persistence(value: float) -> None:
    """A CEMM that loses its power may read 0 before and after."""
    counter = Counter(5000)
    for after in (10, 10, 3600, 10, 10):
        assert counter.read(value, after) is HELD
    assert counter.read(5000.2) is GOOD


def test_one_bad_measurement_is_no_leap_however_often_it_is_read() -> None:
    """Gas is measured once an hour."""
    counter = Counter(2617)
    measured = counter.now + 10
    for _ in range(59):
        assert counter.read(9999.0, 60, time=measured) is HELD
    assert counter.read(2617.5) is GOOD


def test_one_bad_measurement_is_no_new_meter() -> None:
    """A gas meter is read every five minutes, and asked for every ten seconds."""
    counter = Counter(5000)
    measured = counter.now + 10
    for _ in range(30):
        assert counter.read(17.5, time=measured) is HELD
    assert counter.read(5000.3) is GOOD
    assert counter.shown == 5000.3


def test_hourly_meter_is_replaced_in_time() -> None:
    """Its new reading is the same measurement for an hour."""
    counter = Counter(5000)
    measured = counter.now + 10
    for _ in range(90):
        assert counter.read(17.5, time=measured) is HELD
    assert counter.read(17.5, time=measured) is REPLACED


@pytest.mark.parametrize("step", [0.001, 1.0])
def test_falling_garbage_is_no_new_meter(step: float) -> None:
    counter = Counter(5000)
    for index in range(300):
        assert counter.read(4000 - index * step) is HELD
    assert counter.shown == 5000


def test_garbage_that_leaps_is_no_new_meter() -> None:
    counter = Counter(5000)
    for _ in range(300):
        assert counter.read(100) is HELD
        assert counter.read(2000) is HELD
    assert counter.shown == 5000


def test_jitter_is_silent() -> None:
    """A step of a 32-bit float at this height is 0.0078."""
    counter = Counter(114467.578125)
    for _ in range(500):
        assert counter.read(114467.5703125) is GOOD
        assert counter.shown == 114467.578125
    assert counter.read(114467.6) is GOOD
    assert counter.shown == 114467.6

    counter = Counter(5.0)
    assert counter.read(4.999) is GOOD
    assert counter.shown == 5.0
    assert counter.read(4.99) is HELD


def test_jitter_of_a_new_meter() -> None:
    counter = Counter(5000)
    values = (value - index % 2 * 0.001 for index, value in enumerate(rising(3, 0)))
    assert counter.accepted_after(values, 10) == 180
    assert counter.shown == 3


def test_leap_depends_on_the_time_passed() -> None:
    counter = Counter(5000)
    assert counter.read(5100) is HELD
    assert counter.read(5200) is HELD
    assert counter.read(5200, 600) is GOOD
    assert counter.read(5200 + 12 * 20, 86400) is GOOD


def test_growth_of_weeks_without_home_assistant() -> None:
    counter = Counter(5000)
    counter.restart()
    assert counter.read(5600, 3 * WEEK) is GOOD


def test_growth_while_the_meter_could_not_be_read() -> None:
    """The CEMM repeats its last measurement until the cable is plugged in again."""
    counter = Counter(5000)
    measured = counter.now
    for hour in range(72):
        if hour == 50:
            counter.restart()
        assert counter.read(5000, 3600, time=measured) is GOOD
    assert counter.read(5300) is GOOD

    # A counter that stands still while it is measured leaves no such room.
    for _ in range(72):
        assert counter.read(5300, 3600) is GOOD
    assert counter.read(5600) is HELD


def test_clock_that_jumps_never_freezes_a_meter() -> None:
    counter = Counter(5000)
    assert counter.read(5000.1, -10 * WEEK) is GOOD
    assert counter.read(5000.2) is GOOD
    assert counter.read(6000, -WEEK) is HELD
    assert counter.read(6000, -WEEK) is HELD
    assert counter.accepted_after(rising(6000), 10) <= 1200
    assert counter.read(5.0) is HELD
    assert counter.read(5.0, -WEEK) is HELD
    assert counter.read(5.0, WEEK) is HELD
    assert counter.accepted_after(rising(5), 10) <= 1200


def test_negative_count_is_never_accepted() -> None:
    counter = Counter()
    assert counter.read(-1) is HELD
    assert counter.state is None
    assert counter.read(0.5) is GOOD
    for _ in range(300):
        assert counter.read(-3.0, 60) is HELD
    assert counter.shown == 0.5


def test_negative_count_breaks_a_candidate() -> None:
    counter = Counter(5000)
    for _ in range(300):
        assert counter.read(3.2) is HELD
        assert counter.read(-3.2) is HELD


def test_net_value_may_fall_but_not_leap() -> None:
    counter = Counter(-40.0, may_fall=True)
    for value in (-40.2, -39, 0.0, 3.0, -3.0):
        assert counter.read(value) is GOOD
        assert counter.shown == value
    assert counter.read(-5000) is HELD
    assert counter.read(5000) is HELD
    assert counter.read(-3.1) is GOOD


@pytest.mark.parametrize("value", [-5000.0, -0.1, 100.0, 9000.0])
def test_net_value_that_leaps_for_good(value: float) -> None:
    counter = Counter(5000, may_fall=True)
    wobble = (value + index % 2 * 0.2 for index in range(1000))
    assert 840 <= counter.accepted_after(wobble, 10) <= 1200


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "5000",
        {},
        {"time": 1, "value": 5.0},
        {"time": 1.5, "value": 5.0, "since": START},
        {"time": 1, "value": "5.0", "since": START},
        {"time": 1, "value": float("nan"), "since": START},
        {"time": 1, "value": float("inf"), "since": START},
        {"time": 1, "value": 5.0, "since": None},
        {"time": 1, "value": 5.0, "since": float("nan")},
    ],
)
def test_damaged_store_starts_anew(data: Any) -> None:
    assert CounterState.from_dict(data) is None
