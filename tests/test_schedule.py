"""Asking meters in step with their measurements, against meters of every kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, inf
from random import Random
from statistics import mean

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.schedule import LONGEST_BACK_OFF, Schedule

HOUR = 3600.0
LOCAL = (5.0, 60.0)
REMOTE = (30.0, 60.0)


@dataclass
class FakeMeter:
    """A meter, its CEMM's clock, and the network in between. Any field may change."""

    cadence: float = 10
    phase: float = 3.3
    clock: float = 1_790_000_000
    """What the CEMM's clock shows at our second 0."""
    drift: float = 0
    """Seconds that it gains per second."""
    resolution: float = 0.001
    """Seconds to which it rounds its times down."""
    stamp_jitter: float = 0
    network_jitter: float = 0
    """Seconds that a question may take longer on its way, and an answer too."""
    readable_after: float = 0.2
    round_trip: float = 0.02
    lost: float = 0
    """The share of measurements that never arrive."""
    stopped_at: float = inf
    random: Random = field(default_factory=lambda: Random(1), init=False)

    def travel(self) -> float:
        return self.round_trip / 2 + self.random.random() * self.network_jitter

    def newest(self, at: float) -> int:
        """Return which measurement is the newest that can be read."""
        at = min(at, self.stopped_at) - self.readable_after - self.phase
        number = floor(at / self.cadence)
        while self.lost and Random(number).random() < self.lost:
            number -= 1
        return number

    def measured(self, number: int) -> float:
        return number * self.cadence + self.phase

    def stamp(self, number: int) -> int:
        """Return a measurement's time in milliseconds by the CEMM's clock."""
        jitter = 0.0
        if self.stamp_jitter:
            jitter = Random(number).uniform(-1, 1) * self.stamp_jitter
        time = self.clock + self.measured(number) * (1 + self.drift) + jitter
        return round(floor(time / self.resolution) * self.resolution * 1000)


@dataclass
class Watch:
    """Asks a meter when a schedule says so, and keeps count."""

    meter: FakeMeter
    schedule: Schedule = field(default_factory=lambda: Schedule(*LOCAL))
    now: float = 0
    asked: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    """How old each new measurement was when its answer came."""
    seen: float = -inf

    def run(self, seconds: float, warm_up: float = 0) -> Watch:
        """Ask for this long, counting only what comes after the warm-up."""
        if warm_up:
            self.run(warm_up)
        self.asked, self.ages = [], []
        end = self.now + seconds
        while (asked := max(self.now, self.schedule.due)) < end:
            asked += self.meter.random.random() * 0.005  # timers are a little late
            arrived = asked + self.meter.travel()
            self.now = arrived + self.meter.travel()
            number = self.meter.newest(arrived)
            self.schedule.answered(self.meter.stamp(number), asked)
            self.asked.append(asked)
            if (measured := self.meter.measured(number)) > self.seen:
                self.ages.append(self.now - measured)
                self.seen = measured
        self.now = end
        return self

    @property
    def age(self) -> float:
        return mean(self.ages)

    @property
    def requests(self) -> float:
        """Requests per measurement that was seen."""
        return len(self.asked) / len(self.ages)

    @property
    def pauses(self) -> list[float]:
        return [b - a for a, b in pairwise(self.asked)]


def meters(**fields: float) -> list[FakeMeter]:
    """Return such meters of all phases."""
    cadence = fields.get("cadence", 10)
    return [FakeMeter(phase=part / 12 * cadence, **fields) for part in range(12)]


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
    for meter in meters(cadence=cadence):
        watch = Watch(meter, Schedule(*limits)).run(60 * cadence, warm_up=6 * cadence)
        assert watch.requests < 1.2
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


def pauses_after(
    *news: float | None, limits: tuple[float, float] = LOCAL
) -> list[float]:
    """Return the pauses after answers that are this many seconds newer than before."""
    schedule = Schedule(*limits)
    pauses: list[float] = []
    measured: float | None = None
    for step in news:
        if step is not None:
            measured = (measured or 1_790_000_000) + step
        asked = schedule.due
        schedule.answered(None if measured is None else round(measured * 1000), asked)
        pauses.append(schedule.due - asked)
    return pauses


@pytest.mark.parametrize("nothing", [None, 0], ids=["never-measured", "same-time"])
def test_a_meter_without_news_is_asked_less_and_less(nothing: float | None) -> None:
    assert pauses_after(*[nothing] * 12) == [5] * 7 + [5, 10, 20, 40, 60]


def test_a_meter_without_cadence_is_asked_again_soon_after_news() -> None:
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


def test_stays_in_step_over_an_outage() -> None:
    """What was learned is kept."""
    watch = Watch(FakeMeter()).run(HOUR)
    for _ in range(20):
        watch.schedule.failed(watch.schedule.due, back_off=False)
    watch.now = watch.schedule.due
    watch.run(600, warm_up=20)
    assert watch.age < 0.6
    assert watch.requests < 1.1


def test_a_late_question_puts_the_next_off_by_no_more_than_the_longest_pause() -> None:
    """The next two measurements, every 40 s, are 25 and 65 s away."""
    meter, schedule = FakeMeter(cadence=40, phase=0), Schedule(*REMOTE)
    for asked in (0.3, 40.1, 40.3, 80.1, 80.3, 120.1, 120.3, 175.3):
        schedule.answered(meter.stamp(meter.newest(asked)), asked)
    assert schedule.due == pytest.approx(175.3 + 60)


events = st.lists(
    st.one_of(
        st.tuples(st.just("news"), st.integers(1, 4_000_000)),
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
