"""A past that is odd: wrong amounts, other tariffs, months in the dark, other meters."""

from collections import Counter as Tally
from datetime import date
from itertools import pairwise

import pytest

from custom_components.cemm.days import HOUR
from custom_components.cemm.history.meter_days import Inexact, Note
from custom_components.cemm.history.profile import Day
from custom_components.cemm.history.tariffs import Votes
from simulator import House
from simulator.days import Schedule
from simulator.ledger import Registers
from tests.helpers.history import assert_adds_up
from tests.helpers.memory import COUNTERS, Import, imported, truth

SINCE = date(2025, 10, 24)
SPAN = (SINCE, date(2025, 11, 28))
ODD = date(2025, 11, 3)
BOTH = pytest.mark.parametrize(
    "remote",
    [
        pytest.param(False, id="local"),
        pytest.param(True, id="remote", marks=pytest.mark.rest),
    ],
)
ALIASES = (
    "p1",
    "p1-gas",
    *(
        pytest.param(alias, marks=pytest.mark.rest)
        for alias in ("s01", "mb5", "pulse-2")
    ),
)


def a_house(schedule: Schedule | None = None, since: date = SINCE) -> House:
    return House(seed=1, since=since, schedule=schedule)


def assert_days(
    house: House, alias: str, found: Import, *keys: str, within: float = 0.01
) -> None:
    """Each day is there, and counted what it really did."""
    for key in keys or [key for a, key in COUNTERS if a == alias]:
        assert found.rows[key][0].end == Day(house.since).start
        for day, used in found.by_day(key).items():
            start, end = Day(day).start, Day(day).end
            real = truth(house, alias, key, end) - truth(house, alias, key, start)
            assert used == pytest.approx(real, rel=0.01, abs=within), (key, day)


def assert_hours(house: House, alias: str, found: Import, *keys: str) -> None:
    for key in keys or [key for a, key in COUNTERS if a == alias]:
        assert found.rows[key][0].end == Day(house.since).start
        for old, new in pairwise(found.rows[key]):
            real = truth(house, alias, key, new.end) - truth(house, alias, key, old.end)
            assert new.sum - old.sum == pytest.approx(real, rel=0.01, abs=0.002), (
                key,
                new,
            )


@BOTH
@pytest.mark.parametrize(
    ("alias", "channel", "wrong"),
    [
        ("p1", "electric_energy_low", 3580.0),
        ("p1", "electric_energy_high", 3580.0),
        ("p1", "electric_energy_high", -900.0),
        ("p1", "electric_energy_low", -40.0),
        ("p1", "electric_energy_high", 4.0),
        ("s01", "electric_energy_high", 700.0),
        ("mb5", "electric_energy_low", -50.0),
        ("p1-gas", "gas", 500.0),
        ("p1-gas", "gas", -50.0),
        ("pulse-2", "volume", 500.0),
        ("pulse-2", "volume", 2.0),
    ],
)
def test_no_amount_is_believed_that_contradicts_a_measured_day(
    alias: str, channel: str, wrong: float, remote: bool
) -> None:
    house = a_house()
    house.meters[alias].misbooked[channel, ODD] = wrong
    found = imported(house, alias, SPAN, remote=remote)
    assert_hours(house, alias, found)
    # A reading tells as much, and is right.
    assert found.notes == ([] if remote else [Note(ODD, Inexact.CONTRADICTED)])


EVENING = frozenset({*range(11, 17), 22, 23, *range(7)})
SCHEDULES = {
    "two spells": Schedule(EVENING, EVENING),
    "two spells on weekdays": Schedule(EVENING),
    "any hours": Schedule(frozenset({1, 2, 5, 9, 10, 11, 14, 18, 19, 23})),
    "winter time": Schedule(summer_time=False),
    "two spells in winter time": Schedule(EVENING, EVENING, summer_time=False),
    "always high": Schedule(frozenset(), frozenset()),
    "always low": Schedule(weekday=frozenset(range(24))),
    "an odd day": Schedule(odd=((ODD, frozenset({0, 5, 9, 12, 17, 20})),)),
}
SAMPLE = ("two spells", "winter time", "always high", "an odd day")


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.rest] * (name not in SAMPLE))
        for name in SCHEDULES
    ],
)
@pytest.mark.parametrize(
    "alias",
    [
        "p1",
        pytest.param("s01", marks=pytest.mark.rest),
        pytest.param("mb5", marks=pytest.mark.rest),
    ],
)
def test_any_tariffs_are_learned(alias: str, name: str, remote: bool) -> None:
    house = a_house(SCHEDULES[name])
    votes: Votes = Tally()
    if alias != "p1":
        # What uses little, or seldom, tells little of the tariffs.
        imported(house, "p1", SPAN, remote=remote, votes=votes)
    found = imported(house, alias, SPAN, remote=remote, votes=votes)
    assert_adds_up(found.rows)
    if name == "an odd day":
        # Of its hours nothing is known, nor of five minutes beside its readings.
        assert_hours(house, alias, found, "energy_import")
        assert_days(house, alias, found, within=0.3 if remote else 0.02)
    else:
        assert_days(house, alias, found)
        assert_hours(house, alias, found)


