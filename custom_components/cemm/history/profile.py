"""When something was used: the CEMM's day data, minute by minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, pairwise

from custom_components.cemm.channels import POWER_PERIOD, HistoryRule
from custom_components.cemm.client import History, Reading, Sample
from custom_components.cemm.days import HOUR, MINUTE, day_after, midnight

from .tariffs import Tariffs, tariffs, tariffs_in_part, usual

_MINUTES = HOUR // MINUTE
_W_MINUTES_PER_KWH = 60_000
_LITRES_PER_M3 = 1000

POWER = "electric_power"


def minutes(
    samples: Sequence[Sample], channel: str, start: int, end: int
) -> list[float | None]:
    """Return the amount in each minute between two Unix times; None: not measured.

    Power (W, means) becomes kWh, and negative for feeding in. A flow (L/min)
    becomes m³. Gas comes in L/min too (DSMR 5), or in m³ an hour (DSMR 3 and 4):
    the spacing of the samples tells which, and one sample alone tells nothing.
    The minute that is not over yet goes on like the last one.
    """
    amounts: list[float | None] = [None] * ((end - start) // MINUTE)
    starts = [sample.start for sample in samples]
    spacing = min((b - a for a, b in pairwise(starts)), default=0)
    length = spacing // MINUTE
    if channel == POWER:
        divisor = _W_MINUTES_PER_KWH
    else:
        divisor = _LITRES_PER_M3 if spacing < HOUR else length
    for sample_start, value in samples if length else ():
        first = (sample_start - start) // MINUTE
        if value is None or not 0 <= first < len(amounts):
            continue
        amounts[first] = value / divisor
        # The other minutes that the sample stands for.
        if more := length - 1 or sample_start == starts[-1]:
            until = min(first + 1 + more, len(amounts))
            amounts[first:until] = [amounts[first]] * (until - first)
    return amounts


@dataclass(frozen=True, slots=True)
class Curve:
    """What a counter counted since a time, and how long nothing was measured."""

    start: int
    used: Sequence[float]
    """By the minute, beginning with 0."""
    unknown: Sequence[float]
    """Minutes without a measurement, likewise."""

    @classmethod
    def of(
        cls,
        start: int,
        amounts: Sequence[float | None],
        tariffs: Sequence[int],
        rule: HistoryRule,
    ) -> Curve:
        """Return what a counter that follows a rule counted since a Unix time.

        It counts one direction, and perhaps only while its tariff is in force.
        ``amounts`` holds one for each minute, None where nothing was measured, and
        ``tariffs`` one for each hour.
        """
        counted: list[float | None] = []
        firsts = range(0, len(amounts), _MINUTES)
        for first, tariff in zip(firsts, tariffs, strict=True):
            hour = amounts[first : first + _MINUTES]
            counted += hour if rule.tariff in (None, tariff) else [0.0] * len(hour)
        if rule.sign > 0:
            used = [amount if amount and amount > 0 else 0.0 for amount in counted]
        else:
            used = [-amount if amount and amount < 0 else 0.0 for amount in counted]
        unknown = [amount is None for amount in counted]
        return cls(
            start,
            list(accumulate(used, initial=0.0)),
            list(accumulate(unknown, initial=0)),
        )

    def between(self, begin: float, end: float) -> tuple[float, float]:
        """Return the amount and the unmeasured minutes between two Unix times."""
        return (
            self._at(self.used, end) - self._at(self.used, begin),
            self._at(self.unknown, end) - self._at(self.unknown, begin),
        )

    def _at(self, values: Sequence[float], time: float) -> float:
        minute, part = divmod((time - self.start) / MINUTE, 1)
        index = int(minute)
        if index < 0:
            return values[0]
        if index + 1 >= len(values):
            return values[-1]
        return values[index] + (values[index + 1] - values[index]) * part


def hourly_net(amounts: Sequence[float | None]) -> list[float]:
    """Return what was used less what was fed in, hour by hour."""
    return [
        sum(amount or 0.0 for amount in amounts[first : first + _MINUTES])
        for first in range(0, len(amounts), _MINUTES)
    ]


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


class MeasuredDays:
    """Consecutive days of one meter, as one channel of the day data shows them."""

    def __init__(self, days: Sequence[Day], channel: str) -> None:
        self.days = days
        by_day = [
            day.minutes.get(channel) or [None] * ((day.end - day.start) // MINUTE)
            for day in days
        ]
        self._amounts = [amount for amounts in by_day for amount in amounts]
        self._tariffs = list(map(_tariffs_of, days, by_day, strict=True))
        self._curves: dict[tuple[int, int | None], Curve] = {}

    def curve(self, rule: HistoryRule) -> Curve:
        """Return what a counter that follows a rule counted."""
        # The counters of a smart meter ask for each other's curves too.
        key = rule.sign, rule.tariff
        if key not in self._curves:
            tariffs = [tariff for found in self._tariffs for tariff in found.hours]
            start = self.days[0].start
            self._curves[key] = Curve.of(start, self._amounts, tariffs, rule)
        return self._curves[key]

    @property
    def certain_since(self) -> int:
        """Unix time since when each register's use is certain up to the end.

        It is between two readings, as these are of each register. Month data is net,
        and needs certain tariffs.
        """
        read = [index for index, day in enumerate(self.days) if day.closing]
        for index in reversed(range(len(self.days))):
            between = read and read[0] < index <= read[-1]
            day, found = self.days[index], self._tariffs[index]
            if day.amounts and not (between or found.certain):
                return day.end
        return self.days[0].start

    def is_exact(self, rule: HistoryRule) -> bool:
        """Tell whether the known rises of a counter are just what it counted.

        A net amount is less than the import where something was exported too.
        """
        closings = [day.closing for day in self.days if day.amounts or day.closing]
        return rule.day != POWER or (any(closings) and all(closings))

    @property
    def known_since(self) -> int | None:
        """The Unix time at which the CEMM's memory of these days begins."""
        start = self.days[0].start
        known = [day.start for day in self.days if any(day.amounts.values())]
        known += [
            start + minute * MINUTE
            for minute, amount in enumerate(self._amounts)
            if amount is not None
        ]
        return min(known, default=None)


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
