"""What a counter counted, hour by hour: the day data, made to agree with the rest.

Day data says when something was used, and says it in rounded numbers and with
gaps. How much it was, meter readings (remote API) or the amounts of the month
data tell exactly. A `Change` is such knowledge; between its two ends the day
data only gives the shape.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, pairwise
from operator import attrgetter

from custom_components.cemm.channels import POWER_PERIOD, HistoryRule
from custom_components.cemm.client import History, Reading
from custom_components.cemm.days import HOUR, MINUTE, day_after, midnight

from .counters import Counter
from .profile import POWER, Curve, Profile, hourly_net, minutes
from .tariffs import HIGH, LOW, Tariffs, tariffs, tariffs_in_part, usual

# In kWh or m³: far below what a meter shows.
_NEXT_TO_NOTHING = 1e-9

type Times = Sequence[float]


@dataclass(frozen=True, slots=True)
class Day:
    """What the CEMM has of one meter and one day."""

    day: date
    minutes: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    """The day data by channel, see `minutes`: bare numbers, as a month has many."""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """The day's part of the month data; empty for a day that is not over."""
    closing: Reading | None = None
    """The last meter readings of the day, where the API has them."""

    @classmethod
    def of(
        cls,
        day: date,
        history: History,
        amounts: Mapping[str, float],
        closing: Reading | None = None,
    ) -> Day:
        """Return a day with the day data as the CEMM sends it."""
        start, end = midnight(day), midnight(day_after(day))
        by_channel = {
            name: minutes(samples, name, start, end)
            for name, samples in history.channels.items()
        }
        return cls(day, by_channel, amounts, closing)

    @property
    def start(self) -> int:
        """Unix time of its midnight."""
        return midnight(self.day)

    @property
    def end(self) -> int:
        """Unix time of the next midnight."""
        return midnight(day_after(self.day))


@dataclass(frozen=True, slots=True)
class Change:
    """How much a counter rose between two Unix times."""

    start: float
    end: float
    amount: float


