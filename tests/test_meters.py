"""A meter is followed from one answer to the next."""

import json
from typing import Any

import pytest

from custom_components.cemm.channels import MeterKind
from custom_components.cemm.client import Measurement, Meter, Reading
from custom_components.cemm.meters import MeterTracker, restore_counters

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
