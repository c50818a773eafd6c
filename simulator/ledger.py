"""The readings of a meter's registers, at any moment."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from .days import Schedule, day_at, day_number
from .profiles import SLICES, Profile

_SLICE_SECONDS = 60 // SLICES


class Registers(NamedTuple):
    """What has passed a meter: Wh, or litres."""

    t1: int = 0
    t2: int = 0
    t3: int = 0
    t4: int = 0


NOTHING = Registers()


class Ledger:
    """Adds a profile up in its registers, beginning with the day `since`.

    t1 and t2 count what comes in by the low and the high tariff, t3 and t4 what goes out.
    Within an hour, registers move on a whole unit at a time, as displays do.
    """

    def __init__(self, profile: Profile, since: date, schedule: Schedule) -> None:
        self._profile = profile
        self._schedule = schedule
        self._first = since.toordinal()
        self._mornings = [NOTHING]
        # An answer asks for several registers of one moment.
        self._memo = lru_cache(maxsize=8)(self._registers)

    def registers(self, at: float) -> Registers:
        """Return the readings at `at` (Unix seconds), all 0 on the morning of the first day."""
        return self._memo(at)

    def _registers(self, at: float) -> Registers:
        day = day_at(at)
        if day.date.toordinal() < self._first:
            return NOTHING
        hour = int(at - day.start) // 3600
        amounts = [*self._profile.hours(day)[:hour], self._partial(at)]
        return _add(
            self._morning(day.date.toordinal()), amounts, self._schedule.low(day)
        )

    def rate(self, at: float) -> int:
        """Return what passes at this moment in W, or mL/min."""
        day = day_at(at)
        hour, seconds = divmod(int(at - day.start), 3600)
        minute, second = divmod(seconds, 60)
        return self._profile.slices(day, hour, minute)[second // _SLICE_SECONDS]

    def minutes(self, at: float) -> Sequence[int]:
        """Return the mean of each minute of the hour that `at` lies in, in W or mL/min."""
        day = day_at(at)
        return self._profile.minutes(day, int(at - day.start) // 3600)

    def _partial(self, at: float) -> int:
        """Return what has passed since the last full hour."""
        day = day_at(at)
        hour, seconds = divmod(at - day.start, 3600)
        minute, second = divmod(seconds, 60)
        part, rest = divmod(second, _SLICE_SECONDS)
        minutes = self._profile.minutes(day, int(hour))
        slices = self._profile.slices(day, int(hour), int(minute))
        passed = (
            sum(minutes[: int(minute)]) * 60
            + sum(slices[: int(part)]) * _SLICE_SECONDS
            + slices[int(part)] * rest
        )
        return int(passed / (60 * self._profile.scale))

    def _morning(self, ordinal: int) -> Registers:
        """Return the readings at the start of a day."""
        while len(self._mornings) <= ordinal - self._first:
            day = day_number(self._first + len(self._mornings) - 1)
            self._mornings.append(
                _add(
                    self._mornings[-1],
                    self._profile.hours(day),
                    self._schedule.low(day),
                )
            )
        return self._mornings[ordinal - self._first]


def _add(start: Registers, amounts: Sequence[int], low: tuple[bool, ...]) -> Registers:
    """Return the readings after one amount an hour."""
    registers = list(start)
    for amount, cheap in zip(amounts, low, strict=False):
        registers[(not cheap) + 2 * (amount < 0)] += abs(amount)
    return Registers(*registers)
