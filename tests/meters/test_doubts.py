"""Several doubts at once, and doubts that outlive a restart."""

import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import START, Registers, rising

GOOD, HELD = Verdict.GOOD, Verdict.HELD
REPLACED, REMADE = Verdict.REPLACED, Verdict.REMADE


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
