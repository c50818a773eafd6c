"""Asking in step with the measurements, of meters of every kind."""

from collections.abc import Callable
from math import inf
from statistics import mean

import pytest

from custom_components.cemm.meters.schedule import Schedule
from tests.helpers.fake_meter import LOCAL, REMOTE, FakeMeter, Watch, meters

HOUR = 3600.0


@pytest.mark.parametrize(
    ("fields", "age", "requests"),
    [
        pytest.param({}, 0.35, 1.03, id="clean"),
        pytest.param({"clock": -5000}, 0.35, 1.03, id="clock-not-set"),
        pytest.param({"drift": 1e-4}, 0.45, 1.03, id="clock-gains"),
        pytest.param({"drift": -1e-4}, 0.45, 1.03, id="clock-loses"),
        pytest.param({"network_jitter": 0.15}, 0.6, 1.03, id="slow-network"),
        pytest.param({"stamp_jitter": 0.2}, 0.8, 1.03, id="jittered-times"),
        pytest.param({"resolution": 1}, 0.6, 1.03, id="whole-seconds"),
        pytest.param(
            {"resolution": 1, "cadence": 10.4}, 1.0, 1.03, id="whole-seconds-drifting"
        ),
        pytest.param({"lost": 0.02}, 0.6, 1.1, id="lost-telegrams"),
        pytest.param({"cadence": 5}, 0.6, 1.02, id="5-s"),
        pytest.param({"cadence": 7}, 0.4, 1.03, id="7-s"),
        pytest.param({"cadence": 30}, 0.6, 1.05, id="30-s"),
    ],
)
def test_fresh_and_cheap_once_learned(
    fields: dict[str, float], age: float, requests: float
) -> None:
    """0.22 s is the youngest that a value can be. All of them are seen."""
    watches = [Watch(meter).run(3 * HOUR, warm_up=600) for meter in meters(**fields)]
    assert mean(watch.age for watch in watches) < age
    assert mean(watch.requests for watch in watches) < requests
    if "lost" not in fields:
        expected = 3 * HOUR / fields.get("cadence", 10)
        assert min(len(watch.ages) for watch in watches) > 0.97 * expected


def test_first_ten_minutes() -> None:
    """Learning included."""
    watches = [Watch(meter).run(600) for meter in meters()]
    assert mean(watch.age for watch in watches) < 0.7
    assert mean(watch.requests for watch in watches) < 1.1
    assert max(watch.age for watch in watches) < 1


def test_beats_asking_every_five_seconds_of_a_meter_that_measures_each_second() -> None:
    """Every 5 s, but right after a measurement."""
    watches = [Watch(meter).run(HOUR, warm_up=300) for meter in meters(cadence=1)]
    assert mean(watch.age for watch in watches) < 0.45
    assert mean(mean(watch.pauses) for watch in watches) == pytest.approx(
        5.02, abs=0.02
    )


@pytest.mark.parametrize("cadence", [1, 10])
def test_remote_in_step_but_rarely(cadence: float) -> None:
    for meter in meters(cadence=cadence, round_trip=0.3):
        watch = Watch(meter, Schedule(*REMOTE)).run(3 * HOUR, warm_up=HOUR)
        assert watch.age < 1
        assert min(watch.pauses) >= 30
        assert mean(watch.pauses) < 31


@pytest.mark.parametrize("limits", [LOCAL, REMOTE])
@pytest.mark.parametrize("cadence", [300, 3600])
def test_gas_is_asked_as_seldom_as_it_changes(
    limits: tuple[float, float], cadence: float
) -> None:
    """And once an hour in between."""
    for meter in meters(cadence=cadence):
        watch = Watch(meter, Schedule(*limits)).run(60 * cadence, warm_up=6 * cadence)
        assert watch.requests < 1.1 + cadence / HOUR
        assert watch.age < cadence * 0.02


def test_a_long_cadence_is_not_trusted_before_it_is_sure() -> None:
    """It takes four measurements: the one before the start, and at 3, 303 and 603 s."""
    watch = Watch(FakeMeter(cadence=300)).run(662)
    assert 60 <= max(watch.pauses) < 60.1
    assert min(watch.run(900).pauses) > 200


def at_jump(seconds: float) -> Callable[[FakeMeter], None]:
    def change(meter: FakeMeter) -> None:
        meter.clock += seconds

    return change


def new_cadence(seconds: float) -> Callable[[FakeMeter], None]:
    def change(meter: FakeMeter) -> None:
        meter.cadence = seconds

    return change


@pytest.mark.parametrize(
    "change",
    [
        *map(at_jump, [7200, 7203.2, -9000.7, -86400, 0.6, -0.6, 4]),
        *map(new_cadence, [1, 7, 15, 20, 30, 60]),
    ],
)
def test_recovers_within_minutes(change: Callable[[FakeMeter], None]) -> None:
    """From a clock that jumps, and from a meter that is set otherwise."""
    for meter in meters():
        watch = Watch(meter).run(600)
        change(meter)
        watch.seen = -inf
        watch.run(HOUR, warm_up=600)
        assert watch.age < 1.5
        assert watch.requests < 1.15
        assert len(watch.asked) < HOUR / max(meter.cadence, 5) * 1.15


@pytest.mark.parametrize("start", [30, 33, 37.5, 40])
@pytest.mark.parametrize("jump", [20, 7200])
def test_a_jump_by_whole_cadences_while_learning(start: float, jump: float) -> None:
    """It looks like measurements that went unseen."""
    for meter in meters():
        watch = Watch(meter).run(start)
        meter.clock += jump
        watch.run(HOUR, warm_up=300)
        assert watch.age < 0.5


@pytest.mark.parametrize(
    ("field", "value", "age"),
    [("clock", 1_789_999_999.4, 0.9), ("readable_after", 2.0, 3.7)],
)
def test_finds_a_small_step_soon(field: str, value: float, age: float) -> None:
    """From the first question after it."""
    watches = []
    for meter in meters():
        watches.append(watch := Watch(meter).run(1200))
        setattr(meter, field, value)
        watch.run(300)
    assert mean(watch.age for watch in watches) < age
    assert mean(watch.requests for watch in watches) < 1.3


def test_a_stopped_meter_is_asked_once_a_minute_and_found_again() -> None:
    meter = FakeMeter()
    watch = Watch(meter).run(600)
    meter.stopped_at = watch.now
    watch.run(HOUR, warm_up=300)
    assert not watch.ages
    assert min(watch.pauses) >= 60
    assert max(watch.pauses) < 60.1
    meter.stopped_at = inf
    watch.run(HOUR, warm_up=120)
    assert watch.age < 0.6


def test_stays_in_step_over_an_outage() -> None:
    """What was learned is kept."""
    watch = Watch(FakeMeter()).run(HOUR)
    for _ in range(20):
        watch.schedule.failed(watch.schedule.due, back_off=False)
    watch.now = watch.schedule.due
    watch.run(600, warm_up=20)
    assert watch.age < 0.6
    assert watch.requests < 1.1
