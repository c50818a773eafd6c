"""What the CEMM of a house says at one moment: measurements, history, meter readings."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
import math

from .days import Day, Period, date_at, day_at, midnight, period_marks
from .faults import NEVER_MEASURED, Fault, Measurement
from .house import House, SimMeter, Source, gas_alias, reading
from .ledger import Registers

type Sample = tuple[int, float | None]
"""Milliseconds since 1970, and the value; None where the CEMM says null."""
type History = dict[str, list[Sample]]

_LITRES = (Source.GAS, Source.WATER)
_TOTALS_CADENCE = 300
"""The CEMM notes meter readings every five minutes."""


class Readings:
    """One CEMM at the moment `now` (Unix seconds), spoilt by `faults`."""

    def __init__(self, house: House, now: float, faults: Sequence[Fault] = ()) -> None:
        self._house = house
        self._now = now
        self._faults = faults

    def measurement(self, alias: str, meter: SimMeter, key: str) -> Measurement:
        """Return a channel's newest measurement."""
        now = min([self._now, *self._stops(alias)])
        return self._spoilt(
            alias, key, self._measure(alias, key, meter.measured_at(now))
        )

    def whole_count(self, alias: str, meter: SimMeter) -> Measurement:
        """Return the only register of a meter that knows no tariffs."""
        stamp, low = self.measurement(alias, meter, "t1")
        return stamp, round(low + self.measurement(alias, meter, "t2")[1], 3)

    def total(self, alias: str, meter: SimMeter, key: str, at: float) -> Measurement:
        """Return the last reading of the day that `at` lies in, as noted every five minutes."""
        day = day_at(at)
        last = min([day.end - 1, self._now, *self._stops(alias)])
        last = self._house.noted_until(last)
        noted = last - last % max(_TOTALS_CADENCE, meter.cadence)
        if noted < max(day.start, midnight(self._house.since)):
            return NEVER_MEASURED
        return self._spoilt(
            alias, key, self._measure(alias, key, noted), before=day.end
        )

    def history(
        self, alias: str, meter: SimMeter, period: Period, at: float
    ) -> History:
        """Return the samples of the day, month or year that `at` lies in, newest first."""
        if period == "day":
            return {_day_channel(alias, meter): self._day(alias, meter, day_at(at))}
        marks = [midnight(mark) for mark in period_marks(period, date_at(at))]
        return self._amounts(alias, meter, marks)

    def _measure(self, alias: str, key: str, at: float) -> Measurement:
        value: float
        match key:
            case "electric_power":
                value = self._house.power(alias, at)
            case "flow":
                value = self._house.flow(alias, at)
            case "rate":
                value = 1 if self._house.schedule.is_low(at) else 2
            case "switch":
                return NEVER_MEASURED
            case "gas":
                gas_meter = self._house.meters.get(gas_alias(alias))
                if gas_meter is None:
                    return NEVER_MEASURED
                value = self._house.reading(alias, key, at - at % gas_meter.cadence)
            case _:
                value = self._house.reading(alias, key, at)
        return int(at * 1000), value

    def _spoilt(
        self, alias: str, key: str, measurement: Measurement, before: float = math.inf
    ) -> Measurement:
        for fault in self._faults:
            if fault.alias == alias and (fault.added or 0) < before:
                measurement = fault.spoil(key, measurement)
        return measurement

    def _stops(self, alias: str) -> list[float]:
        """Return when the meter was frozen."""
        return [
            fault.added or 0
            for fault in self._faults
            if fault.kind == "frozen" and fault.alias == alias
        ]

    def _day(self, alias: str, meter: SimMeter, day: Day) -> list[Sample]:
        """Return what was in each minute that is over: W or L/min; or in each hour: m³."""
        if day.date < self._house.since:
            return []
        hourly = alias.endswith("-gas") and meter.cadence >= 3600
        values = self._hours(alias, day) if hourly else self._minutes(alias, meter, day)
        seconds = 3600 if hourly else 60
        over = range(day.start, min(day.end, int(self._now) - seconds + 1), seconds)
        samples: list[Sample] = [
            (start * 1000, value if self._noted(start, seconds) else None)
            for start, value in zip(over, values, strict=False)
        ]
        samples.append(((day.end - 1) * 1000, 0 if hourly else None))
        return samples[::-1]

    def _noted(self, start: float, seconds: float) -> bool:
        """Tell whether the CEMM had power all the time."""
        return all(
            start + seconds <= begin or start >= end for begin, end in self._house.dark
        )

    def _minutes(self, alias: str, meter: SimMeter, day: Day) -> Iterator[float]:
        for hour in self._real_hours(day):
            for mean in self._house.minutes(alias, hour):
                yield mean / 1000 if meter.source in _LITRES else mean

    def _hours(self, alias: str, day: Day) -> Iterator[float]:
        for hour in self._real_hours(day):
            passed = (self._house.passed(alias, at) for at in (hour, hour + 3600))
            yield reading(_difference(*passed), "gas")

    def _amounts(self, alias: str, meter: SimMeter, marks: list[int]) -> History:
        """Return what passed from mark to mark (Unix seconds): kWh, net, or m³."""
        amounts = [self._booked(alias, *span) for span in pairwise(marks)]
        if meter.source in _LITRES:
            key = "gas" if alias.endswith("-gas") else "volume"
            channels = {key: key}
        else:
            channels = {
                "electric_energy_low": "electric_energy",
                "electric_energy_high": "electric_energy_high",
            }
        samples = list(zip(marks, amounts, strict=False))[::-1]
        return {
            channel: [
                (
                    start * 1000,
                    reading(amount, key) + _wrong(meter, channel, start, end),
                )
                for (start, amount), end in zip(samples, marks[:0:-1], strict=True)
            ]
            for channel, key in channels.items()
        }

    def _booked(self, alias: str, start: float, end: float) -> Registers:
        """Return what passed between two moments by the CEMM's clock, as it remembers it."""
        if end == day_at(start).end:
            ahead = self._clock_error(day_at(start))
            start, end = start - ahead, end - ahead
        lost = [(max(a, start), min(b, end)) for a, b in self._house.forgotten]
        amount = self._passed(alias, start, end)
        for since, until in lost:
            if since < until:
                amount = _difference(self._passed(alias, since, until), amount)
        return amount

    def _passed(self, alias: str, start: float, end: float) -> Registers:
        start, end = min(start, self._now), min(end, self._now)
        return _difference(
            self._house.passed(alias, start), self._house.passed(alias, end)
        )

    def _clock_error(self, day: Day) -> int:
        return 3600 * self._house.clock_wrong.get(day.date, 0)

    def _real_hours(self, day: Day) -> range:
        """Return when the hours of a day by the CEMM's clock really began."""
        ahead = self._clock_error(day)
        return range(day.start - ahead, day.end - ahead, 3600)


def _day_channel(alias: str, meter: SimMeter) -> str:
    if meter.source not in _LITRES:
        return "electric_power"
    return "gas" if alias.endswith("-gas") else "flow"


def _wrong(meter: SimMeter, channel: str, start: float, end: float) -> float:
    return sum(
        amount
        for (wrong, day), amount in meter.misbooked.items()
        if wrong == channel and start <= midnight(day) < end
    )


def _difference(before: Registers, after: Registers) -> Registers:
    return Registers(*(new - old for old, new in zip(before, after, strict=True)))
