"""The guard against impossible meter readings."""

from collections.abc import Iterator

import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import START, Register, Registers

GOOD, HELD = Verdict.GOOD, Verdict.HELD
REPLACED, LEAPT, REMADE = Verdict.REPLACED, Verdict.LEAPT, Verdict.REMADE
HOUR = 3600.0
WEEK = 7 * 86400.0


def rising(start: float, step: float = 0.005) -> Iterator[float]:
    return (start + index * step for index in range(2000))


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


# What can be, and what an ordinary house uses


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


# A group of registers


def test_a_meter_with_one_tariff_after_one_of_which_that_had_counted_nothing() -> None:
    """Its total is what it shows, not what the other one showed besides."""
    registers = Registers(t1=0, t2=5000)
    answers = ({"t1": value} for value in rising(300))
    after, verdict = registers.told_after(answers)
    assert after <= 1200
    assert verdict is LEAPT
    assert registers.shown.keys() == {"t1"}
    assert registers.restarted.keys() == {"t1"}


def test_one_register_that_contradicts_holds_back_all_of_its_group() -> None:
    registers = Registers(t1=5000, t2=3000)
    assert registers.read({"t1": 0, "t2": 3000.1}) is HELD
    assert registers.shown == {"t1": 5000, "t2": 3000}
    assert registers.read({"t1": 5000.1, "t2": 3000.1}) is GOOD


def test_registers_that_change_places_contradict_the_past() -> None:
    registers = Registers(t1=4000, t2=6000)
    swapped = ({"t1": 6000.0, "t2": t2} for t2 in rising(4000))
    assert registers.told_after(swapped) == (600, REPLACED)
    assert registers.restarted == {"t1": 6000, "t2": 4000}


def test_a_leap_of_one_register_is_no_new_meter() -> None:
    registers = Registers(t1=1000, t2=3000)
    leapt = ({"t1": t1, "t2": 3050.0} for t1 in rising(1000))
    assert registers.told_after(leapt) == (600, LEAPT)
    assert registers.restarted == {"t1": 1000, "t2": 3050}


def test_all_registers_of_a_new_meter_are_believed_at_once() -> None:
    """A total of some old and some new ones would be of two meters."""
    registers = Registers(t1=5000, t2=3000, t3=700)
    new = ({"t1": 0.0, "t2": t2, "t3": 0.0} for t2 in rising(0.05, 0.01))
    seconds, verdict = registers.told_after(new)
    assert (verdict, 600 <= seconds <= 1200) == (REPLACED, True)
    assert registers.restarted == {"t1": 0, "t2": 0.05, "t3": 0}


def test_a_new_meter_with_fewer_registers_ends_those_it_has_not() -> None:
    registers = Registers(t1=2000, t2=4000)
    assert registers.told_after({"t1": value} for value in rising(5)) == (600, REPLACED)
    assert registers.shown.keys() == {"t1"}
    # One that appears later is new.
    for _ in range(2):
        registers.read({"t1": registers.shown["t1"], "t2": 3000})
    assert registers.restarted == {"t2": 3000}


def test_a_doubt_keeps_the_registers_that_are_missing_for_a_while() -> None:
    registers = Registers(t1=2000, t2=4000)
    for index, t1 in zip(range(60), rising(5), strict=False):
        both = {"t1": t1, "t2": 7.0}
        assert registers.read({"t1": t1} if index % 3 else both) is HELD
    assert registers.read({"t1": 5.5}) is REPLACED
    assert registers.shown == {"t1": 5.5, "t2": 7}


def test_a_doubt_loses_the_registers_that_were_there_at_first_only() -> None:
    registers = Registers(t1=2000, t2=4000)
    assert registers.read({"t1": 5, "t2": 7}) is HELD
    assert registers.told_after({"t1": value} for value in rising(5)) == (590, REPLACED)
    assert registers.shown.keys() == registers.restarted.keys() == {"t1"}


def test_a_register_that_is_missing_keeps_its_last_value() -> None:
    registers = Registers(t1=1000, t2=3000)
    for value in rising(1000):
        assert registers.read({"t1": value}) is GOOD
    assert registers.shown == {"t1": value, "t2": 3000}


