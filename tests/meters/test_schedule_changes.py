"""A slow meter that is asked as seldom as it measures, and whose ways change."""

import pytest

from custom_components.cemm.meters.schedule import Schedule
from tests.helpers.fake_meter import LOCAL, REMOTE, FakeMeter, Watch, meters

HOUR = 3600.0
MINUTE = 60.0

both_apis = pytest.mark.parametrize("limits", [LOCAL, REMOTE], ids=["local", "remote"])


def latest(watch: Watch) -> float:
    """Return by how much a value was shown late, at most, after it could be read."""
    return max(watch.ages) - watch.meter.readable_after


def extra(watch: Watch, seconds: float) -> float:
    """Return how many questions an hour there were beyond one for each measurement."""
    return (len(watch.asked) - seconds / watch.meter.cadence) / (seconds / HOUR)


@both_apis
@pytest.mark.parametrize(
    "cadences",
    [
        (HOUR, 300, HOUR),
        (300, HOUR, 300),
        (HOUR, 900, 300),
        (HOUR, 1800, HOUR),
        (900, 300, 600),
        (1800, 120, 1800),
        (HOUR, 1000, HOUR),
    ],
)
def test_a_cadence_that_changes_is_learned(
    limits: tuple[float, float], cadences: tuple[float, ...]
) -> None:
    """Nothing tells of a faster one but a question, of which there is one more an hour."""
    for meter in meters(cadence=cadences[0]):
        watch = Watch(meter, Schedule(*limits))
        for cadence in cadences:
            meter.cadence = cadence
            watch.seen = meter.measured(meter.newest(watch.now))
            two_rounds = max(HOUR + 2 * cadence, 3 * cadence)
            watch.run(6 * HOUR, warm_up=two_rounds)
            assert latest(watch) <= MINUTE + 1
            watch.run(24 * HOUR)
            assert latest(watch) < limits[0] + 10
            assert extra(watch, 24 * HOUR) < 1.5
            assert len(watch.ages) >= 24 * HOUR / cadence - 1


@pytest.mark.parametrize("phase", [0, 100, 200])
def test_a_meter_that_is_set_to_hours_is_asked_each_minute_for_two(
    phase: float,
) -> None:
    """Set within the first five minutes of an hour: its time does not even jump back."""
    meter = FakeMeter(cadence=300, phase=phase)
    watch = Watch(meter).run(6 * HOUR + phase + 100)
    meter.cadence = HOUR
    watch.run(10 * HOUR, warm_up=3 * HOUR)
    assert latest(watch) < 20
    assert len(watch.asked) <= 20


@both_apis
@pytest.mark.parametrize(
    ("cadence", "late"),
    [(300, 90), (HOUR, 90), (HOUR, 600), (HOUR, 1200), (HOUR, 2400)],
)
def test_what_comes_late_is_shown_at_once_and_makes_nothing_else_late(
    limits: tuple[float, float], cadence: float, late: float
) -> None:
    """Be it once, or from now on."""
    for meter in meters(cadence=cadence):
        watch = Watch(meter, Schedule(*limits)).run(12 * HOUR)
        for rounds in (1, 10):
            meter.readable_after = late
            watch.run(rounds * cadence + late + MINUTE)
            assert latest(watch) <= MINUTE + 1
            meter.readable_after = 0.2
            watch.run(HOUR + cadence)
            watch.run(10 * HOUR)
            assert latest(watch) < MINUTE
            assert extra(watch, 10 * HOUR) < 1.5


@pytest.mark.parametrize("late", [90, 600, 1200])
def test_what_was_late_from_the_start_may_come_sooner(late: float) -> None:
    for meter in meters(cadence=HOUR, readable_after=late):
        watch = Watch(meter).run(12 * HOUR)
        watch.run(12 * HOUR)
        assert latest(watch) < 20
        meter.readable_after = 0.2
        watch.run(10 * HOUR, warm_up=3 * HOUR)
        assert latest(watch) < MINUTE
        assert extra(watch, 10 * HOUR) < 1.5


@both_apis
@pytest.mark.parametrize("cadence", [300, 900, HOUR])
def test_no_more_than_one_question_more_an_hour(
    limits: tuple[float, float], cadence: float
) -> None:
    for meter in meters(cadence=cadence):
        watch = Watch(meter, Schedule(*limits)).run(2 * 24 * HOUR, warm_up=6 * HOUR)
        assert extra(watch, 2 * 24 * HOUR) < 1.2