class MeasuredDays:
    """Consecutive days of one meter, as one channel of the day data shows them."""

    def __init__(self, days: Sequence[Day], channel: str) -> None:
        self.days = days
        by_day = [
            day.minutes.get(channel) or [None] * ((day.end - day.start) // MINUTE)
            for day in days
        ]
        self.tariffs = list(map(_tariffs_of, days, by_day, strict=True))
        self.profile = Profile(
            days[0].start,
            [amount for amounts in by_day for amount in amounts],
            [tariff for found in self.tariffs for tariff in found.hours],
        )

    @property
    def certain_since(self) -> int:
        """Unix time since when each register's use is certain up to the end.

        Between two readings it is, as they are of each register; month data is net,
        and needs sure tariffs.
        """
        read = [index for index, day in enumerate(self.days) if day.closing]
        for index in reversed(range(len(self.days))):
            between = read and read[0] < index <= read[-1]
            day, found = self.days[index], self.tariffs[index]
            if day.amounts and not (between or found.certain):
                return day.end
        return self.days[0].start

    def is_exact(self, rule: HistoryRule) -> bool:
        """Tell whether the changes of a counter are just what it counted.

        Net amounts are less than what was imported where something was exported too.
        """
        closings = [day.closing for day in self.days if day.amounts or day.closing]
        return rule.day != POWER or (any(closings) and all(closings))

    @property
    def known_since(self) -> int | None:
        """The Unix time at which the CEMM's memory of these days begins."""
        found = [day.start for day in self.days if any(day.amounts.values())]
        if (measured := self.profile.measured_since) is not None:
            found.append(measured)
        return min(found, default=None)


def _tariffs_of(day: Day, amounts: Sequence[float | None]) -> Tariffs:
    hours = hourly_net(amounts)
    low, high = (day.amounts.get(name) for name in POWER_PERIOD)
    found = tariffs(day.day, hours, low)
    if found.certain or None not in amounts:
        return found
    if low and high is not None and min(hours) >= 0:
        return tariffs_in_part(day.day, hours, low, high)
    # What was not measured may explain it: the usual tariffs are not contradicted.
    return Tariffs(usual(day.day).on(day.day), certain=True)


def read_changes(
    readings: Iterable[tuple[float, float]], max_rate: float
) -> Iterator[Change]:
    """Yield the changes between meter readings, (Unix time, value) in order of time.

    A fall (another meter, a glitch) tells nothing of the use, nor does a leap
    beyond ``max_rate`` (per hour), nor what follows either.
    """
    trusted = True
    for (start, old), (end, new) in pairwise(readings):
        if end <= start:
            continue
        plausible = 0 <= new - old <= max_rate * (end - start) / HOUR
        if plausible and trusted:
            yield Change(start, end, new - old)
        trusted = plausible


def booked_changes(
    measured: MeasuredDays, rule: HistoryRule, max_rate: float
) -> Iterator[Change]:
    """Yield what the month data says of each day.

    Nothing but zeros is no data, and neither is what no meter can count in a day.
    """
    amount: float | None
    for day in measured.days:
        if not any(day.amounts.get(name) for name in rule.period):
            continue
        if rule.day == POWER:
            amount = _booked_energy(measured, rule, day)
        else:
            amount = sum(day.amounts.get(name, 0.0) for name in rule.period)
        if (
            amount is not None
            and 0 <= amount <= max_rate * (day.end - day.start) / HOUR
        ):
            yield Change(day.start, day.end, amount)


def _booked_energy(measured: MeasuredDays, rule: HistoryRule, day: Day) -> float | None:
    """Return how much of a day's energy a counter counted; None: not known.

    Energy is booked net and per tariff: what the day data lacks, or has too
    much, is laid on import and export in proportion to them, or on either one
    where it lies in the time that was not measured.
    """
    low, high = rule.period
    names = {LOW: (low,), HIGH: (high,), None: rule.period}[rule.tariff]
    amounts = [day.amounts[name] for name in names if name in day.amounts]
    if not amounts:
        return None
    net = rule.sign * sum(amounts)
    other = HistoryRule(rule.day, rule.period, -rule.sign, rule.tariff)
    used, unknown = measured.profile.curve(rule).between(day.start, day.end)
    back, _ = measured.profile.curve(other).between(day.start, day.end)
    missing = net - (used - back)
    if used + back and not unknown:
        return max(used * (1 + missing / (used + back)), 0.0)
    return max(used + missing, used if unknown else 0.0)


def known_changes(measured: MeasuredDays, counter: Counter) -> list[Change]:
    """Return how much a counter rose, in order of time and as far as that is known.

    Meter readings are exact; before and after them, month data must do.
    """
    readings = meter_readings(
        (day.closing for day in measured.days if day.closing), counter.registers
    )
    exact = list(read_changes(readings, counter.max_rate))
    booked = booked_changes(measured, counter.rule, counter.max_rate)
    if not exact:
        return list(booked)
    start, end = exact[0].start, exact[-1].end
    outside = [each for each in booked if each.end <= start or each.start >= end]
    return sorted([*exact, *outside], key=attrgetter("start"))


def counted(curve: Curve, changes: Sequence[Change], times: Times) -> list[float]:
    """Return what was counted from the first of some Unix times until each of them.

    ``times`` are in order. Within a change its whole amount is counted; outside
    of them what the day data has.
    """
    edges = {edge for change in changes for edge in (change.start, change.end)}
    cuts = {*times, *(edge for edge in edges if times[0] < edge < times[-1])}
    starts = [change.start for change in changes]
    weights = [_weights(curve, change) for change in changes]
    total, totals = 0.0, {times[0]: 0.0}
    for begin, end in pairwise(sorted(cuts)):
        used, unknown = curve.between(begin, end)
        index = bisect_right(starts, begin) - 1
        if index >= 0 and begin < changes[index].end:
            scale, fill, even = weights[index]
            total += scale * used + fill * unknown + even * (end - begin)
        else:
            total += used
        totals[end] = total
    return [totals[time] for time in times]


def _weights(curve: Curve, change: Change) -> tuple[float, float, float]:
    """Return the weights of measured use, unmeasured minutes and mere seconds.

    The use beyond what was measured lies where nothing was measured, if there is such
    a time. Everything else is a matter of scale.
    """
    used, unknown = curve.between(change.start, change.end)
    missing = change.amount - used
    if missing > 0 and unknown >= 1:
        return 1.0, missing / unknown, 0.0
    # What is next to nothing has no shape, and nothing can be divided by it.
    if used > _NEXT_TO_NOTHING:
        return change.amount / used, 0.0, 0.0
    return 0.0, 0.0, change.amount / (change.end - change.start)


def unmeasured(curve: Curve, changes: Sequence[Change], times: Times) -> list[float]:
    """Return how many minutes were not measured until each of some Unix times.

    ``times`` are in order. Minutes within a change don't count: its amount is known.
    """

    def missing(begin: float, end: float) -> float:
        return curve.between(begin, end)[1] - sum(
            curve.between(max(begin, change.start), min(end, change.end))[1]
            for change in changes
            if change.start < end and begin < change.end
        )

    # Float noise must not make it fall.
    steps = (max(missing(begin, end), 0.0) for begin, end in pairwise(times))
    return list(accumulate(steps, initial=0.0))


def meter_readings(
    readings: Iterable[Reading], registers: Sequence[str]
) -> Iterator[tuple[float, float]]:
    """Yield (Unix time, value) of what a counter read, the sum of some registers.

    A reading counts at its own time, which may be long before the day's end.
    """
    for reading in readings:
        found = [reading.channels.get(name) for name in registers]
        parts = [measurement for measurement in found if measurement]
        if parts and len(parts) == len(found):
            yield max(part.time for part in parts) / 1000, sum(p.value for p in parts)