@BOTH
@pytest.mark.parametrize("ahead", [-5, 3, 11])
def test_a_clock_that_is_wrong_for_a_day(ahead: int, remote: bool) -> None:
    house = a_house()
    house.clock_wrong[ODD] = ahead
    found = imported(house, "p1", SPAN, remote=remote)
    assert_adds_up(found.rows)
    assert found.rows["t1"][0].end == Day(SINCE).start


def dark(first: date, last: date) -> tuple[int, int]:
    return Day(first).start, Day(last).end


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2025, 10, 1), date(2025, 10, 31)),
        (date(2025, 10, 10), date(2025, 10, 19)),
        *(
            pytest.param(*dates, marks=pytest.mark.rest)
            for dates in (
                (date(2025, 9, 20), date(2025, 11, 5)),
                (date(2025, 8, 29), date(2025, 10, 31)),
            )
        ),
    ],
)
def test_readings_tell_what_was_used_in_months_without_data(
    alias: str, first: date, last: date
) -> None:
    since = date(2025, 8, 20)
    house = a_house(since=since)
    start, end = dark(first, last)
    house.forgotten.append((start, end))
    found = imported(house, alias, (since, date(2025, 11, 10)), remote=True)
    assert_adds_up(found.rows)
    for key, rows in found.rows.items():
        assert rows[0].end == Day(since).start
        real = truth(house, alias, key, end) - truth(house, alias, key, start)
        assert found.used(key, start, end) == pytest.approx(real, abs=0.02), key
        for row in rows:
            if not start < row.end < end:
                now = truth(house, alias, key, row.end)
                assert row.state == pytest.approx(now, abs=0.02)
    days = {note.day for note in found.notes if note.why is Inexact.SPREAD}
    assert {first, last} <= days


def test_what_was_lost_locally_is_said() -> None:
    house = a_house()
    house.forgotten.append(dark(date(2025, 11, 10), date(2025, 11, 12)))
    found = imported(house, "p1", SPAN, remote=False)
    assert found.notes == [
        Note(date(2025, 11, day), Inexact.LOST) for day in (10, 11, 12)
    ]


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("first", [0, 5_000_000])
@pytest.mark.parametrize(
    "day", [1, *(pytest.param(day, marks=pytest.mark.rest) for day in (2, 15, 28))]
)
def test_states_are_those_of_the_meter_of_that_time(
    alias: str, first: int, day: int
) -> None:
    house = a_house()
    start, end = dark(date(2025, 11, day), date(2025, 11, day))
    at = start + 9 * HOUR
    house.meters[alias].swaps.append((at, Registers(first, first, first, first)))
    found = imported(house, alias, SPAN, remote=True)
    assert_hours_beside(house, alias, found, at)
    for key, rows in found.rows.items():
        for row in rows:
            # When it was replaced is not known.
            if not start <= row.end < end:
                now = truth(house, alias, key, row.end)
                assert row.state == pytest.approx(now, abs=0.06), (key, row.end)
            assert row.state >= -0.01


def assert_hours_beside(house: House, alias: str, found: Import, at: int) -> None:
    """Compare what was used with the truth, except in the hour of a swap."""
    for key, rows in found.rows.items():
        for old, new in pairwise(rows):
            if not old.end < at <= new.end:
                real = truth(house, alias, key, new.end)
                real -= truth(house, alias, key, old.end)
                assert new.sum - old.sum == pytest.approx(real, rel=0.01, abs=0.002)
