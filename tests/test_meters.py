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