@pytest.mark.parametrize("hours", [0.5, 3, 30])
def test_a_register_that_was_missing_has_its_own_time(hours: float) -> None:
    """That the others were measured all the time leaves it no less room."""
    registers = Registers(t1=1000, t2=3000)
    values = rising(1000)
    for _ in range(round(hours * 60)):
        assert registers.read({"t1": next(values)}, 60) is GOOD
    risen = {"t1": next(values), "t2": 3000 + 5 * hours}
    if registers.read(risen) is HELD:
        assert registers.read(risen) is GOOD
    assert registers.shown["t2"] == 3000 + 5 * hours
    assert not registers.restarted, "it is use"


def test_a_register_that_was_missing_has_no_more_than_its_own_time() -> None:
    registers = Registers(t1=1000, t2=3000)
    for value in rising(1000):
        registers.read({"t1": value})
    leapt = ({"t1": value, "t2": 3000 + 60 * 8.0}, {"t1": value, "t2": 3000 + 60 * 8.1})
    assert [registers.read(each) for each in leapt] == [HELD, HELD]


# Registers that are new, or at 0


def test_a_register_that_appears_goes_on_from_its_first_reading() -> None:
    registers = Registers(t1=1000)
    assert registers.read({"t1": 1000.1, "t2": 3000}) is HELD
    assert registers.read({"t1": 1000.1, "t2": 3000.2}) is GOOD
    assert registers.restarted == {"t2": 3000}
    assert registers.read({"t1": 1000.1, "t2": 3000.3}) is GOOD
    assert not registers.restarted


def test_a_register_that_appears_at_0_shows_at_once() -> None:
    registers = Registers(t1=1000)
    assert registers.read({"t1": 1000.1, "t2": 0}) is GOOD
    assert registers.shown == {"t1": 1000.1, "t2": 0}


def test_one_answer_with_another_register_proves_nothing() -> None:
    registers = Registers(t1=1000)
    assert registers.read({"t1": 1000.1, "t2": 3000}) is HELD
    for t1 in (1000.1, 1000.2):
        assert registers.read({"t1": t1}) is GOOD
    assert registers.shown == {"t1": 1000.2}


@pytest.mark.parametrize("zeros", [1, 12, 500])
def test_a_first_0_is_shown_and_nothing_is_counted_from_it(zeros: int) -> None:
    registers = Registers(t1=0, t2=0)
    for _ in range(zeros):
        assert registers.read({"t1": 0, "t2": 0}) is GOOD
        assert registers.shown == {"t1": 0, "t2": 0}
    measured = registers.now + 10
    right = {"t1": 5000.0, "t2": 6000.0}
    while registers.read(right, time=measured) is HELD:
        assert registers.now - measured <= 10, "asked once more it is proven"
    assert registers.shown == right
    assert registers.restarted == right
    assert registers.read({"t1": 5000.1, "t2": 6000}) is GOOD
    assert not registers.restarted


def test_a_doubt_that_begins_at_0_goes_on_from_its_first_reading() -> None:
    """Not from the 0: a young meter may well show so little."""
    registers = Registers(t1=2, t2=7)
    for _ in range(50):
        assert registers.read({"t1": 0, "t2": 0.5}) is HELD
    registers.told_after({"t1": t1, "t2": 0.5} for t1 in rising(1.9))
    assert registers.restarted == {"t1": 1.9, "t2": 0.5}


def test_a_register_at_0_beside_others_has_always_been_more() -> None:
    registers = Registers(t1=1000, t2=0)
    while registers.read({"t1": 1000.1, "t2": 3000.0}) is HELD:
        assert registers.now - START < 100
    assert registers.restarted == {"t2": 3000}


def test_one_answer_does_not_end_a_0() -> None:
    """There are registers that never count: they would be waited for at each glitch."""
    registers = Registers(t1=1000, t2=0)
    assert registers.read({"t1": 1000.1, "t2": 3000.0}) is HELD
    assert registers.read({"t1": 1000.1, "t2": 0}) is GOOD
    assert registers.shown == {"t1": 1000.1, "t2": 0}


def test_a_register_that_begins_to_count_is_good_at_once() -> None:
    registers = Registers(t1=1000, t2=0)
    assert registers.read({"t1": 1000, "t2": 0.01}) is GOOD
    assert registers.shown["t2"] == 0.01


# Readings of another make


