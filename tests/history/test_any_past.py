"""Any house with any oddities: no day is off by more than what nobody could know."""

from datetime import date, timedelta
from random import Random

import pytest

from custom_components.cemm.days import HOUR, days
from custom_components.cemm.history.profile import Day
from simulator import House
from simulator.days import Schedule
from simulator.ledger import Registers
from tests.helpers.history import assert_adds_up
from tests.helpers.memory import Import, imported

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
        self.unknown: dict[date, float] = {}
        """By how much each day may be off, besides rounding, as parts of what was used."""
        self.booked: dict[date, float] = {}
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
        for day in days(first - timedelta(1), last + timedelta(1)):
            self.unknown[day] = 1.0

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

    def passed(self, key: str, day: date) -> float:
        """Return what really passed the meters, the old one and the new one."""
        start, end = (
            self.house.passed(self.alias, at) for at in (Day(day).start, Day(day).end)
        )
        t1, t2, t3, t4 = (new - old for old, new in zip(start, end, strict=True))
        return (t3 + t4 if key == "energy_export" else t1 + t2) / 1000


@pytest.mark.parametrize(
    "seed",
    [*range(12), *(pytest.param(n, marks=pytest.mark.rest) for n in range(12, 150))],
)
def test_no_day_is_off_by_more_than_nobody_could_know(seed: int) -> None:
    course = Course(seed)
    found = imported(course.house, course.alias, course.span, remote=course.remote)
    course.check(found)
