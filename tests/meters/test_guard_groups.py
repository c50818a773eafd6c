"""Registers are judged with all others of their group."""

import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import START, Registers, rising

GOOD, HELD = Verdict.GOOD, Verdict.HELD
REPLACED, LEAPT, REMADE = Verdict.REPLACED, Verdict.LEAPT, Verdict.REMADE


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
