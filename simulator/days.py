"""Days as the CEMM counts them: from midnight to midnight in Amsterdam."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

type Period = Literal["day", "month", "year"]

TIME_ZONE = ZoneInfo("Europe/Amsterdam")

# The clock is put forward at 2:00, and back at 3:00.
_WALL_CLOCK = {
    23: (0, 1, *range(3, 24)),
    24: tuple(range(24)),
    25: (0, 1, 2, *range(2, 24)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A day, its hours being those that really pass: 23, 24 or 25 of them."""

    date: date
    start: int
    """Unix seconds of its midnight."""
    wall_clock: tuple[int, ...]
    """What the clock on the wall shows at the start of each hour."""

    @property
    def end(self) -> int:
        """Unix seconds of the next midnight."""
        return self.start + 3600 * len(self.wall_clock)


def midnight(day: date) -> int:
    """Return the Unix seconds at which `day` begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE).timestamp())


def date_at(timestamp: float) -> date:
    """Return the date on a calendar in Amsterdam."""
    return datetime.fromtimestamp(timestamp, TIME_ZONE).date()


@cache
def day_number(ordinal: int) -> Day:
    """Return the day with this proleptic Gregorian ordinal."""
    day = date.fromordinal(ordinal)
    start = midnight(day)
    hours = (midnight(date.fromordinal(ordinal + 1)) - start) // 3600
    return Day(day, start, _WALL_CLOCK[hours])


def day_at(timestamp: float) -> Day:
    """Return the day that this moment lies in."""
    return day_number(date_at(timestamp).toordinal())


@dataclass(frozen=True, slots=True)
class Schedule:
    """The hours by the clock that are billed by the low tariff."""

    weekday: frozenset[int] = frozenset({*range(7), 23})
    weekend: frozenset[int] = frozenset(range(24))
    summer_time: bool = True
    """Whether that clock is put forward in summer."""
    odd: tuple[tuple[date, frozenset[int]], ...] = ()
    """The days that have hours of their own."""

    def low(self, day: Day) -> tuple[bool, ...]:
        """Tell of each hour of a day whether it is low."""
        usual = self.weekend if day.date.weekday() >= 5 else self.weekday
        hours = dict(self.odd).get(day.date, usual)
        first = day.start // 3600 + 1
        winter = [hour % 24 for hour in range(first, first + len(day.wall_clock))]
        return tuple(
            hour in hours for hour in (day.wall_clock if self.summer_time else winter)
        )

    def is_low(self, timestamp: float) -> bool:
        """Tell whether the low tariff is in force."""
        day = day_at(timestamp)
        return self.low(day)[int(timestamp - day.start) // 3600]


def period_marks(period: Period, day: date) -> list[date]:
    """Return the first day of each part of the period that `day` lies in, and what follows it.

    The parts of a year are its months, those of a month its days; a day is one part.
    """
    if period == "year":
        return [
            *(date(day.year, month, 1) for month in range(1, 13)),
            date(day.year + 1, 1, 1),
        ]
    first, following = day, date.fromordinal(day.toordinal() + 1)
    if period == "month":
        first = day.replace(day=1)
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return [
        date.fromordinal(n) for n in range(first.toordinal(), following.toordinal() + 1)
    ]


def period_start(period: Period, timestamp: float) -> int:
    """Return the Unix seconds at which the period that this moment lies in begins."""
    return midnight(period_marks(period, date_at(timestamp))[0])
