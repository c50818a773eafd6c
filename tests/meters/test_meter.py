"""A meter is followed from one answer to the next."""

from collections.abc import Iterable, Mapping
import json

import pytest

from custom_components.cemm.client import Measurement, Meter, Reading
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.meters.breaks import Break
from custom_components.cemm.meters.guard import Verdict
from custom_components.cemm.meters.meter import NO_CHANGE, Change, MeterTracker
from custom_components.cemm.meters.store import (
    groups_as_json,
    restore_ended,
    restore_groups,
    tracker_as_json,
)

NOW = 1_781_092_800


def reading(at: float = NOW, totals: Iterable[str] = (), **values: float) -> Reading:
    return Reading(
        {key: Measurement(int(at * 1000), value) for key, value in values.items()},
        frozenset(totals),
    )


@pytest.fixture
def tracker() -> MeterTracker:
    return MeterTracker(Meter("p1", "p1"), MeterKind.SMART, {})


def go_on(
    tracker: MeterTracker,
    begin: float,
    end: float,
    totals: Iterable[str] = (),
    **values: float,
) -> list[Change]:
    """Let all answers say the same for a while; return what that made clear."""
    found = []
    for after in range(int(begin), int(end), 10):
        new = reading(NOW + after, totals, **values)
        found.append(tracker.read(new, NOW + after, after))
    return [change for change in found if change.breaks]


def moved(change: Change) -> Mapping[str, tuple[float, float]]:
    """Return from where to where each statistic goes, by key."""
    assert len({each.at for each in change.breaks}) == 1
    return {
        each.name.partition("_")[2]: (each.before, each.after) for each in change.breaks
    }


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
    tracker.read(reading(NOW + 10, t2=7.1), NOW + 10, 10)

    assert {key: m.value for key, m in tracker.data.channels.items()} == {"t2": 7.1}
    assert tracker.data.registers == {"t1": 5, "t2": 7.1}


def test_a_register_that_never_was_good_is_no_channel(tracker: MeterTracker) -> None:
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
    told = [
        tracker.read(lower, NOW + seconds, seconds).verdict
        for seconds in range(10, 1010, 50)
    ]
    assert told.count(Verdict.REPLACED) == 1
    assert tracker.data.registers == {"t1": 3}


def test_what_is_known_survives_as_json(tracker: MeterTracker) -> None:
    tracker.read(reading(t1=500, electric_energy=-3.5), NOW, 0)
    stored = json.loads(json.dumps(groups_as_json(tracker.groups)))

    later = MeterTracker(Meter("p1"), MeterKind.SMART, restore_groups(stored))
    assert later.data.registers == {"t1": 500, "electric_energy": -3.5}
    assert not later.data.available
    later.read(reading(NOW + 60, t1=0), NOW + 60, 5)
    assert later.data.channels["t1"].value == 500


def test_negative_count_is_never_accepted(tracker: MeterTracker) -> None:
    assert tracker.read(reading(t1=-1), NOW, 0) is NO_CHANGE
    assert not tracker.data.channels
    assert not tracker.read(reading(t1=0.5, t2=7), NOW, 0).breaks
    assert not go_on(tracker, 10, 3000, t1=-3.0, t2=7)
    assert tracker.data.registers == {"t1": 0.5, "t2": 7}
    assert tracker.data.channels["t1"].value == 0.5


def test_a_doubt_must_last_from_its_beginning(tracker: MeterTracker) -> None:
    """It is what counting may go on from; and that it came again is what proves it."""
    tracker.read(reading(t1=500), NOW, 0)
    must_last = [
        tracker.read(reading(NOW + after, t1=t1), NOW + after, after).must_last
        for after, t1 in enumerate((500, 3, 3, 3, 0, 500, 500), start=1)
    ]
    assert must_last == [False, True, True, False, True, True, False]


def test_a_first_zero_is_shown_and_nothing_is_counted_from_it(
    tracker: MeterTracker,
) -> None:
    wrong = {"t1": 0.0, "t2": 0.0, "electric_energy": 0.0}
    assert not go_on(tracker, 0, 360, **wrong)
    assert {key: m.value for key, m in tracker.data.channels.items()} == wrong

    right = {"t1": 500.0, "t2": 700.0, "electric_energy": 300.0}
    changes = go_on(tracker, 360, 1500, **right)
    assert tracker.data.registers == right
    assert not {change.verdict for change in changes} - {Verdict.GOOD}
    assert moved(changes[0]) == {
        "t1": (0, 500),
        "t2": (0, 700),
        "electric_energy": (0, 300),
        "energy_import": (0, 1200),
    }


