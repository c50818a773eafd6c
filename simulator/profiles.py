"""What the house uses and makes, hour by hour and minute by minute, in whole numbers.

Everything is a pure function of the seed and the time. An hour is a whole number of Wh or
litres, and its minutes are drawn such that they add up to exactly that.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
import math
from random import Random
from typing import NamedTuple

from .days import Day

SLICES = 6
"""Power changes every ten seconds: so many times a minute."""

_LATITUDE, _LONGITUDE = math.radians(52.1), 5.2
_PANELS = 4300
"""W under a clear sky with the sun overhead."""
_CHARGER = 7380
"""W of the EV charger: a multiple of 60, so that any number of minutes is whole Wh."""
# W at each hour of the day.
_WEEKDAY = (
    *(190, 180, 175, 175, 180, 210, 330, 520, 430, 300, 270, 280),
    *(310, 290, 270, 290, 390, 640, 850, 780, 680, 590, 420, 260),
)
_WEEKEND = (
    *(230, 200, 185, 180, 180, 190, 220, 310, 460, 560, 560, 500),
    *(520, 480, 430, 430, 490, 640, 820, 760, 690, 640, 520, 340),
)
_HEATING = (1, 1, 1, 1, 1, 2, 6, 8, 6, 4, 3, 3, 3, 3, 3, 4, 5, 6, 6, 6, 5, 4, 2, 1)
_TAPS = (1, 0, 0, 0, 0, 1, 4, 9, 6, 3, 3, 3, 4, 3, 2, 2, 3, 5, 7, 5, 4, 4, 4, 2)
_WOBBLE = (3, -1, 2, -2, 1, -3)
"""Sixteenths by which power leaves its mean, slice by slice: together nothing."""


class Profile(ABC):
    """What one meter measures."""

    scale: int
    """So many units of a minute make one unit of an hour."""

    @abstractmethod
    def hours(self, day: Day) -> Sequence[int]:
        """Return the amount of each hour of `day`, in Wh (negative: out) or litres."""

    @abstractmethod
    def minutes(self, day: Day, hour: int) -> Sequence[int]:
        """Return the mean of each minute of an hour of `day`, in W or mL/min.

        Their signs are that of the hour, and their sum is its amount times `scale`.
        """

    def slices(self, day: Day, hour: int, minute: int) -> Sequence[int]:
        """Return the means of the ten-second slices of a minute, in W or mL/min."""
        return (self.minutes(day, hour)[minute],) * SLICES


class _Plan(NamedTuple):
    """A day's Wh by the hour, and the minutes since midnight at which the EV charges."""

    load: Sequence[int]
    ev: Sequence[int]
    solar: Sequence[int]
    charging: range


class _Minutes(NamedTuple):
    """An hour's W by the minute."""

    load: Sequence[int]
    ev: Sequence[int]
    solar: Sequence[int]


