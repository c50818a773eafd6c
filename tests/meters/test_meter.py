"""A meter is followed from one answer to the next."""

import json
from typing import Any

import pytest

from custom_components.cemm.client import Measurement, Meter, Reading
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.meters.guard import Verdict
from custom_components.cemm.meters.meter import MeterTracker, restore_counters

NOW = 1_781_092_800


def reading(at: float = NOW, **values: float) -> Reading:
    return Reading(
        {key: Measurement(int(at * 1000), value) for key, value in values.items()}
    )


@pytest.fixture
def tracker() -> MeterTracker:
    return MeterTracker(Meter("p1", "p1"), MeterKind.SMART, {})


def test_a_meter_is_available_from_its_first_answer_to_the_third_failure(
    tracker: MeterTracker,
) -> None:
    assert not tracker.data.available
    tracker.read(reading(t1=5), NOW, 0)
    seen = []
    for _ in range(4):
        tracker.fail()
        seen.append(tracker.data.available)
    assert seen == [True, True, False, False]

    tracker.read(reading(t1=5), NOW + 60, 60)
    assert tracker.data.available


def test_a_register_gone_missing_is_no_channel_but_still_a_register(
    tracker: MeterTracker,
) -> None:
    tracker.read(reading(t1=5, t2=7, rate=1), NOW, 0)
    tracker.read(reading(NOW + 10, t2=7.5), NOW + 10, 10)

    assert {key: m.value for key, m in tracker.data.channels.items()} == {"t2": 7.5}
    assert tracker.data.registers == {"t1": 5, "t2": 7.5}


def test_a_counter_that_never_was_good_is_no_channel(tracker: MeterTracker) -> None:
    tracker.read(reading(t1=-5, electric_power=-5), NOW, 0)

    assert tracker.data.channels.keys() == {"electric_power"}


def test_the_same_answer_again_changes_nothing(tracker: MeterTracker) -> None:
    answer = reading(t1=5)
    tracker.read(answer, NOW, 0)
    known = tracker.data
    tracker.read(answer, NOW + 10, 10)
    assert tracker.data is known


def test_the_same_answer_ends_an_outage(tracker: MeterTracker) -> None:
    answer = reading(t1=5)
    tracker.read(answer, NOW, 0)
    for _ in range(3):
        tracker.fail()
    tracker.read(answer, NOW + 60, 60)
    assert tracker.data.available
    assert tracker.failures == 0


def test_the_same_answer_may_make_clear_what_to_think_of_it(
    tracker: MeterTracker,
) -> None:
    tracker.read(reading(t1=500), NOW, 0)
    lower = reading(NOW + 10, t1=3)
    news = []
    for seconds in range(10, 1010, 50):
        tracker.read(lower, NOW + seconds, seconds)
        news.append(tracker.news)
    assert news.count(Verdict.REPLACED) == 1
    assert tracker.data.registers == {"t1": 3}


def test_what_is_known_survives_as_json(tracker: MeterTracker) -> None:
    tracker.read(reading(t1=500, electric_energy=-3.5), NOW, 0)
    stored = json.loads(json.dumps(tracker.as_dict()))

    later = MeterTracker(Meter("p1"), MeterKind.SMART, restore_counters(stored))
    assert later.data.registers == {"t1": 500, "electric_energy": -3.5}
    assert not later.data.available
    later.read(reading(NOW + 60, t1=0), NOW + 60, 5)
    assert later.data.channels["t1"].value == 500


@pytest.mark.parametrize(
    "stored",
    [None, [], "t1", {"t1": None}, {"t1": {"value": 1}}, {"rate": {"time": 1}}],
)
def test_what_is_damaged_is_not_known(stored: Any) -> None:
    assert not restore_counters(stored)


@pytest.mark.parametrize(
    ("wrong", "doubted"),
    [
        ({"t1": 0, "t2": 0, "t3": 0, "t4": 0}, {"t1", "t2", "t3", "t4"}),
        ({"t1": 0, "t3": 200, "electric_energy": 300}, {"t1"}),
        ({"t2": 500, "t4": 0, "electric_energy_high": 300}, {"t4"}),
    ],
)
def test_a_first_zero_that_others_contradict_is_not_believed(
    tracker: MeterTracker, wrong: dict[str, float], doubted: set[str]
) -> None:
    tracker.read(reading(**wrong), NOW, 0)
    assert tracker.data.registers.keys() == wrong.keys() - doubted
    assert not doubted & tracker.data.channels.keys()

    right = {"t1": 500, "t2": 500, "t3": 200, "t4": 200}
    right |= {"electric_energy": 300, "electric_energy_high": 300}
    tracker.read(reading(NOW + 10, **right), NOW + 10, 10)
    assert tracker.data.registers == right


