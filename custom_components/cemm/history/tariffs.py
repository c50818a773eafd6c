"""Which tariff is in force when.

The CEMM's day data does not say. The Dutch low tariff runs from 23:00 to 7:00 and
all weekend; some regions begin at 21:00, Belgium at 22:00, holidays are low all day,
and anything else may have been agreed. The amounts per tariff in the month data tell.
"""

from bisect import bisect_left, bisect_right
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress, pairwise
from math import inf

from custom_components.cemm.days import HOUR, midnight, wall_clock

from .rows import margin

LOW = 1
HIGH = 2

_HALF = 12

# Which part of a margin a day's amounts may be off that other hours are learned from.
_CLOSE = 0.25

# On a day with less (kWh), too many sets of hours explain the same.
_ENOUGH = 5.0

# How many pairs of days are tried to learn other hours from: each takes a moment.
_PAIRS = 4


@dataclass(frozen=True, slots=True)
class LowHours:
    """When the low tariff is in force."""

    hours: frozenset[int]
    """The full hours at which such an hour begins."""
    summer_time: bool = True
    """Whether they are those of the clock on the wall, or of one that stays as it is."""

    def on(self, day: date) -> list[bool]:
        """Tell of each hour of a day whether it is low."""
        return [hour in self.hours for hour in _clock(day, self.summer_time)]


def _clock(day: date, summer_time: bool) -> list[int]:
    wall = wall_clock(day)
    winter = range(first := midnight(day) // HOUR + 1, first + len(wall))
    return wall if summer_time else [hour % 24 for hour in winter]


def between(start: int, end: int) -> LowHours:
    """Return the low hours that begin in the evening and end in the morning."""
    return LowHours(frozenset((*range(start, 24), *range(end))))


DUTCH = between(23, 7)
ALL_LOW = between(0, 0)
ALL_HIGH = between(24, 0)
_WALL = (DUTCH, ALL_LOW, between(21, 7), between(22, 7), between(22, 6), between(21, 6))
_KNOWN = (*_WALL, ALL_HIGH, *(LowHours(low.hours, False) for low in _WALL))

type Votes = Tally[tuple[bool, LowHours]]
"""How well low hours have explained weekdays, and weekends (True), so far."""


@dataclass(frozen=True, slots=True)
class DayUse:
    """What was used on a day, and how it was booked: net, in kWh."""

    day: date
    hours: Sequence[float]
    has_gap: Sequence[bool]
    """Whether much of the hour was not measured."""
    low: float
    high: float

    @property
    def use(self) -> float:
        """How much went either way."""
        return sum(map(abs, self.hours))

    @property
    def margin(self) -> float:
        """How far amounts may be off."""
        return margin(self.use)

    @property
    def agrees(self) -> bool:
        """Whether its amounts are what was measured."""
        return abs(self.low + self.high - sum(self.hours)) <= self.margin

    def misfit(self, low: Sequence[bool]) -> float:
        """Return how far low hours are from explaining what was booked, in margins.

        Of two amounts that do not fit the hours together, one may be wrong. Zeros alone
        say nothing.
        """
        if not (self.low or self.high):
            return inf
        found = (
            self._lack(self.low, low),
            self._lack(self.high, [not each for each in low]),
        )
        return max(found) if self.agrees or any(self.has_gap) else min(found)

    def _lack(self, amount: float, wanted: Sequence[bool]) -> float:
        lack = amount - sum(compress(self.hours, wanted))
        if any(compress(self.has_gap, wanted)) and (lack > 0 or min(self.hours) < 0):
            # More was used in the gap; or less, where anything is fed in.
            return 0.0
        return abs(lack) / self.margin


def likely_hours(
    days: Sequence[DayUse], votes: Votes
) -> Iterator[tuple[list[bool], bool]]:
    """Yield each day's most likely low hours, and whether they explain what was booked.

    Those are preferred that explain most days of a kind. ``votes``, which may come from
    other months, are counted on.
    """
    errors: dict[LowHours, list[float]] = {}
    new = [*_KNOWN, *(low for (_, low), count in votes.items() if count)]
    while new:
        for low in new:
            errors[low] = [day.misfit(low.on(day.day)) for day in days]
        least = map(min, zip(*errors.values(), strict=True))
        odd = [d for d, error in zip(days, least, strict=True) if 1 < error < inf]
        new = [low for low in _learn(odd) if low not in errors]
    for low, found in errors.items():
        for day, error in zip(days, found, strict=True):
            if not any(day.has_gap):
                votes[_is_weekend(day), low] += (error <= 1) + (error <= _CLOSE)
    for index, day in enumerate(days):
        usual = ALL_LOW if _is_weekend(day) else DUTCH
        worth = {
            low: (found[index] <= 1, votes[_is_weekend(day), low], low == usual)
            for low, found in errors.items()
        }
        best = max(worth, key=worth.__getitem__)
        yield best.on(day.day), not 1 < errors[best][index] < inf


def _is_weekend(day: DayUse) -> bool:
    return day.day.weekday() >= 5


def _learn(days: Sequence[DayUse]) -> list[LowHours]:
    """Find low hours, by either clock, that explain most of some days; or nothing.

    All 2**24 sets of hours are tried on two days, half of the hours at a time. A set must
    explain as many days as it has spells, at least: others do by accident.
    """
    days = [
        day
        for day in days
        if day.agrees and day.use > _ENOUGH and day.has_gap == [False] * 2 * _HALF
    ]
    sums = {
        day.day: list(map(_sums, (day.hours[:_HALF], day.hours[_HALF:])))
        for day in days
    }

    def error(day: DayUse, index: tuple[int, int]) -> float:
        firsts, lasts = sums[day.day]
        return abs(firsts[index[0]] + lasts[index[1]] - day.low) / day.margin

    def worth(index: tuple[int, int]) -> tuple[int, float]:
        errors = [error(day, index) for day in days]
        explained = [each for each in errors if each <= _CLOSE]
        return len(explained) - _spells(_hours(index)), -sum(explained)

    for one, other in [*pairwise(days)][:_PAIRS]:
        # Hours without use make no difference: of these sets one will do.
        firsts, lasts = (
            {pair: index for index, pair in enumerate(zip(*both, strict=True))}
            for both in zip(sums[one.day], sums[other.day], strict=True)
        )
        ordered = sorted(lasts)
        reach = _CLOSE * one.margin
        found = []
        for (amount, more), first in firsts.items():
            begin = bisect_left(ordered, (one.low - amount - reach, -inf))
            end = bisect_right(ordered, (one.low - amount + reach, inf))
            wanted, close = other.low - more, _CLOSE * other.margin
            found += [
                (first, lasts[last])
                for last in ordered[begin:end]
                if abs(last[1] - wanted) <= close
            ]
        best = max(found, key=worth, default=None)
        if best and worth(best)[0] >= 0:
            return [
                LowHours(
                    frozenset(_clock(one.day, summer)[hour] for hour in _hours(best)),
                    summer,
                )
                for summer in (True, False)
            ]
    return []


def _sums(hours: Sequence[float]) -> list[float]:
    """Return the sums of all sets of some hours."""
    sums = [0.0]
    for amount in hours:
        sums += [amount + each for each in sums]
    return sums


def _hours(index: tuple[int, int]) -> list[int]:
    """Return the hours of a day whose sums have such indices."""
    bits = index[0] + (index[1] << _HALF)
    return [hour for hour in range(2 * _HALF) if bits >> hour & 1]


def _spells(hours: Sequence[int]) -> int:
    """Return how many times a day such hours begin."""
    return sum((hour - 1) % 24 not in hours for hour in hours)