class Household:
    """The electricity of a house with solar panels and an EV charger.

    The meter at the front door either imports or exports for a whole hour: load and solar
    power swing around their hourly means only as far as they don't cross.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.plan = cache(self._plan)
        self.minutes = lru_cache(maxsize=64)(self._minutes)

    def _plan(self, day: Day) -> _Plan:
        rng = Random(f"{self._seed} power {day.start}")
        draw = rng.random
        clearness = 0.12 + 0.88 * draw() ** 0.8
        charging = _charging(rng)
        usual = _WEEKEND if day.date.weekday() >= 5 else _WEEKDAY
        busy = (0.75 + 0.5 * draw()) * (1 + 0.15 * _cold(day))
        load = [
            int(usual[hour] * busy * (0.7 + 0.6 * draw())) for hour in day.wall_clock
        ]
        sun, first = _sun(day.date.timetuple().tm_yday), day.start // 3600
        solar = [
            int(_PANELS * clearness * height * (0.7 + 0.3 * draw()))
            for height in (sun[(first + hour) % 24] for hour in range(len(load)))
        ]
        ev = [0] * len(load)
        for minute in charging:
            ev[minute // 60] += _CHARGER // 60
        for hour in {minute // 60 for minute in charging}:
            load[hour] = max(load[hour], solar[hour])
        return _Plan(load, ev, solar, charging)

    def _minutes(self, day: Day, hour: int) -> _Minutes:
        plan = self.plan(day)
        load, solar = plan.load[hour], plan.solar[hour]
        rng = Random(f"{self._seed} power {day.start} {hour}")
        if solar > 0:
            swing = min(0.5, abs(load - solar) / (load + solar))
            sunshine = _around(solar, swing, rng)
        else:
            swing, sunshine = 0.5, [solar] * 60
        ev = [_CHARGER * (60 * hour + minute in plan.charging) for minute in range(60)]
        return _Minutes(_around(load, swing, rng), ev, sunshine)


class Electricity(Profile):
    """A meter in that house: each part counts so many times (-1: the other way)."""

    scale = 60

    def __init__(
        self, household: Household, *, load: int = 0, ev: int = 0, solar: int = 0
    ) -> None:
        self._household = household
        self._load, self._ev, self._solar = load, ev, solar

    def hours(self, day: Day) -> Sequence[int]:
        """Return the amount of each hour of `day` in Wh."""
        return self._sum(self._household.plan(day))

    def minutes(self, day: Day, hour: int) -> Sequence[int]:
        """Return the mean power of each minute in W."""
        return self._sum(self._household.minutes(day, hour))

    def slices(self, day: Day, hour: int, minute: int) -> Sequence[int]:
        """Return the mean power of each ten seconds in W.

        It is the load that wobbles, too little to vanish or to turn import into export.
        """
        mean = self.minutes(day, hour)[minute]
        load, ev, solar = self._household.minutes(day, hour)
        step = self._load * (
            min(load[minute], abs(load[minute] + ev[minute] - solar[minute])) // 16
        )
        return [
            mean + step * _WOBBLE[(minute + part) % SLICES] for part in range(SLICES)
        ]

    def _sum(self, parts: _Plan | _Minutes) -> list[int]:
        a, b, c = self._load, self._ev, self._solar
        return [
            a * load + b * ev + c * solar
            for load, ev, solar in zip(parts.load, parts.ev, parts.solar, strict=True)
        ]


class Gas(Profile):
    """Heating by the season and hot water, in five-minute steps of whole litres."""

    scale = 1000

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def hours(self, day: Day) -> Sequence[int]:
        """Return the litres of each hour."""
        rng = Random(f"{self._seed} gas {day.start}")
        heating = max(0.0, _cold(day) + 0.25) * 6500 * (0.7 + 0.6 * rng.random())
        total = int(heating + 300 + 600 * rng.random())
        weights = [_HEATING[hour] * (0.5 + rng.random()) for hour in day.wall_clock]
        return _split(total, weights)

    def minutes(self, day: Day, hour: int) -> Sequence[int]:
        """Return the flow of each minute in mL/min."""
        rng = Random(f"{self._seed} gas {day.start} {hour}")
        burning = [rng.choice((0, 0, 1, 2, 3)) for _ in range(11)]
        steps = _split(self.hours(day)[hour], [*burning, 1])
        return [step * self.scale // 5 for step in steps for _ in range(5)]


class Water(Profile):
    """Short draws with nothing between them, a litre a pulse."""

    scale = 1000

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def hours(self, day: Day) -> Sequence[int]:
        """Return the litres of each hour."""
        rng = Random(f"{self._seed} water {day.start}")
        draw = rng.random
        weights = [_TAPS[hour] * draw() * (draw() < 0.8) for hour in day.wall_clock]
        weights[-3] += 0.1
        return _split(rng.randint(150, 420), weights)

    def minutes(self, day: Day, hour: int) -> Sequence[int]:
        """Return the flow of each minute in mL/min."""
        rng = Random(f"{self._seed} water {day.start} {hour}")
        litres = [0] * 60
        left, minute = self.hours(day)[hour], 0
        while left:
            minute = (minute + rng.randint(1, 12)) % 60
            for _ in range(rng.randint(1, 6)):
                flow = min(left, rng.randint(4, 9))
                litres[minute] += flow
                left -= flow
                minute = (minute + 1) % 60
        return [amount * self.scale for amount in litres]


def _charging(rng: Random) -> range:
    """Return the minutes of a day at which the EV charges: some nights, some evenings."""
    start, duration = rng.randint(5, 40), rng.randint(60, 250)
    if rng.random() < 1 / 4:
        start += 18 * 60
    return range(start, start + duration if rng.random() < 3 / 7 else start)


def _cold(day: Day) -> float:
    """Return how cold the season is, from 1 in the middle of January to -1."""
    return math.cos((day.date.timetuple().tm_yday - 15) * math.tau / 365.25)


@cache
def _sun(day_of_year: int) -> Sequence[float]:
    """Return what share of the sun falls on the panels in each hour of a day in UTC."""
    tilt = math.radians(-23.44) * math.cos((day_of_year + 10) * math.tau / 365.25)
    high = math.cos(_LATITUDE) * math.cos(tilt)
    middle = math.sin(_LATITUDE) * math.sin(tilt)
    angles = (math.radians(15 * (hour - 11.5) + _LONGITUDE) for hour in range(24))
    return [max(0.0, middle + high * math.cos(angle)) ** 1.15 for angle in angles]


def _around(mean: int, swing: float, rng: Random) -> list[int]:
    """Return 60 numbers within `swing` (a share) of their exact `mean`."""
    reach = 2 * mean * swing
    half = [int((rng.random() - 0.5) * reach) for _ in range(30)]
    return [*(mean + offset for offset in half), *(mean - offset for offset in half)]


def _split(total: int, weights: Sequence[float]) -> list[int]:
    """Return whole numbers that share out `total` by `weights`."""
    marks = list(accumulate(weights, initial=0.0))
    shares = [int(total * mark / marks[-1]) for mark in marks[:-1]]
    return [after - before for before, after in pairwise([*shares, total])]
