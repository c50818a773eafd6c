"""When something was used: the CEMM's day data, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from custom_components.cemm.channels import HistoryRule
from custom_components.cemm.client import Sample
from custom_components.cemm.days import HOUR, MINUTE

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


class Profile:
    """A meter's use over some time, and the tariffs then in force.

    ``amounts`` holds one per minute, None where nothing was measured, and
    ``tariffs`` one per hour.
    """

    def __init__(
        self, start: int, amounts: Sequence[float | None], tariffs: Sequence[int]
    ) -> None:
        self.start = start
        self.end = start + len(amounts) * MINUTE
        self._amounts = amounts
        self._tariffs = tariffs
        self._curves: dict[tuple[int, int | None], Curve] = {}

    @property
    def measured_since(self) -> int | None:
        """The Unix time of the first minute that was measured."""
        for minute, amount in enumerate(self._amounts):
            if amount is not None:
                return self.start + minute * MINUTE
        return None

    def curve(self, rule: HistoryRule) -> Curve:
        """Return what a counter that follows a rule counted.

        It counts one direction, and perhaps only while its tariff is in force.
        """
        # The counters of a smart meter ask for each other's curves too.
        key = rule.sign, rule.tariff
        if key not in self._curves:
            counted = self._counted(rule)
            if rule.sign > 0:
                used = [amount if amount and amount > 0 else 0.0 for amount in counted]
            else:
                used = [-amount if amount and amount < 0 else 0.0 for amount in counted]
            unknown = [amount is None for amount in counted]
            self._curves[key] = Curve(
                self.start,
                list(accumulate(used, initial=0.0)),
                list(accumulate(unknown, initial=0)),
            )
        return self._curves[key]

    def _counted(self, rule: HistoryRule) -> Sequence[float | None]:
        """Return the amounts, with 0 where another tariff was in force."""
        if rule.tariff is None:
            return self._amounts
        counted: list[float | None] = []
        for first, tariff in zip(
            range(0, len(self._amounts), _MINUTES), self._tariffs, strict=True
        ):
            hour = self._amounts[first : first + _MINUTES]
            counted += hour if tariff == rule.tariff else [0.0] * len(hour)
        return counted


def hourly_net(amounts: Sequence[float | None]) -> list[float]:
    """Return what was used less what was fed in, hour by hour."""
    return [
        sum(amount or 0.0 for amount in amounts[first : first + _MINUTES])
        for first in range(0, len(amounts), _MINUTES)
    ]
