"""The guard against impossible meter readings."""

import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import START, Register, Registers, rising

GOOD, HELD = Verdict.GOOD, Verdict.HELD
REPLACED = Verdict.REPLACED
HOUR = 3600.0


# One register


def test_growth_is_good() -> None:
    register = Register(5000)
    for value in (5000.0, 5000.01, 5000.01, 5000.15):
        assert register.reads(value) is GOOD
        assert register.value == value
        assert not register.restarted


def test_zero_may_be_the_first_reading() -> None:
    register = Register(0.0)
    assert register.reads(0.0) is GOOD
    assert register.reads(0.001) is GOOD
    assert register.value == 0.001


@pytest.mark.parametrize(("value", "polls"), [(0.0, 80), (17.5, 55), (9000.0, 55)])
def test_good_reading_ends_all_doubt(value: float, polls: int) -> None:
    register = Register(5000)
    for _ in range(5):
        for _ in range(polls):
            assert register.reads(value) is HELD
        assert register.reads(5000) is GOOD


@pytest.mark.parametrize("every", [10.0, 60.0])
@pytest.mark.parametrize("value", [0.0, 17.5, 4999.5, 5500.0, 1e9])
def test_glitch_keeps_the_last_good_value(value: float, every: float) -> None:
    """For a minute, over and over, and across a restart."""
    register = Register(5000)
    for _ in range(50):
        for _ in range(int(60 / every)):
            assert register.reads(value, every) is HELD
            assert register.value == 5000
        register.restart()
        assert register.reads(value, 5) is HELD
        assert register.reads(5000, every) is GOOD
        assert register.value == 5000


@pytest.mark.parametrize("every", [1.0, 10.0, 60.0, 65.0, 300.0])
@pytest.mark.parametrize("start", [3.2, 4990.0, 9000.0])
def test_another_reading_that_stays(start: float, every: float) -> None:
    register = Register(5000)
    values = rising(start, 0.00001 * every)
    assert 600 <= register.accepted_after(values, every) <= 1200
    assert register.value >= start
    assert register.restarted == {"t1": start}
    assert register.reads(register.value + 0.001) is GOOD


@pytest.mark.parametrize("every", [1.0, 10.0, 60.0, 65.0, 300.0])
def test_zero_needs_longer(every: float) -> None:
    register = Register(5000)
    assert 900 <= register.accepted_after([0.0] * 1000, every) <= 1200
    assert register.value == 0
    assert register.restarted == {"t1": 0}


def test_what_was_believed_is_the_past_from_then_on() -> None:
    register = Register(5000)
    assert register.accepted_after([9000.0] * 100, 10) == 600
    assert register.reads(9200) is HELD
    assert register.reads(9000.01) is GOOD


def test_new_meter_still_at_zero_starts_to_count() -> None:
    register = Register(5000)
    for _ in range(80):
        assert register.reads(0.0) is HELD
    register.accepted_after(rising(0.001), 10)
    assert 120 < register.now - START < 1200
    assert register.restarted == {"t1": 0.001}


@pytest.mark.parametrize("value", [0.0, 17.5, 9000.0])
def test_outage_between_bad_answers_is_no_persistence(value: float) -> None:
    """A CEMM that loses its power may read 0 before and after."""
    register = Register(5000)
    for after in (10, 10, 3600, 10, 10):
        assert register.reads(value, after) is HELD
    assert register.reads(5000.2) is GOOD


def test_one_bad_measurement_is_no_leap_however_often_it_is_read() -> None:
    """Gas is measured once an hour."""
    register = Register(2617)
    measured = register.now + 10
    for _ in range(59):
        assert register.reads(9999.0, 60, time=measured) is HELD
    assert register.reads(2617.5) is GOOD


def test_one_bad_measurement_is_no_new_meter() -> None:
    """A gas meter is read every five minutes, and asked for every ten seconds."""
    register = Register(5000)
    measured = register.now + 10
    for _ in range(30):
        assert register.reads(17.5, time=measured) is HELD
    assert register.reads(5000.3) is GOOD
    assert register.value == 5000.3


def test_hourly_meter_is_replaced_in_time() -> None:
    """Its new reading is the same measurement for an hour."""
    register = Register(5000)
    measured = register.now + 10
    for _ in range(90):
        assert register.reads(17.5, time=measured) is HELD
    assert register.reads(17.5, time=measured) is REPLACED


def test_what_follows_a_new_meter_has_all_the_time_since_it_was_measured() -> None:
    """The next hour of gas may come a minute after the meter is believed."""
    register = Register(5000)
    measured = register.now + 10
    while register.reads(17.5, 60, time=measured) is HELD:
        pass
    assert register.reads(22.5, 60) is GOOD
    assert not register.restarted


@pytest.mark.parametrize("step", [0.003, 1.0])
def test_falling_garbage_is_no_new_meter(step: float) -> None:
    register = Register(5000)
    for index in range(300):
        assert register.reads(4000 - index * step) is HELD
    assert register.value == 5000


def test_jitter_is_silent() -> None:
    """A step of a 32-bit float at this height is 0.0078."""
    register = Register(114467.578125)
    for _ in range(500):
        assert register.reads(114467.5703125) is GOOD
        assert register.value == 114467.578125
    assert register.reads(114467.6) is GOOD
    assert register.value == 114467.6

    register = Register(5.0)
    assert register.reads(4.999) is GOOD
    assert register.value == 5.0
    assert register.reads(4.99) is HELD


def test_jitter_of_a_new_meter() -> None:
    register = Register(5000)
    values = (value - index % 2 * 0.001 for index, value in enumerate(rising(3, 0)))
    assert register.accepted_after(values, 10) == 600
    assert register.value == 3


# Net values


def test_net_value_may_fall_but_not_leap() -> None:
    register = Register(-40.0, may_fall=True)
    for value in (-40.2, -40, 0.0, 0.3, -0.05):
        assert register.reads(value, 7200) is GOOD or register.reads(value) is GOOD
        assert register.value == value
    assert register.reads(-5000) is HELD
    assert register.reads(5000) is HELD
    assert register.reads(-0.1) is GOOD


@pytest.mark.parametrize("value", [-5000.0, -0.1, 100.0, 9000.0])
def test_net_value_that_leaps_for_good(value: float) -> None:
    register = Register(5000, may_fall=True)
    wobble = (value + index % 2 * 0.2 for index in range(1000))
    assert 600 <= register.accepted_after(wobble, 10) <= 1200


def test_what_an_inverter_draws_is_little() -> None:
    """The net values of a pulse meter are its registers."""
    registers = Registers(fall=0.1, electric_energy=700, electric_energy_high=900)
    night = {"electric_energy": 699.5, "electric_energy_high": 900}
    assert registers.read(night, 5 * HOUR) is GOOD
    assert registers.shown["electric_energy"] == 699.5
    assert registers.read({**night, "electric_energy": 690.0}) is HELD


def test_net_values_of_a_smart_meter_fall_as_fast_as_they_rise() -> None:
    registers = Registers(fall=60, electric_energy=700)
    assert registers.read({"electric_energy": 690}, HOUR) is GOOD
    assert registers.read({"electric_energy": 650}, HOUR) is HELD
    assert registers.read({"electric_energy": 650}) is GOOD
    assert not registers.restarted


def test_a_net_value_at_0_is_no_blank() -> None:
    register = Register(0.0, may_fall=True)
    assert register.reads(4000) is HELD
    assert register.accepted_after([4000.0] * 100, 10) <= 600