def test_a_zero_that_stays_is_a_new_meters(tracker: MeterTracker) -> None:
    for seconds in range(0, 180, 60):
        tracker.read(reading(NOW + seconds, t1=0, t2=0), NOW + seconds, seconds)
        assert tracker.data.registers == {}
    tracker.read(reading(NOW + 180, t1=0, t2=0), NOW + 180, 180)
    assert tracker.data.registers == {"t1": 0, "t2": 0}


@pytest.mark.parametrize(
    "values",
    [
        {"t1": 500, "t2": 700, "t3": 0, "t4": 0},
        {"t1": 500, "t3": 0, "electric_energy": 500},
        {"volume": 0, "flow": 0},
    ],
)
def test_a_first_zero_that_may_well_be_shows_at_once(
    tracker: MeterTracker, values: dict[str, float]
) -> None:
    tracker.read(reading(**values), NOW, 0)
    assert {key: m.value for key, m in tracker.data.channels.items()} == values


def test_a_new_meter_is_news_once(tracker: MeterTracker) -> None:
    """The net value of its registers follows from them."""
    tracker.read(reading(NOW, t1=5000, t3=100, electric_energy=4900), NOW, 0)
    news = []
    for s in range(10, 1500, 10):
        new = reading(NOW + s, t1=3 + s / 1e5, t3=0.5, electric_energy=2.5 + s / 1e5)
        tracker.read(new, NOW + s, s)
        news.append(tracker.news)
    assert [each for each in news if each] == [Verdict.REPLACED]
    assert tracker.data.registers["electric_energy"] < 3


@pytest.mark.parametrize(
    ("idle", "count"),
    [(10, 60.0), (8 * 3600, 5000.0), (10 * 86_400, 20.0)],
    ids=["soon", "in the morning", "days later"],
)
def test_net_values_without_registers_are_counters(idle: float, count: float) -> None:
    """A pulse meter has nothing else; at night an inverter uses a little itself."""
    tracker = MeterTracker(Meter("s01", "solar_energy"), MeterKind.PRODUCTION, {})
    tracker.read(reading(electric_energy=count), NOW, 0)
    shown = []
    for at, value in ((0, 0.0), (10, count - 0.005), (20, 0.0), (30, count + 1)):
        after = idle + at
        tracker.read(reading(NOW + after, electric_energy=value), NOW + after, after)
        shown.append(tracker.data.registers["electric_energy"])
    assert shown == [count, count - 0.005, count - 0.005, count + 1]


def test_a_leap_of_what_is_fed_in_is_no_new_meter(tracker: MeterTracker) -> None:
    """Its net value falls by that."""
    tracker.read(reading(NOW, t1=5000, t3=100, electric_energy=4900), NOW, 0)
    news = []
    for s in range(10, 2000, 10):
        leapt = 9000 + s / 1e5
        it = reading(NOW + s, t1=5000, t3=leapt, electric_energy=5000 - leapt)
        tracker.read(it, NOW + s, s)
        news.append(tracker.news)
    assert [each for each in news if each] == [Verdict.LEAPT]


def test_one_register_of_a_new_meter_proves_all_of_them(tracker: MeterTracker) -> None:
    """A register at 0 alone is waited for longer: its total would be of two meters."""
    tracker.read(reading(t1=5000, t2=3000, t3=700, gas=900), NOW, 0)
    seen = set()
    for after in range(10, 400, 10):
        tracker.read(
            reading(NOW + after, t1=0, t2=0.05, t3=0, gas=0), NOW + after, after
        )
        seen.add(tuple(tracker.data.registers.values()))
    assert seen == {(5000, 3000, 700, 900), (0, 0.05, 0, 900)}


@pytest.mark.parametrize(
    ("alias", "kind", "waits"),
    [
        ("p1-gas", MeterKind.GAS, True),
        ("pulse-1", MeterKind.GAS, False),
        ("pulse-2", MeterKind.WATER, False),
        ("p1", MeterKind.SMART, False),
    ],
)
def test_only_gas_by_a_smart_meter_may_be_asked_seldom(
    alias: str, kind: MeterKind, waits: bool
) -> None:
    tracker = MeterTracker(Meter(alias), kind, {})
    tracker.read(reading(gas=5), NOW, 0)
    assert tracker.may_wait is waits


def test_a_held_reading_is_asked_for_again_soon() -> None:
    tracker = MeterTracker(Meter("p1-gas"), MeterKind.GAS, {})
    tracker.read(reading(gas=500), NOW, 0)
    tracker.read(reading(NOW + 3600, gas=3), NOW + 3600, 3600)
    assert not tracker.may_wait
