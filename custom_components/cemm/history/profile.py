"""When something was used: the CEMM's day data, minute by minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, pairwise

from custom_components.cemm.client import History, Measurement, Reading, Sample
from custom_components.cemm.days import HOUR, MINUTE, ONE_DAY, midnight

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
    # No sample stands for more than an hour, however many are missing.
    length = min(spacing, HOUR) // MINUTE
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
    def of(cls, start: int, amounts: Sequence[float | None], sign: int) -> Curve:
        """Return what a counter of one direction counted since a Unix time.

        ``amounts`` holds one for each minute, None where nothing was measured.
        """
        if sign > 0:
            used = [amount if amount and amount > 0 else 0.0 for amount in amounts]
        else:
            used = [-amount if amount and amount < 0 else 0.0 for amount in amounts]
        unknown = [amount is None for amount in amounts]
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
        start, end = midnight(day), midnight(day + ONE_DAY)
        by_channel = {
            name: minutes(samples, name, start, end)
            for name, samples in history.channels.items()
        }
        return cls(day, by_channel, amounts, closing)

    @property
    def read(self) -> Mapping[str, Measurement]:
        """The last meter readings, if there are any."""
        return self.closing.channels if self.closing else {}

    @property
    def start(self) -> int:
        """Unix time of its midnight."""
        return midnight(self.day)

    @property
    def end(self) -> int:
        """Unix time of the next midnight."""
        return midnight(self.day + ONE_DAY)

    def measured(self, channel: str) -> Sequence[float | None]:
        """Return the amounts of its minutes, None where nothing was measured."""
        return self.minutes.get(channel) or [None] * ((self.end - self.start) // MINUTE)


def known_since(days: Sequence[Day], channel: str) -> int | None:
    """Return the Unix time at which the CEMM's memory of some days begins."""
    for day in days:
        if any(day.amounts.values()):
            return day.start
        for minute, amount in enumerate(day.measured(channel)):
            if amount is not None:
                return day.start + minute * MINUTE
    return None
