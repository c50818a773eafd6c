"""From the CEMM's answers about one meter to what it counted. Nothing here does I/O.

The counters are always of one meter and one channel of its day data.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from custom_components.cemm.days import HOUR, MINUTE, date_at, floor_hour

from .counters import Counter
from .meter_days import MeterDays, Note
from .profile import Day, known_since
from .rises import meter_reading
from .rows import Row, count_back
from .tariffs import Votes
from .usage import Use


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found of some days."""

    rows: Mapping[Counter, list[Row]]
    """Of which the first one is that of the hour before."""
    notes: Sequence[Note] = ()
    """In order of time."""


def count_days_back(
    days: Sequence[Day],
    start: int,
    anchors: Mapping[Counter, Row],
    *,
    oldest: bool,
    votes: Votes | None = None,
) -> Counted:
    """Count from each counter's anchor back to a Unix time, a midnight.

    In the ``oldest`` days that the CEMM remembers, its memory may begin later. Where the
    first of the days has a reading, it is known how much was used since, and counted back
    to there. The ``votes`` tell what is known of the tariffs, and get to know more.
    """
    if _is_hourly(days, next(iter(anchors)).rule.day):
        # Whenever it was asked for, what it reads is that of the last full hour.
        anchors = {
            counter: replace(anchor, start=floor_hour(anchor.start))
            for counter, anchor in anchors.items()
        }
    ends = {anchor.end for anchor in anchors.values()}
    meter = MeterDays(days, anchors, ends, votes)
    begin = known_since(days, meter.channel) if oldest else start
    if begin is None:
        return Counted({counter: [] for counter in anchors})
    begin = max(floor_hour(begin), start)
    if days[0].read:
        read = max(each.time for each in days[0].read.values()) / 1000
        begin = min(begin, max(floor_hour(read + HOUR - 1), days[0].start))
    rows = {
        counter: _count_back(meter, counter, anchor, begin)
        for counter, anchor in anchors.items()
    }
    return Counted(rows, [n for n in meter.notes() if n.day >= date_at(begin)])


def _is_hourly(days: Sequence[Day], channel: str) -> bool:
    """Whether a gas meter is read once an hour: its day data is the same all hour long."""
    if channel != "gas":
        return False
    hours = (
        set(hour)
        for day in days
        for hour in batched(day.measured(channel), HOUR // MINUTE, strict=True)
    )
    return all(len(hour - {None}) <= 1 for hour in hours)


def _count_back(
    meter: MeterDays, counter: Counter, anchor: Row, begin: int
) -> list[Row]:
    if begin >= anchor.end:
        return []
    times = [*range(begin, anchor.end, HOUR), anchor.end]
    used, _ = meter.until(counter, times)
    origins = []
    for day in meter.days:
        reading = meter_reading(day.read, counter.registers)
        if reading and reading[0] <= anchor.end:
            before, _ = meter.until(counter, [times[0], reading[0]])
            origins.append((reading[0], reading[1] - before[-1]))
    return count_back(anchor, times, used, origins)


def count_hours(
    days: Sequence[Day], counters: Collection[Counter], start: int, end: int
) -> dict[Counter, Use]:
    """Return how counters went on from a full hour until another, hour by hour."""
    meter = MeterDays(days, counters)
    times = range(start, end + 1, HOUR)
    return {counter: meter.until(counter, times) for counter in counters}
