"""From the CEMM's answers about one meter to rows. Nothing here does I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custom_components.cemm.days import HOUR, floor_hour

from .counters import Counter
from .rows import Anchor, Row, count_back
from .usage import (
    Change,
    MeasuredDays,
    MeterDays,
    Times,
    counted,
    known_changes,
    unmeasured,
)


@dataclass(frozen=True, slots=True)
class CountedBack:
    """The rows of a counter, back to where a month or the CEMM's memory begins."""

    counter: Counter
    rows: list[Row]
    """The first one is that of the hour before."""
    ended: bool
    """Whether nothing older can be known."""


@dataclass(frozen=True, slots=True)
class HourlyUse:
    """How a counter went on, hour by hour and beginning with 0."""

    used: list[float]
    """What it counted."""
    unknown: list[float]
    """In how many minutes nothing was measured, and may have been used."""

    def followed_by(self, later: HourlyUse) -> HourlyUse:
        """Return this use, followed by a later one."""
        return HourlyUse(
            self.used + [self.used[-1] + amount for amount in later.used[1:]],
            self.unknown + [self.unknown[-1] + time for time in later.unknown[1:]],
        )


def count_days_back(
    meter_days: MeterDays, anchors: Mapping[Counter, Anchor], *, oldest: bool
) -> list[CountedBack]:
    """Count back from each counter's anchor to the start of some days.

    The counters are of one meter and one channel of its day data. In the
    ``oldest`` days that the CEMM remembers, its memory may begin later.
    """
    measured, first = _measured(meter_days, anchors), meter_days.days[0].start
    begin = measured.known_since if oldest else first
    if begin is None:
        return [CountedBack(counter, [], ended=True) for counter in anchors]
    begin = max(floor_hour(begin), first)
    return [
        _count_back(measured, counter, anchor, begin)
        for counter, anchor in anchors.items()
    ]


def _count_back(
    measured: MeasuredDays, counter: Counter, anchor: Anchor, begin: int
) -> CountedBack:
    ended = False
    if counter.rule.tariff:
        ended = measured.certain_since > begin
        begin = max(begin, measured.certain_since)
    if begin >= anchor.time:
        return CountedBack(counter, [], ended)
    times = [*range(begin, int(-(-anchor.time // HOUR)) * HOUR, HOUR), anchor.time]
    curve, changes = measured.profile.curve(counter.rule), _changes(measured, counter)
    used = counted(curve, changes, times)
    return CountedBack(counter, count_back(anchor, times, used), ended)


def count_hours(
    meter_days: MeterDays, counters: Iterable[Counter], start: int, end: int
) -> dict[Counter, HourlyUse]:
    """Return how counters went on from a full hour until another.

    They are of one meter and one channel of its day data.
    """
    counters = list(counters)
    measured = _measured(meter_days, counters)
    times = range(start, end + 1, HOUR)
    return {counter: _hourly_use(measured, counter, times) for counter in counters}


def _hourly_use(measured: MeasuredDays, counter: Counter, times: Times) -> HourlyUse:
    curve = measured.profile.curve(counter.rule)
    changes = _changes(measured, counter)
    exact = changes if measured.is_exact(counter.rule) else []
    return HourlyUse(counted(curve, changes, times), unmeasured(curve, exact, times))


def _measured(meter_days: MeterDays, counters: Iterable[Counter]) -> MeasuredDays:
    (channel,) = {counter.rule.day for counter in counters}
    return MeasuredDays(meter_days, channel)


def _changes(measured: MeasuredDays, counter: Counter) -> list[Change]:
    return known_changes(measured, counter.rule, counter.registers, counter.max_rate)
