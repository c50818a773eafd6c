"""Which readings come later than the hours that they close."""

import pytest

from custom_components.cemm.days import HOUR
from custom_components.cemm.history.late import hours_late, is_read_hourly
from custom_components.cemm.history.recorder import SHORT_TERM
from custom_components.cemm.history.rows import Hole, Row
from custom_components.cemm.history.want import Why, difference, want_late

START = 1_781_092_800
USED = [0.3, 0.1, 0.9, 0.0, 0.4, 0.2, 0.7, 0.5]


def minutes(late: float, every: float = HOUR) -> list[Row]:
    """Return short-term rows of a meter that tells some seconds late what it counted."""
    rows = []
    for start in range(START, START + len(USED) * HOUR, SHORT_TERM):
        told = (start + SHORT_TERM - START - late) // every * every / HOUR
        hours = max(int(told), 0)
        state = sum(USED[:hours]) + (told - hours) * USED[min(hours, 7)] * (told > 0)
        rows.append(Row(start, 100 + state, state))
    return rows


@pytest.mark.parametrize("late", [60, 400, 3500])
def test_a_meter_that_is_read_once_an_hour(late: float) -> None:
    assert is_read_hourly(minutes(late))


def test_other_meters_are_not() -> None:
    assert not is_read_hourly(minutes(0, every=300))
    assert not is_read_hourly(minutes(0, every=1500))
    assert not is_read_hourly([])


@pytest.mark.parametrize(("seconds", "late"), [(60, 1), (3500, 1), (3700, 2), (0, 0)])
def test_the_day_data_tells_how_late_it_is(seconds: float, late: int) -> None:
    times = [START + n * HOUR for n in range(9)]
    used = [sum(USED[:n]) for n in range(9)]
    assert hours_late(minutes(seconds), times, (used, [0.0] * 9)) == late


def test_what_is_not_alike_tells_nothing() -> None:
    times = [START + n * HOUR for n in range(9)]
    assert (
        hours_late(minutes(60), times, ([3.0 * n for n in range(9)], [0.0] * 9)) is None
    )


def test_late_readings_move_only_between_two_rows() -> None:
    before, after = Row(0, 100, 10), Row(3 * HOUR, 101, 11)
    wants = want_late(Hole(before, after), [0, 0.8, 1.0, 1.5], [0.0] * 4, 1)
    assert {want.why for want in wants} == {Why.LATE}
    what = difference([before, after], wants)
    assert not what.moves
    assert [(row.state, row.sum) for row in what.rows] == [(100.8, 10.8), (101, 11)]
    unknown = [0.0, 0.0, 5.0, 60.0]
    assert not want_late(Hole(before, after), [0, 0.8, 1.0, 1.5], unknown, 1)
