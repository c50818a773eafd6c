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
_FIRST = (1 << _HALF) - 1

# Which part of a margin a day's amounts may be off that other hours are learned from.
_CLOSE = 0.25

# On a day with less (kWh), too many sets of hours explain the same.
_ENOUGH = 5.0

# How many pairs of days are tried to learn other hours from: each takes a moment.
_PAIRS = 4


@dataclass(frozen=True, slots=True)
class LowHours:
    """When the low tariff is in force."""

    hours: int
    """A bit for each hour of the clock, the lowest for that after midnight."""
    summer_time: bool = True
    """Whether it is the clock on the wall, or one that is never put forward."""

    def on(self, day: date) -> list[bool]:
        """Tell of each hour of a day whether it is low."""
        clock = wall_clock(day)
        if not self.summer_time:
            first = midnight(day) // HOUR + 1
            clock = [hour % 24 for hour in range(first, first + len(clock))]
        return [bool(self.hours >> hour & 1) for hour in clock]


def between(start: int, end: int) -> LowHours:
    """Return the low hours that begin in the evening and end in the morning."""
    return LowHours(sum(1 << hour for hour in (*range(start, 24), *range(end))))


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
        day.day: (_sums(day.hours[:_HALF]), _sums(day.hours[_HALF:])) for day in days
    }

    def worth(hours: int) -> tuple[int, float]:
        errors = []
        for day in days:
            firsts, lasts = sums[day.day]
            low = firsts[hours & _FIRST] + lasts[hours >> _HALF]
            errors.append(abs(low - day.low) / day.margin)
        explained = [each for each in errors if each <= _CLOSE]
        spells = (hours & ~(hours << 1 | hours >> 23)).bit_count()
        return len(explained) - spells, -sum(explained)

    for one, other in [*pairwise(days)][:_PAIRS]:
        # Hours without use make no difference: of these sets one will do.
        firsts, lasts = (
            {pair: index for index, pair in enumerate(zip(*both, strict=True))}
            for both in zip(sums[one.day], sums[other.day], strict=True)
        )
        ordered = sorted(lasts)
        reach, close = _CLOSE * one.margin, _CLOSE * other.margin
        found = []
        for (amount, more), first in firsts.items():
            begin = bisect_left(ordered, (one.low - amount - reach, -inf))
            end = bisect_right(ordered, (one.low - amount + reach, inf))
            found += [
                first | lasts[last] << _HALF
                for last in ordered[begin:end]
                if abs(last[1] + more - other.low) <= close
            ]
        best = max(found, key=worth, default=None)
        if best is not None and worth(best)[0] >= 0:
            # In summer a clock that is not put forward shows an hour less.
            less = best >> 1 | (best & 1) << 23
            return [LowHours(best), LowHours(best, False), LowHours(less, False)]
    return []


def _sums(hours: Sequence[float]) -> list[float]:
    """Return the sums of all sets of some hours: that of the first has index 1."""
    sums = [0.0]
    for amount in hours:
        sums += [amount + each for each in sums]
    return sums
