"""What a counter counted, hour by hour: the day data, made to agree with the rest.

Day data says when something was used, and says it in rounded numbers and with
gaps. Meter readings (remote API) or the amounts of the month data tell exactly how
much it was. A `Rise` is such knowledge; between its two ends the day data only gives
the shape.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter

from custom_components.cemm.channels import HistoryRule
from custom_components.cemm.client import Measurement
from custom_components.cemm.days import HOUR

from .counters import Counter
from .profile import POWER, Curve, Day, MeasuredDays
from .tariffs import HIGH, LOW

# In kWh or m³: far below what a meter shows.
_NEXT_TO_NOTHING = 1e-9

type Times = Sequence[float]


@dataclass(frozen=True, slots=True)
class Rise:
    """How much a counter rose between two Unix times."""

    start: float
    end: float
    amount: float


def meter_reading(
    channels: Mapping[str, Measurement], registers: Sequence[str]
) -> tuple[float, float] | None:
    """Return (Unix time, value) of what a counter reads, the sum of some registers.

    A reading counts at its own time. There is none unless all registers have one.
    """
    parts = [channels[name] for name in registers if name in channels]
    if not parts or len(parts) < len(registers):
        return None
    return max(part.time for part in parts) / 1000, sum(part.value for part in parts)


def read_rises(
    readings: Iterable[tuple[float, float]], max_rate: float
) -> Iterator[Rise]:
    """Yield the rises between meter readings, (Unix time, value) in order of time.

    A fall (another meter, a glitch) tells nothing of the use, nor does a leap
    beyond ``max_rate`` (per hour), nor the reading that follows one of them.
    """
    trusted = True
    for (start, old), (end, new) in pairwise(readings):
        if end <= start:
            continue
        plausible = 0 <= new - old <= max_rate * (end - start) / HOUR
        if plausible and trusted:
            yield Rise(start, end, new - old)
        trusted = plausible


def booked_rises(
    measured: MeasuredDays, rule: HistoryRule, max_rate: float
) -> Iterator[Rise]:
    """Yield what the month data says of each day.

    Zeros alone are no data, and neither is more than a meter can count in a day.
    """
    for day in measured.days:
        if any(day.amounts.get(name) for name in rule.period):
            amount = _booked(measured, rule, day)
            most = max_rate * (day.end - day.start) / HOUR
            if amount is not None and 0 <= amount <= most:
                yield Rise(day.start, day.end, amount)


def _booked(measured: MeasuredDays, rule: HistoryRule, day: Day) -> float | None:
    """Return how much a counter counted on a day; None: not known.

    Energy is booked net and per tariff. An amount that the day data lacks, or has too
    much, is divided over import and export in proportion to them. Where minutes were
    not measured it lies in these, all on one of the two.
    """
    if rule.day != POWER:
        return sum(day.amounts.get(name, 0.0) for name in rule.period)
    low, high = rule.period
    names = {LOW: (low,), HIGH: (high,), None: rule.period}[rule.tariff]
    amounts = [day.amounts[name] for name in names if name in day.amounts]
    if not amounts:
        return None
    net = rule.sign * sum(amounts)
    other = HistoryRule(rule.day, rule.period, -rule.sign, rule.tariff)
    used, unknown = measured.curve(rule).between(day.start, day.end)
    back, _ = measured.curve(other).between(day.start, day.end)
    missing = net - (used - back)
    if used + back and not unknown:
        return max(used * (1 + missing / (used + back)), 0.0)
    return max(used + missing, used if unknown else 0.0)


def known_rises(measured: MeasuredDays, counter: Counter) -> list[Rise]:
    """Return how much a counter rose, in order of time and as far as that is known.

    Meter readings are exact; before and after them, month data must do.
    """
    closings = [day.closing.channels for day in measured.days if day.closing]
    readings = [meter_reading(channels, counter.registers) for channels in closings]
    exact = list(read_rises(filter(None, readings), counter.max_rate))
    booked = booked_rises(measured, counter.rule, counter.max_rate)
    if not exact:
        return list(booked)
    start, end = exact[0].start, exact[-1].end
    outside = [each for each in booked if each.end <= start or each.start >= end]
    return sorted([*exact, *outside], key=attrgetter("start"))


def counted(curve: Curve, rises: Sequence[Rise], times: Times) -> list[float]:
    """Return what was counted from the first of some Unix times until each of them.

    ``times`` are in order. A rise is counted whole; outside of rises the day data counts.
    """
    edges = {edge for rise in rises for edge in (rise.start, rise.end)}
    cuts = {*times, *(edge for edge in edges if times[0] < edge < times[-1])}
    starts = [rise.start for rise in rises]
    weights = [_weights(curve, rise) for rise in rises]
    total, totals = 0.0, {times[0]: 0.0}
    for begin, end in pairwise(sorted(cuts)):
        used, unknown = curve.between(begin, end)
        index = bisect_right(starts, begin) - 1
        if index >= 0 and begin < rises[index].end:
            scale, fill, even = weights[index]
            total += scale * used + fill * unknown + even * (end - begin)
        else:
            total += used
        totals[end] = total
    return [totals[time] for time in times]


def _weights(curve: Curve, rise: Rise) -> tuple[float, float, float]:
    """Return the weights of measured use, unmeasured minutes and mere seconds.

    The use beyond what was measured lies where nothing was measured, if there is such
    a time. Everything else is a matter of scale.
    """
    used, unknown = curve.between(rise.start, rise.end)
    missing = rise.amount - used
    if missing > 0 and unknown >= 1:
        return 1.0, missing / unknown, 0.0
    # Next to nothing has no shape, and must not be divided by.
    if used > _NEXT_TO_NOTHING:
        return rise.amount / used, 0.0, 0.0
    return 0.0, 0.0, rise.amount / (rise.end - rise.start)


def unmeasured(curve: Curve, rises: Sequence[Rise], times: Times) -> list[float]:
    """Return how many minutes were not measured until each of some Unix times.

    ``times`` are in order. Minutes within a rise don't count: its amount is known.
    """

    def missing(begin: float, end: float) -> float:
        return curve.between(begin, end)[1] - sum(
            curve.between(max(begin, rise.start), min(end, rise.end))[1]
            for rise in rises
            if rise.start < end and begin < rise.end
        )

    # Float noise must not make it fall.
    steps = (max(missing(begin, end), 0.0) for begin, end in pairwise(times))
    return list(accumulate(steps, initial=0.0))
