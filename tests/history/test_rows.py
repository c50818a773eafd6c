"""Rows that join their neighbours without a jump."""

from itertools import accumulate, pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.history.rows import (
    Anchor,
    Hole,
    Row,
    count_back,
    fill,
    holes,
    lifted,
    restarted,
)

HOUR = 3600
MEASURED = (0, 0, 0, 0, 0)
amounts = st.lists(st.floats(0, 50), min_size=2, max_size=60)


def hole(before: tuple[float, float], after: tuple[float, float], hours: int) -> Hole:
    """Return a hole of some hours between two (state, sum)."""
    return Hole(Row(0, *before), Row((hours + 1) * HOUR, *after))


def test_holes_are_the_hours_between_rows() -> None:
    rows = [Row(hour * HOUR, 0, 0) for hour in (3, 4, 7, 8, 10)]
    assert [(h.before.start, h.after.start) for h in holes(rows)] == [
        (4 * HOUR, 7 * HOUR),
        (8 * HOUR, 10 * HOUR),
    ]
    assert holes(rows)[0].times == [5 * HOUR, 6 * HOUR, 7 * HOUR, 8 * HOUR]
    assert holes([]) == []
    assert holes(rows[:1]) == []


@given(amounts, st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_counting_back_keeps_the_difference_of_sum_and_state(
    used: list[float], state: float, total: float
) -> None:
    counted = list(accumulate(used[1:], initial=0.0))
    times = [n * HOUR for n in range(1, len(counted))] + [len(counted) * HOUR - 600]
    rows = count_back(Anchor(times[-1], state, total), times, counted)
    assert [row.end for row in rows] == times[:-1]
    ends = [*((row.state, row.sum) for row in rows), (state, total)]
    for (old, new), amount in zip(pairwise(ends), used[1:], strict=True):
        assert new[0] - old[0] == pytest.approx(amount, abs=2e-6)
        assert new[1] - old[1] == pytest.approx(amount, abs=2e-6)


def test_counting_back_in_two_steps_is_counting_back_in_one() -> None:
    times = [HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]
    anchor = Anchor(4 * HOUR, 100.0, 7.5)
    whole = count_back(anchor, times, [0.0, 1.25, 2.0, 4.0])
    late = count_back(anchor, times[2:], [0.0, 2.0])
    early = count_back(Anchor.of(late[0]), times[:3], [0.0, 1.25, 2.0])
    assert early + late == whole


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
    gap = hole((100, 40), (106, 1), 3)
    lift = restarted(gap, 6)
    assert lift == pytest.approx(45)
    assert lifted(gap, lift).after.sum == pytest.approx(46)
    assert restarted(lifted(gap, lift), 6) == 0


def test_a_sum_that_was_corrected_by_hand_is_left_alone() -> None:
    assert restarted(hole((100, 40), (106, 30), 3), 6) == 0
    assert restarted(hole((100, 40), (106, -3), 3), 6) == 0


def test_a_sum_in_order_is_left_alone() -> None:
    assert restarted(hole((100, 40), (106, 46.00000001), 3), 6) == 0


def test_a_new_meter_during_a_long_outage() -> None:
    gap = hole((100, 40), (2, 1), 3)
    lift = restarted(gap, 6)
    assert lifted(gap, lift).after.sum == pytest.approx(46)


def test_a_new_meter_that_the_recorder_saw_goes_on_as_the_old_one() -> None:
    gap = hole((100, 40), (2, 44), 3)
    assert restarted(gap, 4) == 0
    rows = fill(gap, [0, 1, 2, 3, 4], MEASURED)
    assert [(row.state, row.sum) for row in rows] == [(101, 41), (102, 42), (103, 43)]


def test_an_unexplained_fall_is_not_covered_up() -> None:
    assert fill(hole((100, 40), (106, 30), 3), [0, 1, 2, 3, 4], MEASURED) == []
