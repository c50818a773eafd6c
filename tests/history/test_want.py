"""What rows should be, and what has to be done for that."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.history.rows import Hole, Row
from custom_components.cemm.history.want import (
    Difference,
    Move,
    Want,
    Why,
    difference,
    never_shown,
    want_breaks,
    want_hole,
    want_restarts,
)
from custom_components.cemm.meters.breaks import Break

HOUR = 3600
PERIOD = 300
MEASURED = (0, 0, 0, 0, 0)
UNMEASURED = (0, 0, 0, 0, 9)


def hole(before: tuple[float, float], after: tuple[float, float], hours: int) -> Hole:
    """Return a hole of some hours between two (state, sum)."""
    return Hole(Row(0, *before), Row((hours + 1) * HOUR, *after))


def mend(
    gap: Hole, used: Sequence[float], unknown: Sequence[float] = MEASURED
) -> Difference:
    """Return what is done to a hole."""
    return difference([gap.before, gap.after], want_hole(gap, used, unknown))


def fill(gap: Hole, used: Sequence[float], unknown: Sequence[float]) -> Sequence[Row]:
    """Return the rows that fill a hole whose neighbours are in order."""
    found = mend(gap, used, unknown)
    assert not found.moves
    return found.rows


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 60)), min_size=2, max_size=60),
    st.floats(0, 1e5),
    st.floats(-1e5, 1e5),
    st.floats(0, 500),
)
def test_a_hole_is_filled_between_its_neighbours(
    hours: list[tuple[float, float]], state: float, total: float, change: float
) -> None:
    used, unknown = zip(*hours, strict=True)
    gap = hole((state, total), (state + change, total + change), len(used) - 1)
    rows = fill(
        gap,
        list(accumulate(used, initial=0.0)),
        list(accumulate(unknown, initial=0.0)),
    )
    assert [row.start for row in rows] == [n * HOUR for n in range(1, len(used))]
    line = [gap.before, *rows, gap.after]
    for old, new in pairwise(line):
        assert new.state >= old.state - 1e-6
        assert new.sum >= old.sum - 1e-6
        assert new.sum - new.state == pytest.approx(total - state, abs=1e-5)


def test_a_hole_takes_the_shape_of_the_use() -> None:
    gap = hole((10, 0), (18, 8), 3)
    assert [row.state for row in fill(gap, [0, 0, 1, 3, 4], MEASURED)] == [10, 12, 16]


def test_what_nobody_measured_lies_where_nobody_measured() -> None:
    gap = hole((10, 0), (18, 8), 3)
    rows = fill(gap, [0, 1, 1, 1, 3], [0, 0, 60, 90, 90])
    assert [row.state for row in rows] == pytest.approx([11, 11 + 10 / 3, 16])


def test_less_than_was_measured_lies_where_it_was_measured() -> None:
    gap = hole((10, 0), (18, 8), 3)
    rows = fill(gap, [0, 4, 4, 4, 16], [0, 0, 60, 90, 90])
    assert [row.state for row in rows] == [12, 12, 12]


def test_without_use_a_hole_is_filled_evenly() -> None:
    gap = hole((10, 0), (18, 8), 3)
    assert [row.state for row in fill(gap, [0, 0, 0, 0, 0], MEASURED)] == [12, 14, 16]


def test_a_restarted_sum_is_recognised_and_continues() -> None:
    # The first state seen after the outage was 105: from there the sum counts.
    found = mend(hole((100, 40), (106, 1), 3), [0, 1, 2, 3, 6])
    assert found.moves == [Move(4 * HOUR, pytest.approx(45))]
    assert [row.sum for row in found.rows] == [41, 42, 43]
    assert not mend(hole((100, 40), (106, 46), 3), [0, 1, 2, 3, 6]).moves


def test_a_restarted_sum_is_no_fall_and_no_leap() -> None:
    """A young sum is less than what a meter may leap by."""
    assert want_hole(hole((100, 40), (4100, 46), 3), [0, 1, 2, 3, 6], UNMEASURED)
    assert not mend(hole((100, 40), (4100, 46), 3), [0, 1, 2, 3, 6], UNMEASURED).moves


@pytest.mark.parametrize(
    ("old", "new", "restarted"),
    [
        ((100, 40), (103, 0), True),
        ((100, 40), (103, 2), True),
        ((-5, -40), (-7, -1), True),
        ((100, 40), (103, 43), False),
        ((100, 40), (103, 20), False),
        ((100, 0.1), (103, 2), False),
        ((5000, 40), (302, 31), False),
    ],
)
def test_a_sum_that_began_again_is_no_more_than_was_used(
    old: tuple[float, float], new: tuple[float, float], *, restarted: bool
) -> None:
    pair = Hole(Row(0, *old), Row(PERIOD, *new))
    wants = want_restarts([pair])
    assert bool(wants) == restarted
    if wants:
        (move,) = difference([pair.before, pair.after], wants).moves
        assert new[1] + move.amount == pytest.approx(old[1] + new[0] - old[0])


def test_a_counter_that_was_another_one_before() -> None:
    """Of the readings of two counters there is no difference."""
    gap = hole((10, 40), (3591, 3621), 3)
    assert want_hole(gap, [0, 1, 2, 3, 6], MEASURED)[-1].change > 500
    found = difference(
        [gap.before, gap.after], want_hole(gap, [0, 1, 2, 3, 6], MEASURED, 2 * HOUR)
    )
    assert found.moves == [Move(4 * HOUR, pytest.approx(6 - 3581))]
    assert [(row.state, row.sum) for row in found.rows] == [
        (3586, 41),
        (3587, 42),
        (3588, 43),
    ]


@pytest.mark.parametrize("after", [(106, 30), (106, -3)])
def test_a_sum_that_fell_for_no_known_reason_is_left_alone(
    after: tuple[float, float],
) -> None:
    assert not mend(hole((100, 40), after, 3), [0, 1, 2, 3, 6])


def test_a_sum_in_order_is_left_alone() -> None:
    assert not mend(hole((100, 40), (106, 46.00000001), 3), [0, 1, 2, 3, 6]).moves


def test_a_new_meter_during_a_long_outage() -> None:
    found = mend(hole((100, 40), (2, 1), 3), [0, 1, 2, 3, 6])
    assert found.moves == [Move(4 * HOUR, pytest.approx(45))]


def test_a_new_meter_that_the_recorder_saw_goes_on_as_the_old_one() -> None:
    rows = fill(hole((100, 40), (2, 44), 3), [0, 1, 2, 3, 4], MEASURED)
    assert [(row.state, row.sum) for row in rows] == [(101, 41), (102, 42), (103, 43)]


@pytest.mark.parametrize("booked", [0.2, 302])
def test_what_was_used_while_a_meter_was_replaced_is_in_the_day_data(
    booked: float,
) -> None:
    found = mend(hole((5000, 400), (302, 400 + booked), 3), [0, 1, 2, 3, 4])
    assert found.moves == [Move(4 * HOUR, pytest.approx(4 - booked))]
    assert [row.sum for row in found.rows] == [401, 402, 403]


def test_what_nobody_measured_while_a_meter_was_replaced_stays_unknown() -> None:
    gap = hole((5000, 400), (302, 400.2), 3)
    assert not mend(gap, [0, 1, 2, 3, 4], UNMEASURED).moves


def test_mending_a_hole_once_is_enough() -> None:
    gap = hole((5000, 400), (302, 702), 3)
    (move,) = mend(gap, [0, 1, 2, 3, 4]).moves
    moved = Row(gap.after.start, gap.after.state, gap.after.sum + move.amount)
    assert not mend(Hole(gap.before, moved), [0, 1, 2, 3, 4]).moves


# Breaks


def minutes(*rows: tuple[float, float]) -> list[Row]:
    """Return rows of five minutes each: (state, sum)."""
    return [Row(index * PERIOD, *row) for index, row in enumerate(rows)]


def settled(rows: list[Row], *breaks: Break) -> Difference:
    wants, told = want_breaks(rows, breaks, PERIOD)
    assert told == [*breaks]
    assert all(want.why is Why.BREAK for want in wants)
    return difference(rows, wants)


def test_a_fall_was_booked_whole() -> None:
    rows = minutes((4999, 10), (302, 313), (303, 314))
    found = settled(rows, Break("p1_t1", 400, 5000, 300))
    # 1 until the old meter went, and 2 of the new one.
    assert found.moves == [Move(300, pytest.approx(3 - 303))]


def test_a_leap_was_booked() -> None:
    rows = minutes((4999, 10), (9002, 4013))
    found = settled(rows, Break("p1_t1", 400, 5000, 9001))
    assert found.moves == [Move(300, pytest.approx(2 - 4003))]


def test_what_is_settled_is_not_done_again() -> None:
    rows = minutes((4999, 10), (302, 13), (303, 14))
    assert not settled(rows, Break("p1_t1", 400, 5000, 300))


def test_a_state_that_is_shown_late_is_waited_for() -> None:
    """Home Assistant was killed after the break was noted."""
    each = Break("p1_t1", 400, 5000, 300)
    rows = minutes((4999, 10), (5000, 11))
    assert want_breaks(rows, [each], PERIOD) == ([], [])
    rows = minutes((4999, 10), (5000, 11), (5000, 11), (301, 312))
    found = settled(rows, each)
    assert found.moves == [Move(900, pytest.approx(1 - 301))]


def test_two_breaks_between_two_rows() -> None:
    rows = minutes((4999, 10), (9003, 9000))
    found = settled(
        rows, Break("p1_t1", 310, 5000, 300), Break("p1_t1", 390, 301, 9001)
    )
    assert found.moves == [Move(300, pytest.approx(1 + 1 + 2 - 8990))]


def test_the_user_may_say_that_it_was_use() -> None:
    rows = minutes((4999, 10), (9002, 13))
    found = settled(rows, Break("p1_t1", 400, 5000, 9001, is_use=True))
    assert found.moves == [Move(300, pytest.approx(4000))]
    rows = minutes((20, 10), (18, 11))
    found = settled(rows, Break("pulse-2_volume", 400, 20, 17, is_use=True))
    # It began at 0 again.
    assert found.moves == [Move(300, pytest.approx(17))]


def test_a_state_that_was_never_shown_is_told_by_what_came_instead() -> None:
    """Home Assistant was killed before, and the meter counts on as if nothing had been."""
    each = Break("p1_t1", 400, 5000, 300)
    rows = minutes((4999, 10), (5000, 11), (5000.5, 11.5))
    assert want_breaks(rows, [each], PERIOD) == ([], [each])


def test_a_state_that_never_changes_is_waited_for_no_longer_than_ten_days() -> None:
    each = Break("p1_t1", 400, 5000, 300)
    rows = minutes(*((5000, 11) for _ in range(20)))
    assert want_breaks(rows, [each], PERIOD) == ([], [])
    assert not never_shown(rows, each)
    rows = minutes(*((5000, 11) for _ in range(3000)))
    assert never_shown(rows, each)


def test_rows_are_inserted_and_moved_in_one_go() -> None:
    rows = [Row(0, 10, 1), Row(2 * HOUR, 14, 50), Row(3 * HOUR, 15, 51)]
    wants = [
        Want(HOUR, 12, 2, Why.HOLE),
        Want(2 * HOUR, 14, 2, Why.RESTART),
        Want(3 * HOUR, 15, 1, Why.BREAK),
        Want(4 * HOUR, 16, 1, Why.HOLE),
    ]
    assert difference(rows, wants) == Difference(
        [Move(2 * HOUR, -45)], [Row(HOUR, 12, 3), Row(4 * HOUR, 16, 7)]
    )