def test_another_make_with_other_registers_is_not_compared() -> None:
    registers = Registers(t1=8204)
    split = ({"t1": t1, "t2": 3204.0} for t1 in rising(5000))
    assert registers.told_after(split, from_totals=True) == (600, REMADE)
    assert registers.restarted == {"t1": 5000, "t2": 3204}


def test_another_make_is_not_believed_sooner_where_it_could_be_use() -> None:
    """On a young meter a part of the count lies within what it may have used."""
    registers = Registers(t1=1)
    split = ({"t1": 1.0, "t2": t2} for t2 in rising(0.2))
    assert registers.told_after(split, from_totals=True) == (600, REMADE)


def test_another_make_ends_the_registers_that_it_has_not() -> None:
    registers = Registers()
    registers.read({"t1": 5000, "t2": 3204}, from_totals=True)
    whole = ({"t1": t1} for t1 in rising(8204))
    assert registers.told_after(whole) == (600, REMADE)
    assert registers.shown.keys() == {"t1"}
    assert registers.restarted == {"t1": 8204}


def test_another_make_that_says_the_same_goes_on() -> None:
    registers = Registers(t1=5000, t2=3000)
    assert registers.read({"t1": 5000.1, "t2": 3000}, from_totals=True) is GOOD
    assert not registers.restarted


def test_another_make_for_a_while_is_forgotten() -> None:
    registers = Registers(t1=8204)
    for _ in range(10):
        for _ in range(30):
            split = {"t1": 5000.0, "t2": 3204.0}
            assert registers.read(split, from_totals=True) is HELD
        assert registers.read({"t1": 8204}) is GOOD
    assert registers.shown == {"t1": 8204}


# Several doubts at once


def test_a_swap_among_bursts_of_zeros_is_believed_in_time() -> None:
    registers = Registers(t1=5000, t2=3000)
    for index, t1 in enumerate(rising(300)):
        zeros = index % 8 < 3
        new = {"t1": 0.0, "t2": 0.0} if zeros else {"t1": t1, "t2": 4.0}
        if registers.read(new) is REPLACED:
            break
        assert registers.shown == {"t1": 5000, "t2": 3000}
    assert 600 <= registers.now - START <= 1200
    assert registers.restarted == {"t1": 300.015, "t2": 4}


def test_a_swap_among_garbage_is_believed_in_time() -> None:
    """Whatever comes between its readings does not make the swap begin anew."""
    registers = Registers(t1=5000)
    for index, t1 in enumerate(rising(300)):
        garbage = index % 10 > 4
        if registers.read({"t1": 1000.0 + 50 * index if garbage else t1}) is REPLACED:
            break
    assert 600 <= registers.now - START <= 1200
    assert registers.restarted == {"t1": 300}


def test_the_old_meter_among_bursts_of_another_is_good() -> None:
    registers = Registers(t1=5000)
    for value in rising(5000):
        for _ in range(3):
            assert registers.read({"t1": 7000.0}) is HELD
        assert registers.read({"t1": value}) is GOOD
    assert registers.shown == {"t1": value}


def test_garbage_that_leaps_shows_no_more_than_one_of_two() -> None:
    registers = Registers(t1=5000)
    for _ in range(25):
        assert registers.read({"t1": 100}) is HELD
        assert registers.read({"t1": 2000}) is HELD
    assert registers.shown == {"t1": 5000}


def test_no_more_doubts_than_a_few_are_kept() -> None:
    registers = Registers(t1=5000)
    for index in range(500):
        registers.read({"t1": 1000.0 + 50 * (index % 60)})
        assert registers.state
        assert len(registers.state.doubts) <= 3


# Restarts


@pytest.mark.parametrize("every", [3, 20, 50])
def test_a_doubt_outlives_restarts(every: int) -> None:
    registers = Registers(t1=5000, t2=3000)
    for index, t1 in enumerate(rising(300)):
        if registers.read({"t1": t1, "t2": 4}) is REPLACED:
            break
        if index % every == 0:
            before = registers.state
            registers.restart()
            assert registers.state == before
    assert registers.now - START == 620
    assert registers.restarted == {"t1": 300, "t2": 4}


def test_a_restart_within_another_make() -> None:
    registers = Registers(t1=8204)
    for index, t1 in enumerate(rising(5000)):
        if index == 30:
            registers.restart()
        if registers.read({"t1": t1, "t2": 3204.0}, from_totals=True) is REMADE:
            break
    assert registers.now - START == 620
