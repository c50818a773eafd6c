"""Any house with any oddities: no day is off by more than what nobody could know."""

from datetime import date, timedelta
from random import Random

import pytest

from custom_components.cemm.days import HOUR, date_at, days
from custom_components.cemm.history.profile import Day
from simulator import House
from simulator.days import Schedule
from simulator.ledger import Registers
from tests.helpers.history import assert_adds_up
from tests.helpers.memory import Import, imported, truth

FIRST = date(2025, 3, 1)
TOTALS = {
    "p1": ("energy_import", "energy_export"),
    "s01": ("energy_import",),
    "mb5": ("energy_import",),
    "p1-gas": ("gas",),
    "pulse-2": ("volume",),
}
CHANNELS = {"p1-gas": ["gas"], "pulse-2": ["volume"]}
NETS = ["electric_energy_low", "electric_energy_high"]


class Course:
    """A house with a past that chance has made, and how much of it nobody can know."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.alias = rng.choice([*TOTALS, "p1", "p1"])
        self.remote = rng.random() < 0.5
        since = FIRST + timedelta(rng.randrange(220))
        self.span = since, since + timedelta(rng.randint(8, 75))
        self.house = House(
            seed, since=since, schedule=self.schedule(), dsmr=rng.choice([4, 5])
        )
        self.unknown: set[date] = set()
        """The days of which nobody knows all."""
        self.booked: dict[date, float] = {}
        """By how much month data is wrong."""
        for _ in range(rng.randint(1, 5)):
            rng.choice([self.gap, self.forget, self.misbook, self.clock])()
        if self.remote and rng.random() < 0.5:
            self.swap()

    def schedule(self) -> Schedule:
        any_hours = frozenset(self.rng.sample(range(24), self.rng.randint(0, 24)))
        evening = frozenset({*range(11, 17), 22, 23, *range(7)})
        return self.rng.choice(
            [
                Schedule(),
                Schedule(any_hours),
                Schedule(any_hours, any_hours),
                Schedule(evening, evening),
                Schedule(summer_time=False),
                Schedule(odd=((self.day(), any_hours), (self.day(), any_hours))),
            ]
        )

    def day(self) -> date:
        """Return any day but the first and the last one."""
        return self.span[0] + timedelta(
            self.rng.randint(1, (self.span[1] - self.span[0]).days - 1)
        )

    def note(self, first: date, last: date) -> None:
        """Days of which nobody knows when how much was used, nor on the day beside them."""
        self.unknown.update(days(first - timedelta(1), last + timedelta(1)))

    def gap(self) -> None:
        day = self.day()
        start = Day(day).start + 60 * self.rng.randrange(1380)
        self.house.blackouts.append(
            (start, start + 60 * self.rng.choice([1, 7, 60, 400]))
        )
        self.note(day, day + timedelta(1))

    def forget(self) -> None:
        first = self.day()
        last = min(
            first + timedelta(self.rng.choice([0, 1, 9, 40])),
            self.span[1] - timedelta(1),
        )
        self.house.forgotten.append((Day(first).start, Day(last).end))
        self.note(first, last)

    def misbook(self) -> None:
        day = self.day()
        amount = self.rng.choice([-900, -30, -3, 3, 40, 500, 3580])
        channel = self.rng.choice(CHANNELS.get(self.alias, NETS))
        self.house.meters[self.alias].misbooked[channel, day] = amount
        self.booked[day] = abs(amount)

    def clock(self) -> None:
        day = self.day()
        self.house.clock_wrong[day] = self.rng.randint(-12, 12)
        self.note(day, day)

    def swap(self) -> None:
        at = Day(self.day()).start + self.rng.randrange(24) * HOUR
        # In the dark, a leap to another meter is like any use.
        first = 0 if self.unknown else self.rng.choice([0, 4_000_000])
        self.house.meters[self.alias].swaps.append((at, Registers(*[first] * 4)))

    def check(self, found: Import) -> None:
        assert_adds_up(found.rows)
        for key in TOTALS[self.alias]:
            assert found.rows[key][0].end == Day(self.span[0]).start
            used = found.by_day(key)
            assert list(used) == days(*self.span)
            real = {day: self.passed(key, day) for day in used}
            dark = sum(real[day] for day in used if day in self.unknown)
            for day, amount in used.items():
                within = 0.1 + 0.02 * sum(
                    self.passed(k, day) for k in TOTALS[self.alias]
                )
                if day in self.unknown:
                    within += dark + self.booked.get(day, 0.0)
                assert amount == pytest.approx(real[day], abs=within), (key, day)

    def check_readings(self, found: Import) -> None:
        """Where there are readings, no use is lost, and states are theirs."""
        swapped = {date_at(at) for at, _ in self.house.meters[self.alias].swaps}
        for key, rows in found.rows.items():
            for row in rows:
                beside = {date_at(row.end - 1), date_at(row.end)}
                # Within a day, nothing tells the tariff for sure.
                is_told = key in TOTALS[self.alias] or len(beside) > 1
                if is_told and not beside & (self.unknown | swapped):
                    real = truth(self.house, self.alias, key, row.end)
                    assert row.state == pytest.approx(real, abs=0.7), (key, row.end)
            if not (swapped or self.house.clock_wrong):
                real = sum(self.passed(key, day) for day in days(*self.span))
                assert rows[-1].sum - rows[0].sum == pytest.approx(real, abs=0.3)

    def passed(self, key: str, day: date) -> float:
        """Return what really passed the meters, the old one and the new one."""
        start, end = (
            self.house.passed(self.alias, at) for at in (Day(day).start, Day(day).end)
        )
        t1, t2, t3, t4 = (new - old for old, new in zip(start, end, strict=True))
        amounts = {"energy_export": t3 + t4, "t1": t1, "t2": t2, "t3": t3, "t4": t4}
        return amounts.get(key, t1 + t2) / 1000


@pytest.mark.parametrize(
    "seed",
    [*range(12), *(pytest.param(n, marks=pytest.mark.rest) for n in range(12, 150))],
)
def test_no_day_is_off_by_more_than_nobody_could_know(seed: int) -> None:
    course = Course(seed)
    found = imported(course.house, course.alias, course.span, remote=course.remote)
    course.check(found)
    if course.remote:
        course.check_readings(found)
