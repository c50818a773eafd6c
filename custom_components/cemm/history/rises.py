"""How much a meter counted between two times, as far as that can be believed.

Meter readings (remote API) tell it, and the amounts of the month data. But nothing is
believed that contradicts minutes which were measured: these are the better witness.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from custom_components.cemm.client import Measurement
from custom_components.cemm.days import HOUR, MINUTE, floor_hour

from .profile import Curve
from .rows import margin
from .usage import NEXT_TO_NOTHING, IsLow, Rise, pieces


class MeterReading(NamedTuple):
    """What was counted until a Unix time; without tariffs, all of it is low."""

    time: float
    low: float
    high: float = 0.0


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
    """What the day data has of a counter of one direction."""

    used: Curve
    back: Curve
    """The other direction."""
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
        pairs = [pair for pair in pairwise(readings) if pair[0].time < pair[1].time]
        rises = [
            Rise(
                *(old.time, new.time, new.low - old.low + new.high - old.high),
                low=new.low - old.low,
            )
            for old, new in pairs
        ]
        is_fine = [self._is_possible(rise) for rise in rises]
        for index, rise in enumerate(rises):
            is_sure = all(is_fine[max(index - 1, 0) : index + 2])
            if is_fine[index] and self._believes(rise, late, may_hide=is_sure):
                yield rise

    def _is_possible(self, rise: Rise) -> bool:
        most = self.max_rate * (rise.end - rise.start) / HOUR
        return 0 <= rise.low <= rise.amount <= most

    def _believes(self, rise: Rise, late: float, *, may_hide: bool) -> bool:
        """Tell whether what was measured allows an amount.

        More may be hidden in minutes without a measurement.
        """
        used, unknown = self.used.between(rise.start, rise.end)
        missing = rise.amount - used
        hidden = unknown * self.max_rate * MINUTE / HOUR if may_hide else 0.0
        return abs(missing) <= self._slack(rise.start, rise.end, late) or (
            0 < missing <= hidden
        )

    def _slack(self, start: float, end: float, late: float = MINUTE) -> float:
        """Return how far an amount may be off, for rounding and for the clock."""
        parts = ((start, end, 0.01), (start - late, start, 1), (end - late, end, 1))
        return margin(0) + sum(
            part * curve.between(since, until)[0]
            for since, until, part in parts
            for curve in (self.used, self.back)
        )

    def booked_rise(
        self, start: float, end: float, low: float, high: float = 0.0
    ) -> Rise | None:
        """Return what amounts of the two tariffs tell; None: they can't be true.

        Energy is booked net. An amount that the day data lacks, or has too much, is
        divided over both directions in proportion to them. Where minutes were not
        measured it lies in these, all on one of the two.
        """
        (used, unknown), (back, _) = (
            curve.between(start, end) for curve in (self.used, self.back)
        )
        net = low + high
        missing, both = net - (used - back), used + back
        hidden = unknown * self.max_rate * MINUTE / HOUR
        least = hidden if self.is_net else 0.0
        slack = self._slack(start, end)
        if not -slack - least <= missing <= slack + hidden:
            return None
        if both and not unknown:
            used *= 1 + missing / both
        elif missing > 0 or not unknown:
            used += missing
        whole = max(used, net, 0.0)
        low = self._low_part(
            Rise(start, end, whole), Rise(start, end, whole - net), low
        )
        return Rise(start, end, whole, low, exact=not self.is_net)

    def _low_part(self, rise: Rise, other: Rise, net: float) -> float:
        """Return how much of a rise is low, such that the rest of that is fed in.

        What does not agree with the low hours is put right in both directions.
        """
        low = self._planned(self.used, rise)
        back = self._planned(self.back, other)
        missing = net - (low - back)
        may_move = (
            (rise.amount - low, back) if missing > 0 else (low, other.amount - back)
        )
        if sum(may_move) > NEXT_TO_NOTHING:
            low += missing * may_move[0] / sum(may_move)
        return min(max(low, 0.0), rise.amount)

    def _planned(self, curve: Curve, rise: Rise) -> float:
        """Return the part of a rise that is in low hours."""
        hours = range(floor_hour(rise.start) + HOUR, int(rise.end), HOUR)
        cuts = sorted({rise.start, *hours, rise.end})
        found = pieces(curve, [rise], cuts)
        return sum(piece.used for piece in found if self.is_low(piece.begin))
