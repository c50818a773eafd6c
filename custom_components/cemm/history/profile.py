"""When something was used: the CEMM's day data, minute by minute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from custom_components.cemm.channels import HistoryRule
from custom_components.cemm.client import Sample

from .periods import HOUR, MINUTE

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
    spacing = min((b.start - a.start for a, b in pairwise(samples)), default=0)
    length = spacing // MINUTE
    for sample in samples if length else ():
        if sample.value is None:
            continue
        if channel == POWER:
            amount = sample.value / _W_MINUTES_PER_KWH
        elif spacing < HOUR:
            amount = sample.value / _LITRES_PER_M3
        else:
            amount = sample.value / length
        first = (sample.start - start) // MINUTE
        until = first + length + (length == 1 and sample is samples[-1])
        for minute in range(max(first, 0), min(until, len(amounts))):
            amounts[minute] = amount
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

    @cached_property
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
        used = accumulate(
            (max(rule.sign * (amount or 0.0), 0.0) for amount in self._counted(rule)),
            initial=0.0,
        )
        unknown = accumulate(
            (float(amount is None) for amount in self._counted(rule)), initial=0.0
        )
        return Curve(self.start, list(used), list(unknown))

    def _counted(self, rule: HistoryRule) -> Iterator[float | None]:
        if rule.tariff is None:
            yield from self._amounts
            return
        for minute, amount in enumerate(self._amounts):
            in_force = self._tariffs[minute // _MINUTES] == rule.tariff
            yield amount if in_force else 0.0


def hourly_net(amounts: Sequence[float | None]) -> list[float]:
    """Return what was used less what was fed in, hour by hour."""
    return [
        sum(amount or 0.0 for amount in amounts[first : first + _MINUTES])
        for first in range(0, len(amounts), _MINUTES)
    ]
