"""What can be, and what an ordinary house uses."""

import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import Register, Registers, rising

GOOD, HELD = Verdict.GOOD, Verdict.HELD
REPLACED, LEAPT = Verdict.REPLACED, Verdict.LEAPT
HOUR = 3600.0
WEEK = 7 * 86400.0


def test_a_leap_depends_on_the_time_passed() -> None:
    register = Register(5000)
    assert register.reads(5100) is HELD
    assert register.reads(5150) is HELD
    assert register.reads(5050, HOUR) is HELD
    assert register.reads(5050.01) is GOOD
    assert register.reads(5050 + 12 * 20, 86400) is HELD
    assert register.reads(5050 + 12 * 20) is GOOD


@pytest.mark.parametrize("every", [60, 301, 1800, 5 * HOUR])
def test_a_rise_after_an_outage_counts_however_seldom_there_is_an_answer(
    every: float,
) -> None:
    register = Register(100)
    assert register.reads(170, WEEK) is HELD, "more than an hour's use of a house"
    assert register.reads(170.01, every) is GOOD
    assert register.value == 170.01
    assert not register.restarted


@pytest.mark.parametrize("every", [301, 1800, 5 * HOUR])
@pytest.mark.parametrize(("value", "verdict"), [(17.5, REPLACED), (9000, LEAPT)])
def test_another_meter_is_believed_however_seldom_there_is_an_answer(
    value: float, verdict: Verdict, every: float
) -> None:
    register = Register(5000)
    for _ in range(2):
        assert register.reads(value, every) is HELD
        value += 0.1
    assert register.reads(value, every) is verdict
    assert register.restarted == {"t1": value}


def test_a_rise_after_an_outage_counts_where_a_register_goes_missing() -> None:
    registers = Registers(t1=100, t2=100)
    assert registers.read({"t1": 170, "t2": 101}, WEEK) is HELD
    assert registers.read({"t1": 170.01}) is GOOD
    assert registers.shown == {"t1": 170.01, "t2": 100}


def test_one_odd_answer_does_not_make_another_one_use() -> None:
    register = Register(100)
    assert register.reads(900, WEEK) is HELD
    assert register.reads(170, 1800) is HELD, "it has fallen since"
    assert register.reads(170.01, 1800) is GOOD


@pytest.mark.parametrize("pause", [10, 300, 600, 5 * HOUR, WEEK])
@pytest.mark.parametrize("leap", [5, 50, 4000])
def test_one_answer_alone_proves_nothing(leap: float, pause: float) -> None:
    """Whatever pause came before it, but for what an ordinary house uses in that time."""
    register = Register(100)
    measured = register.now + pause
    is_ordinary = leap == 5 and pause > HOUR
    for _ in range(1 if is_ordinary else 20):
        verdict = register.reads(100 + leap, pause, time=measured)
        assert verdict is (GOOD if is_ordinary else HELD)
        pause = 10
    if not is_ordinary:
        assert register.value == 100
        assert register.reads(100.001) is GOOD
        assert not register.restarted


@pytest.mark.parametrize("leap", [50, 280])
def test_a_second_measurement_proves_what_can_be(leap: float) -> None:
    register = Register(100)
    assert register.reads(100 + leap, 5 * HOUR) is HELD
    assert register.reads(100.02 + leap) is GOOD
    assert register.value == 100.02 + leap
    assert not register.restarted, "it is use"


@pytest.mark.parametrize("leap", [5.5, 8, 12, 14])
def test_waiting_does_not_make_a_leap_possible(leap: float) -> None:
    """What came at once was not used in the time that it has lasted since."""
    register = Register(1000)
    assert register.accepted_after(rising(1000 + leap), 10) == 600
    assert register.restarted == {"t1": 1000 + leap}


def test_waiting_for_the_next_hour_does_not_make_a_leap_possible() -> None:
    register = Register(1000)
    measured = register.now + HOUR
    assert register.reads(1080, HOUR, time=measured) is HELD
    for _ in range(59):
        assert register.reads(1080, 60, time=measured) is HELD
    assert register.reads(1080.5, 60) is LEAPT
    assert register.restarted == {"t1": 1080}


def test_a_wrong_answer_before_an_outage_leaves_out_nothing_of_it() -> None:
    """What was used meanwhile has nothing to do with it."""
    register = Register(1000)
    assert register.reads(1012) is HELD
    assert register.reads(1030, 5 * HOUR) is HELD
    assert register.reads(1030) is GOOD
    assert not register.restarted


def test_zeros_before_an_outage_leave_out_nothing_of_it() -> None:
    """A young meter's count could follow from them."""
    register = Register(5)
    for _ in range(5):
        assert register.reads(0) is HELD
    assert register.reads(18, 5 * HOUR) is GOOD
    assert not register.restarted


def test_an_outage_does_not_make_a_leap_possible_that_was_there_before() -> None:
    register = Register(1000)
    for after in (10, 10, 5 * HOUR):
        assert register.reads(1090, after) is HELD
    assert 200 <= register.accepted_after(rising(1090), 10) <= 600
    assert register.restarted == {"t1": 1090}


@pytest.mark.parametrize("new", [1.0, 3.0])
def test_what_has_risen_in_an_outage_of_a_doubt_is_not_counted(new: float) -> None:
    """It may be yet another meter's."""
    register = Register(5000)
    for after in (10, 10):
        assert register.reads(new, after) is HELD
    assert register.reads(200, 5 * HOUR) is HELD
    register.accepted_after(rising(200), 10)
    assert register.restarted == {"t1": 200}


def test_two_different_leaps_prove_nothing() -> None:
    register = Register(100)
    assert register.reads(150, 5 * HOUR) is HELD
    assert register.reads(190) is HELD
    assert register.reads(130) is HELD
    assert register.reads(100.5) is GOOD


def test_growth_of_weeks_without_home_assistant() -> None:
    register = Register(5000)
    register.restart()
    assert register.reads(5600, 3 * WEEK) is HELD
    register.restart()
    assert register.reads(5600) is GOOD
    assert not register.restarted


def test_growth_while_the_meter_could_not_be_read() -> None:
    """The CEMM repeats its last measurement until the cable is plugged in again."""
    register = Register(5000)
    measured = register.now
    for hour in range(72):
        if hour == 50:
            register.restart()
        assert register.reads(5000, HOUR, time=measured) is GOOD
    assert register.reads(5300) is HELD
    assert register.reads(5300) is GOOD

    # A register that stands still while it is measured leaves no such room.
    for _ in range(72):
        assert register.reads(5300, HOUR) is GOOD
    assert register.reads(5600) is HELD
    assert register.reads(5600) is HELD


def test_an_hour_of_gas_needs_no_second_measurement() -> None:
    register = Register(2617)
    for hour in range(1, 24):
        assert register.reads(2617 + 6 * hour, HOUR) is GOOD


def test_clock_that_jumps_never_freezes_a_meter() -> None:
    register = Register(5000)
    assert register.reads(5000.1, -10 * WEEK) is GOOD
    assert register.reads(5000.2) is GOOD
    assert register.reads(6000, -WEEK) is HELD
    assert register.reads(6000, -WEEK) is HELD
    assert register.accepted_after(rising(6000), 10) <= 1200
    assert register.reads(5.0) is HELD
    assert register.reads(5.0, -WEEK) is HELD
    assert register.reads(5.0, WEEK) is HELD
    assert register.accepted_after(rising(5), 10) <= 1200
