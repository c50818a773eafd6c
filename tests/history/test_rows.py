"""Rows that join their neighbours without a jump."""

from itertools import accumulate, pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.history.rows import Hole, Row, count_back

HOUR = 3600
amounts = st.lists(st.floats(0, 50), min_size=2, max_size=60)


def test_a_hole_ends_with_the_hour_after_it() -> None:
    hole = Hole(Row(4 * HOUR, 0, 0), Row(7 * HOUR, 0, 0))
    assert hole.times == [5 * HOUR, 6 * HOUR, 7 * HOUR, 8 * HOUR]


@given(amounts, st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_counting_back_keeps_the_difference_of_sum_and_state(
    used: list[float], state: float, total: float
) -> None:
    counted = list(accumulate(used[1:], initial=0.0))
    times = [n * HOUR for n in range(1, len(counted))] + [len(counted) * HOUR - 600]
    rows = count_back(Row(times[-1] - HOUR, state, total), times, counted)
    assert [row.end for row in rows] == times[:-1]
    ends = [*((row.state, row.sum) for row in rows), (state, total)]
    for (old, new), amount in zip(pairwise(ends), used[1:], strict=True):
        assert new[0] - old[0] == pytest.approx(amount, abs=2e-6)
        assert new[1] - old[1] == pytest.approx(amount, abs=2e-6)


def test_counting_back_in_two_steps_is_counting_back_in_one() -> None:
    times = [HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]
    anchor = Row(3 * HOUR, 100.0, 7.5)
    whole = count_back(anchor, times, [0.0, 1.25, 2.0, 4.0])
    late = count_back(anchor, times[2:], [0.0, 2.0])
    early = count_back(late[0], times[:3], [0.0, 1.25, 2.0])
    assert early + late == whole
