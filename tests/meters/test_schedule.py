"""When a meter is asked next, after what it answered or did not."""

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.meters.schedule import LONGEST_BACK_OFF, Schedule
from tests.helpers.fake_meter import LOCAL, REMOTE, FakeMeter


def pauses_after(
    *newer: float | None, limits: tuple[float, float] = LOCAL
) -> list[float]:
    """Return the pauses after answers that are this many seconds newer than before."""
    schedule = Schedule(*limits)
    pauses: list[float] = []
    measured: float | None = None
    for step in newer:
        if step is not None:
            measured = (measured or 1_790_000_000) + step
        asked = schedule.due
        schedule.answered(None if measured is None else round(measured * 1000), asked)
        pauses.append(schedule.due - asked)
    return pauses


@pytest.mark.parametrize("nothing", [None, 0], ids=["never-measured", "same-time"])
def test_a_meter_that_measures_nothing_is_asked_less_and_less(
    nothing: float | None,
) -> None:
    assert pauses_after(*[nothing] * 12) == [5] * 7 + [5, 10, 20, 40, 60]


def test_a_meter_without_cadence_is_asked_again_soon_after_measuring() -> None:
    learning = pauses_after(0, *[0] * 7)
    assert learning[-1] == 5
    assert pauses_after(0, *[0] * 12, 500, 0, 0, 0, 0, 77, 0)[-7:] == [
        *[10, 20, 40, 60, 60],
        *[10, 20],
    ]


def test_starts_at_once_and_then_asks_often() -> None:
    assert Schedule(*LOCAL).due == 0
    assert pauses_after(0, 0, 10, 0) == [5, 5, 5, 5]


def test_three_measurements_that_agree_are_enough() -> None:
    assert pauses_after(0, 0, 10, 0, 10)[-1] == 8.75


def test_asking_early_changes_nothing() -> None:
    schedule = Schedule(*LOCAL)
    for time in range(0, 60, 5):
        schedule.answered((1_790_000_000 + time // 10 * 10) * 1000, float(time))
    schedule.answered(1_790_000_060_000, 60)
    due = schedule.due
    assert due > 67
    schedule.answered(1_790_000_060_000, 61)
    assert schedule.due == due


@pytest.mark.parametrize(("limits", "pause"), [(LOCAL, 10), (REMOTE, 60)])
def test_failures_are_repeated_steadily(
    limits: tuple[float, float], pause: float
) -> None:
    schedule = Schedule(*limits)
    for _ in range(20):
        asked = schedule.due
        schedule.failed(asked, back_off=False)
        assert schedule.due == asked + pause


def test_backs_off_from_a_service_in_trouble() -> None:
    schedule = Schedule(*REMOTE)
    pauses = []
    for _ in range(6):
        asked = schedule.due
        schedule.failed(asked, back_off=True)
        pauses.append(schedule.due - asked)
    assert pauses == [60, 120, 240, *[LONGEST_BACK_OFF] * 3]
    schedule.answered(1_790_000_000_000, asked := schedule.due)
    assert schedule.due - asked <= 60


def test_a_late_question_puts_the_next_off_by_no_more_than_the_longest_pause() -> None:
    """The next two measurements, every 40 s, are 25 and 65 s away."""
    meter, schedule = FakeMeter(cadence=40, phase=0), Schedule(*REMOTE)
    for asked in (0.3, 40.1, 40.3, 80.1, 80.3, 120.1, 120.3, 175.3):
        schedule.answered(meter.stamp(meter.newest(asked)), asked)
    assert schedule.due == pytest.approx(175.3 + 60)


events = st.lists(
    st.one_of(
        st.tuples(st.just("measured"), st.integers(1, 4_000_000)),
        st.tuples(st.just("regular"), st.sampled_from([1000, 10_000, 40_000, 300_000])),
        st.tuples(st.just("jump"), st.integers(-(10**8), 10**8)),
        st.tuples(st.just("nothing"), st.just(0)),
        st.tuples(st.just("failed"), st.integers(0, 1)),
    ),
    max_size=60,
)


@given(events, st.sampled_from([LOCAL, REMOTE]), st.floats(0, 100))
def test_never_too_soon_and_never_too_late(
    events: list[tuple[str, int]], limits: tuple[float, float], late: float
) -> None:
    """Whatever a meter and a clock do."""
    shortest, longest = limits
    schedule = Schedule(shortest, longest)
    measured, longest_interval = 1_790_000_000_000, 0
    for kind, number in events:
        asked = schedule.due + late
        if kind == "failed":
            schedule.failed(asked, back_off=bool(number))
            limit = LONGEST_BACK_OFF if number else longest
        else:
            measured += number
            longest_interval = max(longest_interval, abs(number))
            schedule.answered(measured, asked)
            limit = max(longest, longest_interval / 1000)
        assert shortest - 1e-6 <= schedule.due - asked <= limit + 1e-6


@given(st.permutations(range(300, 600, 10)))
def test_never_later_than_the_longest_pause_without_a_cadence(steps: list[int]) -> None:
    """Intervals that differ by more than clocks err are no cadence."""
    schedule = Schedule(*LOCAL)
    measured = 1_790_000_000
    for step in steps:
        measured += step
        for _ in range(2):
            schedule.answered(measured * 1000, asked := schedule.due)
            assert schedule.due - asked <= 60


def test_a_meter_that_measures_seldom_can_be_asked_sooner() -> None:
    schedule = Schedule(*LOCAL)
    asked = measured = 0
    while schedule.due - asked <= 60 or not asked:
        asked = round(schedule.due)
        measured = asked // 600 * 600
        schedule.answered((1_790_000_000 + measured) * 1000, asked)
    schedule.limit_wait()
    assert schedule.due == asked + 60
    schedule.limit_wait()
    assert schedule.due == asked + 60