@pytest.mark.parametrize(
    "values",
    [
        {"t1": 500, "t2": 700, "t3": 0, "t4": 0},
        {"t1": 500, "t3": 0, "electric_energy": 500},
        {"volume": 0, "flow": 0},
    ],
)
def test_a_first_zero_shows_at_once(
    tracker: MeterTracker, values: dict[str, float]
) -> None:
    tracker.read(reading(**values), NOW, 0)
    assert {key: m.value for key, m in tracker.data.channels.items()} == values


def test_a_new_meter_is_told_once(tracker: MeterTracker) -> None:
    """The net value of its registers follows from them."""
    tracker.read(reading(NOW, t1=5000, t3=100, electric_energy=4900), NOW, 0)
    told = []
    for s in range(10, 1500, 10):
        new = reading(NOW + s, t1=3 + s / 1e5, t3=0.5, electric_energy=2.5 + s / 1e5)
        told.append(tracker.read(new, NOW + s, s))
    assert [each.verdict for each in told if each.verdict is not Verdict.GOOD] == [
        Verdict.REPLACED
    ]
    changed = next(each for each in told if each.breaks)
    assert moved(changed) == {
        "t1": (5000, 3.0001),
        "t3": (100, 0.5),
        "electric_energy": (4900, pytest.approx(2.506, abs=2e-3)),
        "energy_import": (5000, 3.0001),
        "energy_export": (100, 0.5),
    }
    assert tracker.data.registers["electric_energy"] < 3


def test_net_values_go_along_with_their_registers(tracker: MeterTracker) -> None:
    """By themselves they may change by little."""
    before = {"t1": 3.0, "t3": 1.0, "electric_energy": 2.0}
    tracker.read(reading(NOW, **before), NOW, 0)
    new = {"t1": 0.2, "t3": 0.2, "electric_energy": 0.0}
    assert not go_on(tracker, 10, 600, **new)
    assert tracker.data.registers == before
    changes = go_on(tracker, 600, 1500, **new)
    assert [change.verdict for change in changes] == [Verdict.REPLACED]
    assert moved(changes[0])["electric_energy"] == (2, 0)
    assert tracker.data.registers == new

    assert not go_on(tracker, 1500, 1520, t1=0.2, t3=0.2, electric_energy=70.0)
    assert tracker.data.registers == new, "they may still be wrong by themselves"
    assert tracker.read(reading(t1=0.2, electric_energy=0.1), NOW + 1520, 1520)
    assert tracker.data.registers["electric_energy"] == 0.1


def test_a_change_of_the_nets_of_a_pulse_meter_is_told() -> None:
    tracker = MeterTracker(Meter("s01"), MeterKind.ELECTRICITY, {})
    nets = {"electric_energy": 700.0, "electric_energy_high": 900.0}
    tracker.read(reading(**nets), NOW, 0)
    new = {"electric_energy": 1.0, "electric_energy_high": 0.0}
    changes = go_on(tracker, 10, 1500, **new)
    assert [change.verdict for change in changes] == [Verdict.REPLACED]
    assert moved(changes[0]) == {
        "electric_energy": (700, 1),
        "electric_energy_high": (900, 0),
        "energy_import": (1600, 1),
    }


@pytest.mark.parametrize(
    ("idle", "count"),
    [(10, 60.0), (8 * 3600, 5000.0), (10 * 86_400, 20.0)],
    ids=["soon", "in the morning", "days later"],
)
def test_net_values_without_tariffs_are_registers(idle: float, count: float) -> None:
    """A pulse meter has nothing else; at night an inverter uses a little itself."""
    tracker = MeterTracker(Meter("s01", "solar_energy"), MeterKind.PRODUCTION, {})
    tracker.read(reading(electric_energy=count), NOW, 0)
    shown = []
    for at, value in ((0, 0.0), (10, count - 0.005), (20, 0.0), (30, count + 0.2)):
        after = idle + at
        tracker.read(reading(NOW + after, electric_energy=value), NOW + after, after)
        shown.append(tracker.data.registers["electric_energy"])
    assert shown == [count, count - 0.005, count - 0.005, count + 0.2]


def test_net_values_beside_registers_fall_as_fast_as_these_count() -> None:
    tracker = MeterTracker(Meter("p1", "solar_energy"), MeterKind.PRODUCTION, {})
    for hour in range(24):
        at, fed = hour * 3600, 7 + 5 * hour
        net = reading(NOW + at, t1=5, t3=fed, electric_energy=5 - fed)
        assert not tracker.read(net, NOW + at, at).breaks
        assert tracker.data.registers["electric_energy"] == 5 - fed


