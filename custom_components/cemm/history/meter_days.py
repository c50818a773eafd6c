"""Consecutive days of a meter: the day data, and what can be believed of the rest."""

from collections import Counter as Tally
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import batched

from custom_components.cemm.channels import NETS, TARIFFS
from custom_components.cemm.days import HOUR, MINUTE

from .counters import Counter
from .profile import POWER, Curve, Day
from .rises import Measured, MeterReading, meter_reading
from .tariffs import DayUse, Votes, likely_hours
from .usage import Rise, Use, UseByTariff

# The rest of an hour is like that of which only so many minutes were not measured.
_SMALL_GAP = 5

# The registers of either direction, low and high; nets where there are no others.
_REGISTERS = {1: (TARIFFS[:2], NETS), -1: (TARIFFS[2:],)}


class Inexact(StrEnum):
    """Inexact what was counted on a day is not certain."""

    CONTRADICTED = "contradicted"
    """An amount or a reading contradicts what was measured, and is not believed."""
    TARIFF = "tariff"
    """No low hours explain what was booked: the most likely ones are taken."""
    SPREAD = "spread"
    """It is known how much was used, but not when: it is spread evenly."""
    LOST = "lost"
    """What was used in some hours is not known at all."""


@dataclass(frozen=True, slots=True)
class Note:
    """A day that was estimated, or lost."""

    day: date
    why: Inexact


def covers(rises: Sequence[Rise], day: Day) -> bool:
    """Whether a day's use is known, except perhaps for some minutes."""
    noon = (day.start + day.end) / 2
    return any(rise.start <= noon < rise.end for rise in rises)


class MeterDays:
    """Consecutive days of one meter, as one channel of the day data shows them."""

    def __init__(
        self,
        days: Sequence[Day],
        counters: Collection[Counter],
        times: Iterable[float] = (),
        votes: Votes | None = None,
    ) -> None:
        """Find out the tariffs; see there for the ``votes``.

        Counters can be asked for at full hours, at readings, and at any of ``times``.
        """
        self.days = days
        rules = {counter.rule.day: counter.rule for counter in counters}
        ((self.channel, rule),) = rules.items()
        self._period = rule.period
        self._max_rate = max(counter.max_rate for counter in counters)
        self._registers = {name for each in counters for name in each.registers}
        self._start = days[0].start
        self._times = {
            *range(self._start, days[-1].end + 1, HOUR),
            *times,
            *(each.time / 1000 for day in days for each in day.read.values()),
        }
        amounts = [day.measured(self.channel) for day in days]
        flat = [amount for each in amounts for amount in each]
        self._curves = {sign: Curve.of(self._start, flat, sign) for sign in (1, -1)}
        self._uses = [self._use(*each) for each in zip(days, amounts, strict=True)]
        self._tariffs = (
            list(likely_hours(self._uses, Tally() if votes is None else votes))
            if self.channel == POWER
            else []
        )
        self._low = [each for low, _ in self._tariffs for each in low]
        self.by_tariff = cache(self._by_tariff)
        self.rises = cache(self._rises)

    def until(self, counter: Counter, times: Sequence[float]) -> Use:
        """Return how a counter went on from the first of some times until each of them."""
        rule = counter.rule
        return self.by_tariff(rule.sign).until(times, rule.tariff)

    def _use(self, day: Day, amounts: Sequence[float | None]) -> DayUse:
        hours, gaps = [], []
        for hour in batched(amounts, HOUR // MINUTE, strict=True):
            known = [amount for amount in hour if amount is not None]
            gaps.append(len(hour) - len(known) > _SMALL_GAP)
            part = 1.0 if gaps[-1] else len(known) / len(hour)
            hours.append(sum(known) / part)
        return DayUse(day.day, hours, gaps, *self._booked(day))

    def _booked(self, day: Day, sign: int = 1) -> tuple[float, float]:
        """Return what month data has of a day by tariff, as seen from one direction."""
        low, high, *_ = (*(sign * day.amounts.get(n, 0.0) for n in self._period), 0.0)
        return low, high

    def _is_low(self, time: float) -> bool:
        index = max(int(time - self._start) // HOUR, 0)
        return self._low[index] if index < len(self._low) else True

    def _by_tariff(self, sign: int) -> UseByTariff:
        return UseByTariff(
            self._curves[sign], self.rises(sign), self._times, self._is_low
        )

    def _rises(self, sign: int) -> Sequence[Rise]:
        """Return what is known of one direction, in order of time.

        Meter readings are exact; where they tell nothing, month data must do.
        """
        measured = Measured(
            self._curves[sign],
            self._curves[-sign],
            self._is_low,
            self._max_rate,
            is_net=self.channel == POWER,
        )
        late = HOUR if self.channel == "gas" else MINUTE
        read = list(measured.read_rises(self._readings(sign), late))
        booked = [
            rise
            for day in self.days
            if any(self._booked(day)) and not covers(read, day)
            if (rise := measured.booked_rise(day, *self._booked(day, sign)))
        ]
        return sorted([*read, *booked], key=lambda rise: rise.start)

    def _readings(self, sign: int) -> Iterator[MeterReading]:
        """Yield the last readings of days that have them of all registers."""
        known = {name for day in self.days for name in day.read}
        for group in _REGISTERS[sign] if self.channel == POWER else (self._period,):
            names = [name for name in group if name in known]
            # A meter's nets are no readings of what it has registers for.
            if names and (group is not NETS or self._registers.issuperset(names)):
                for day in self.days:
                    if reading := meter_reading(day.read, names):
                        low = day.read[group[0]].value if group[0] in names else 0.0
                        yield reading[0], low, reading[1] - low
                return

    def notes(self) -> Iterator[Note]:
        """Yield which of the days that are over are not certain, and why."""
        is_read = False
        for index, day in enumerate(self.days):
            is_covered = covers(self.rises(1), day)
            has_gap = any(self._uses[index].has_gap)
            if any(self._booked(day)) or (day.read and is_read):
                if not is_covered:
                    yield Note(day.day, Inexact.CONTRADICTED)
                elif self._tariffs and not self._tariffs[index][1]:
                    yield Note(day.day, Inexact.TARIFF)
                elif has_gap:
                    yield Note(day.day, Inexact.SPREAD)
            elif has_gap and (is_covered or day.amounts):
                yield Note(day.day, Inexact.SPREAD if is_covered else Inexact.LOST)
            is_read = is_read or bool(day.read)
