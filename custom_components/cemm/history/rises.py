"""How much a meter counted between two times, as far as that can be believed.

Meter readings (remote API) tell it, and the amounts of the month data. But nothing is
believed that contradicts minutes which were measured: these are the better witness.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from custom_components.cemm.client import Measurement
from custom_components.cemm.days import HOUR, MINUTE, floor_hour

from .profile import Curve, Day
from .rows import margin
from .usage import NEXT_TO_NOTHING, IsLow, Rise, pieces

type MeterReading = tuple[float, float, float]
"""A Unix time, and what was counted of either tariff; without tariffs, all is low."""


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


@dataclass(frozen=True, slots=True)
class Measured:
    """What the day data has of one direction, and of the other one."""

    used: Curve
    back: Curve
    is_low: IsLow
    max_rate: float
    """No use is more than this per hour."""
    is_net: bool
    """Whether amounts are those of both directions together."""

    def read_rises(
        self, readings: Iterable[MeterReading], late: float = MINUTE
    ) -> Iterator[Rise]:
        """Yield the rises between meter readings, in order of time.

        A fall (another meter, a glitch) tells nothing of the use, nor does a leap. Beside
        one of them minutes that were measured must tell the same. A reading may be that
        of some seconds before, if it is ``late``.
        """
        steps = [
            (old[0], new[0], new[1] - old[1], new[2] - old[2])
            for old, new in pairwise(readings)
            if old[0] < new[0]
        ]
        is_fine = [
            min(low, high) >= -NEXT_TO_NOTHING
            and low + high <= self.max_rate * (end - start) / HOUR
            for start, end, low, high in steps
        ]
        for index, (start, end, low, high) in enumerate(steps):
            used, hidden = self._between(self.used, start, end)
            is_sure = all(is_fine[max(index - 1, 0) : index + 2])
            slack = self._slack(start, end, late)
            most = slack + (hidden if is_sure else 0.0)
            if is_fine[index] and -slack <= low + high - used <= most:
                yield self._rise(Rise(start, end, low + high), low)

    def booked_rise(self, day: Day, low: float, high: float) -> Rise | None:
        """Return what a day's amounts of the two tariffs tell; None: they can't be true.

        Energy is booked net. An amount that the day data lacks, or has too much, is
        divided over both directions in proportion to them. Where minutes were not
        measured it lies in these, all on one of the two.
        """
        used, hidden = self._between(self.used, day.start, day.end)
        back, _ = self._between(self.back, day.start, day.end)
        net, slack = low + high, self._slack(day.start, day.end)
        missing, both = net - (used - back), used + back
        least = hidden if self.is_net else 0.0
        if not -slack - least <= missing <= slack + hidden:
            return None
        if both and not hidden:
            used *= 1 + missing / both
        elif missing > 0 or not hidden:
            used += missing
        whole = max(used, net, 0.0)
        rise = Rise(day.start, day.end, whole, exact=not self.is_net)
        other = Rise(day.start, day.end, whole - net)
        planned, planned_back = (
            sum(part for _, part in self._planned(curve, each))
            for curve, each in ((self.used, rise), (self.back, other))
        )
        # What does not agree with the low hours is put right in both directions.
        more = low - (planned - planned_back)
        here, there = planned, other.amount - planned_back
        if more > 0:
            here, there = whole - planned, planned_back
        if here + there > NEXT_TO_NOTHING:
            planned += more * here / (here + there)
        return self._rise(rise, planned)

    def _between(self, curve: Curve, start: float, end: float) -> tuple[float, float]:
        """Return what was measured, and how much may be hidden where nothing was."""
        used, unknown = curve.between(start, end)
        return used, unknown * self.max_rate * MINUTE / HOUR

    def _slack(self, start: float, end: float, late: float = MINUTE) -> float:
        """Return how far an amount may be off, for rounding and for the clock."""
        parts = ((start, end, 0.01), (start - late, start, 1), (end - late, end, 1))
        return margin(0) + sum(
            part * curve.between(since, until)[0]
            for since, until, part in parts
            for curve in (self.used, self.back)
        )

    def _rise(self, rise: Rise, low: float) -> Rise:
        """Return a rise of which so much is low.

        Where the low hours do not agree with that, a part of each other hour is low as
        well, or not the whole of each low one: first of those that are not known anyway.
        """
        measured, filled = self._planned(self.used, rise)
        low_filled = min(max(low - measured[1], 0.0), filled[0])
        shares = _shares(*measured, low - low_filled), _shares(*filled, low_filled)
        return replace(rise, low=shares)

    def _planned(
        self, curve: Curve, rise: Rise
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return what was used, and the part in low hours; and of what is filled in."""
        hours = range(floor_hour(rise.start) + HOUR, int(rise.end), HOUR)
        found = list(pieces(curve, [rise], sorted({rise.start, *hours, rise.end})))
        low = [piece for piece in found if self.is_low(piece.begin)]
        return (
            (sum(p.used for p in found), sum(p.used for p in low)),
            (sum(p.filled for p in found), sum(p.filled for p in low)),
        )


def _shares(whole: float, planned: float, low: float) -> tuple[float, float]:
    """Return the part that is low, in high hours and in low ones."""
    low = min(max(low, 0.0), whole)
    if low <= planned:
        return 0.0, low / planned if planned else 0.0
    return min((low - planned) / (whole - planned), 1.0), 1.0
