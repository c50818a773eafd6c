"""Days and months by the CEMM's clock, as Unix seconds.

Midnight in Amsterdam is always on a full hour of UTC, so the hours of a day, be
there 23, 24 or 25 of them, are those of Home Assistant's statistics.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("Europe/Amsterdam")
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR

ONE_DAY = timedelta(days=1)


def midnight(day: date) -> int:
    """Return the Unix time at which a day begins."""
    return int(datetime.combine(day, time(), TIME_ZONE).timestamp())


def date_at(moment: float) -> date:
    """Return the day that a Unix time lies in."""
    return datetime.fromtimestamp(moment, TIME_ZONE).date()


def wall_clock(day: date) -> list[int]:
    """Return what the clock shows at the start of each hour of a day."""
    hours = range(midnight(day), midnight(day + ONE_DAY), HOUR)
    return [datetime.fromtimestamp(start, TIME_ZONE).hour for start in hours]


def days(first: date, last: date) -> list[date]:
    """Return the days from the first to the last one, both included."""
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def months_back(newest: date, oldest: date) -> Iterator[tuple[date, date]]:
    """Yield the first and last day of each month, newest first.

    The newest and the oldest month end where the wanted days do.
    """
    while newest >= oldest:
        first = max(newest.replace(day=1), oldest)
        yield first, newest
        newest = first - ONE_DAY


def floor_hour(moment: float) -> int:
    """Return the last full hour before, or at, a Unix time."""
    return int(moment // HOUR) * HOUR