def test_a_leap_of_what_is_fed_in_is_no_new_meter(tracker: MeterTracker) -> None:
    """Its net value falls by that."""
    tracker.read(reading(NOW, t1=5000, t3=100, electric_energy=4900), NOW, 0)
    told = []
    for s in range(10, 2000, 10):
        leapt = 9000 + s / 1e5
        it = reading(NOW + s, t1=5000, t3=leapt, electric_energy=5000 - leapt)
        told.append(tracker.read(it, NOW + s, s).verdict)
    assert [each for each in told if each is not Verdict.GOOD] == [Verdict.LEAPT]


def test_each_group_is_judged_by_itself(tracker: MeterTracker) -> None:
    """A meter's gas counts on while its registers are in doubt."""
    tracker.read(reading(t1=5000, gas=900), NOW, 0)
    new = reading(NOW + 10, t1=3, gas=900.1)
    tracker.read(new, NOW + 10, 10)
    assert tracker.data.registers == {"t1": 5000, "gas": 900.1}


def test_readings_of_another_make(tracker: MeterTracker) -> None:
    tracker.read(reading(t1=8204, electric_power=7), NOW, 0)
    split = {"t1": 5000.0, "t2": 3204.0}
    changes = go_on(tracker, 10, 1500, ["tariffs"], **split)
    assert [change.verdict for change in changes] == [Verdict.REMADE]
    assert moved(changes[0]) == {"t1": (8204, 5000)}, "the total is the same"
    assert tracker.data.registers == split

    changes = go_on(tracker, 1500, 3000, t1=8204)
    assert [change.verdict for change in changes] == [Verdict.REMADE]
    assert moved(changes[0]) == {"t1": (5000, 8204)}
    assert tracker.data.registers == {"t1": 8204}, "a kept register ends"


@pytest.mark.parametrize("restart", [False, True])
def test_a_register_that_has_ended_begins_anew(
    tracker: MeterTracker, restart: bool
) -> None:
    """Its statistic goes on from where it was, however long ago that is."""
    tracker.read(reading(t1=5000, t2=3204, t3=7), NOW, 0)
    go_on(tracker, 10, 1500, t1=5)
    assert tracker.data.registers == {"t1": 5}
    if restart:
        stored = json.loads(json.dumps(tracker_as_json(tracker)))
        tracker = MeterTracker(
            Meter("p1"), MeterKind.SMART, restore_groups(stored), restore_ended(stored)
        )
    changes = go_on(tracker, 1500, 3000, t1=5, t2=9, t3=7)
    assert [moved(change) for change in changes] == [
        {"t2": (3204, 9), "energy_import": (5, 14)}
    ]
    go_on(tracker, 3000, 4500, t1=5)
    changes = go_on(tracker, 4500, 6000, t1=5, t2=9, t3=11)
    assert not changes, "a register that is only missing goes on"


def test_a_register_that_appears_is_no_use_of_the_total(tracker: MeterTracker) -> None:
    tracker.read(reading(t1=1000), NOW, 0)
    changes = []
    for s in range(10, 100, 10):
        new = reading(NOW + s, t1=1000 + s / 1000, t2=3000 + s / 1000)
        changes.append(tracker.read(new, NOW + s, s))
    assert [moved(each) for each in changes if each.breaks] == [
        # The old register's own step is use.
        {"energy_import": (1000, pytest.approx(4000.01))}
    ]
    assert {each.verdict for each in changes} == {Verdict.GOOD}


def test_a_total_of_other_registers_goes_on_from_there() -> None:
    """The two APIs serve different ones; what is missing for a while still counts."""
    tracker = MeterTracker(Meter("mb1"), MeterKind.ELECTRICITY, {})
    tracker.read(reading(t1=1000, t2=500, electric_energy=300), NOW, 0)
    changes = go_on(tracker, 10, 580, electric_energy=300)
    assert not changes
    changes = go_on(tracker, 580, 2000, electric_energy=300)
    assert [moved(change) for change in changes] == [{"energy_import": (1500, 300)}]
    changes = go_on(tracker, 2000, 3000, t1=1000, electric_energy=300)
    assert [moved(change) for change in changes] == [{"energy_import": (300, 1500)}]


def test_a_break_names_its_statistic_and_its_moment() -> None:
    tracker = MeterTracker(Meter("p1-gas"), MeterKind.GAS, {})
    tracker.read(reading(gas=900), NOW, 0)
    changes = go_on(tracker, 10, 1500, gas=5)
    at = changes[0].breaks[0].at
    assert changes[0].breaks == [Break("p1-gas_gas", at, 900, 5)]
    assert NOW + 610 <= at <= NOW + 630


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
