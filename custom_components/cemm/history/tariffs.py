"""Which tariff is in force when.

The CEMM's day data does not say. The Dutch low tariff runs from 23:00 to 7:00 and
all weekend; some regions begin at 21:00, Belgium at 22:00, and holidays are low
all day. The amounts per tariff in the month data tell which one it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from custom_components.cemm.days import wall_clock

LOW = 1
HIGH = 2

# How much minutes rounded to whole watts, and a meter read a few seconds late, add up to.
_TOLERANCE_KWH = 0.05
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class LowHours:
    """A day's tariffs by the clock on the wall: low from one hour until another."""

    low_from: int
    low_until: int

    def on(self, day: date) -> list[int]:
        """Return the tariff in each hour of a day."""
        return [
            LOW if hour >= self.low_from or hour < self.low_until else HIGH
            for hour in wall_clock(day)
        ]


DUTCH = LowHours(23, 7)
ALL_LOW = LowHours(0, 0)
_OTHERS = (LowHours(21, 7), LowHours(22, 7), LowHours(22, 6), LowHours(21, 6))


@dataclass(frozen=True, slots=True)
class Tariffs:
    """The tariffs of a day."""

    hours: Sequence[int]
    """The tariff in force in each hour."""
    certain: bool
    """Whether the amounts per tariff agree with that."""


def usual(day: date) -> LowHours:
    """Return when the low tariff is most likely in force on a day."""
    return ALL_LOW if day.weekday() >= 5 else DUTCH


def tariffs(day: date, hours: Sequence[float], low: float | None) -> Tariffs:
    """Find the tariffs of a day.

    ``hours`` is what was used in each hour (net, kWh), ``low`` the part of it that the
    CEMM booked on the low tariff. The usual tariffs are preferred; others must explain
    ``low`` better, and the best are not certain if they can't.
    """
    if low is None:
        return Tariffs(usual(day).on(day), certain=False)
    tolerance = _tolerance(hours)

    def error(candidate: Sequence[int]) -> float:
        return abs(_used(hours, candidate, LOW) - low)

    expected, *others = _candidates(day)
    if error(expected) <= tolerance:
        return Tariffs(expected, certain=True)
    best = min(others, key=error)
    return Tariffs(best, error(best) <= tolerance)


def tariffs_in_part(
    day: date, hours: Sequence[float], low: float, high: float
) -> Tariffs:
    """Find the tariffs of a day of which not every minute was measured.

    ``hours`` is the use as far as it is known, and nothing was fed in. No less can be
    booked on either tariff: the first candidate that fits is taken.
    """
    tolerance = _tolerance(hours)
    for candidate in _candidates(day):
        if (
            _used(hours, candidate, LOW) <= low + tolerance
            and _used(hours, candidate, HIGH) <= high + tolerance
        ):
            return Tariffs(candidate, certain=True)
    return Tariffs(usual(day).on(day), certain=False)


def _candidates(day: date) -> list[list[int]]:
    """Return the tariffs that a day may have, the most likely first."""
    return [low.on(day) for low in (usual(day), DUTCH, ALL_LOW, *_OTHERS)]


def _used(hours: Sequence[float], candidate: Sequence[int], tariff: int) -> float:
    return sum(
        amount
        for amount, of_hour in zip(hours, candidate, strict=True)
        if of_hour == tariff
    )


def _tolerance(hours: Sequence[float]) -> float:
    return _TOLERANCE_KWH + _TOLERANCE * sum(map(abs, hours))
