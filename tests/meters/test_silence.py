"""Meters that have stopped, and those that have not."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.cemm.client import Measurement
from custom_components.cemm.kinds import MeterKind, is_watched
from custom_components.cemm.meters.silence import Activity, has_stopped, observe

NOON = 1_790_000_000
"""Unix seconds by the CEMM's clock."""
YEAR = 365 * 86400


def measured(*times: float) -> list[Measurement]:
    return [Measurement(int(time * 1000), 230.0) for time in times]


class Cemm:
    """Some watched meters, observed at every poll by a clock that began at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meters: dict[str, Activity] = {}

    def poll(self, after: float = 10.0, **times: float) -> set[str]:
        """Return the stopped ones among the meters with these timestamps."""
        self.now += after
        for alias, time in times.items():
            activity = observe(self.meters.get(alias), measured(time), self.now)
            assert activity
            self.meters[alias] = activity
        watched = self.meters.values()
        return {
            alias
            for alias, meter in self.meters.items()
            if has_stopped(meter, watched, self.now)
        }


@pytest.mark.parametrize(
    ("alias", "kind", "watched"),
    [
        ("p1", MeterKind.SMART, True),
        ("mb5", MeterKind.ELECTRICITY, True),
        ("mb1", MeterKind.PRODUCTION, True),
        ("usage", MeterKind.USAGE, True),
        ("p1-gas", MeterKind.GAS, False),
        ("pulse-2", MeterKind.WATER, False),
        ("emucs-water", MeterKind.WATER, False),
        ("pulse-1", MeterKind.GAS_PULSE, False),
        ("pulse-3", MeterKind.PULSE, False),
        ("s01", MeterKind.PRODUCTION, False),
        ("s02", MeterKind.ELECTRICITY, False),
    ],
)
def test_quiet_by_nature(alias: str, kind: MeterKind, watched: bool) -> None:
    assert is_watched(alias, kind) is watched


def test_live_meters_are_never_stalled() -> None:
    cemm = Cemm()
    for second in range(0, 3600, 10):
        assert not cemm.poll(p1=NOON + second, mb5=NOON + second - second % 60)


def test_stopped_beside_a_live_one() -> None:
    """Five minutes by the CEMM's clock."""
    cemm = Cemm()
    cemm.poll(p1=NOON, mb5=NOON)
    for second in range(10, 301, 10):
        assert not cemm.poll(p1=NOON, mb5=NOON + second)
    assert cemm.poll(p1=NOON, mb5=NOON + 310) == {"p1"}
    assert not cemm.poll(p1=NOON + 320, mb5=NOON + 320)


def test_the_clock_of_the_cemm_counts() -> None:
    """Not Home Assistant's, if another meter tells it."""
    cemm = Cemm()
    cemm.poll(p1=NOON, mb5=NOON)
    for minute in range(60):
        assert not cemm.poll(60, p1=NOON, mb5=NOON + minute + 1)
    assert cemm.poll(60, p1=NOON, mb5=NOON + 301) == {"p1"}


def test_all_stopped() -> None:
    cemm = Cemm()
    cemm.poll(p1=NOON, usage=NOON + 5)
    for _ in range(30):
        assert not cemm.poll(p1=NOON, usage=NOON + 5)
    assert cemm.poll(p1=NOON, usage=NOON + 5) == {"p1", "usage"}
    assert cemm.poll(p1=NOON + 330, usage=NOON + 5) == {"usage"}


def test_the_only_meter_stopped() -> None:
    cemm = Cemm()
    cemm.poll(p1=NOON)
    assert not cemm.poll(300, p1=NOON)
    assert cemm.poll(p1=NOON) == {"p1"}


def test_stopped_long_before_the_start() -> None:
    cemm = Cemm()
    for second in range(0, 70, 10):
        stopped = cemm.poll(p1=NOON - YEAR, mb5=NOON + second)
    assert stopped == {"p1"}


@pytest.mark.parametrize("jump", [-YEAR, -3600, 3600, YEAR])
def test_clock_that_is_set_right(jump: int) -> None:
    """The meters follow within a poll or two; one that stopped does not."""
    cemm = Cemm()
    for second in range(0, 300, 10):
        assert not cemm.poll(p1=NOON + second, mb5=NOON + second, mb6=NOON + second)
    for second in range(300, 350, 10):
        time = NOON + second
        assert not cemm.poll(p1=time + jump, mb5=NOON + 290, mb6=NOON + 290)
    for second in range(350, 400, 10):
        time = NOON + second + jump
        stopped = cemm.poll(p1=time, mb5=time, mb6=NOON + 290)
    assert stopped == {"mb6"}


def test_channel_stamped_in_the_future_hides_nothing() -> None:
    """A channel may keep the stamp of a clock that was wrong."""
    activity = None
    for second in range(0, 900, 10):
        now = float(second)
        activity = observe(activity, measured(NOON + YEAR, NOON + second), now)
        assert activity
        assert not has_stopped(activity, [activity], now)
    assert activity
    assert activity.newest == (NOON + 890) * 1000
    # One channel fewer is no sign of life.
    assert observe(activity, measured(NOON + YEAR), 1300) is activity
    assert has_stopped(activity, [activity], 1300)


def test_nothing_measured_yet() -> None:
    assert observe(None, [], 0) is None


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4_102_444_800), st.floats(0, 59)), min_size=1),
    st.lists(st.integers(1, 4_102_444_800), min_size=1),
)
def test_moving_at_all_is_alive(
    polls: list[tuple[int, float]], others: list[int]
) -> None:
    """Whatever the timestamps, and whatever the other meters say."""
    cemm = Cemm()
    previous = 0
    for (time, after), other in zip(polls, others, strict=False):
        stopped = cemm.poll(after, p1=time, mb5=other)
        assert time == previous or "p1" not in stopped
        previous = time
