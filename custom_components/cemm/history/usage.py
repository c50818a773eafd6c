"""What a meter counted, hour by hour: the day data, made to agree with the rest.

Day data says when something was used, and says it in rounded numbers and with
gaps. A `Rise` tells exactly how much it was; between its two ends the day data only
gives the shape.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from .profile import Curve
from .tariffs import HIGH, LOW

# In kWh or m³: far below what a meter shows.
NEXT_TO_NOTHING = 1e-9

type IsLow = Callable[[float], bool]
"""Whether the low tariff is in force at a Unix time."""

type Use = tuple[list[float], list[float]]
"""What was counted, and how many minutes were not measured, until each of some times."""


type Shares = tuple[tuple[float, float], tuple[float, float]]
"""The shares of the low tariff in high hours and in low ones; of two kinds of use."""

_BY_HOUR: Shares = (0.0, 1.0), (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Rise:
    """How much a meter counted between two Unix times."""

    start: float
    end: float
    amount: float
    low: Shares = _BY_HOUR
    """Which parts of what was measured, and of what was filled in, are low."""
    exact: bool = True
    """Whether that is all, even if nothing was measured."""


class UseByTariff:
    """How a meter's counters of one direction went on, tariff by tariff.

    A rise is counted whole, as far as no other one begins within it.
    """

    def __init__(
        self,
        curve: Curve,
        rises: Sequence[Rise],
        times: Iterable[float],
        is_low: IsLow,
    ) -> None:
        """Count until each of some times, the first hour of any tariff among them."""
        edges = {edge for rise in rises for edge in (rise.start, rise.end)}
        cuts = sorted({*times, *edges})
        self._index = {time: index for index, time in enumerate(cuts)}
        found = list(pieces(curve, rises, cuts))
        lows = [is_low(piece.begin) for piece in found]
        self._used = _by_tariff(
            [piece.used + piece.filled for piece in found],
            [piece.low(is_low) for piece, is_low in zip(found, lows, strict=True)],
        )
        unknown = [piece.unknown for piece in found]
        self._unknown = _by_tariff(
            unknown, [minutes * low for minutes, low in zip(unknown, lows, strict=True)]
        )

    def until(self, times: Iterable[float], tariff: int | None) -> Use:
        """Return what was counted until each of some times, since the first of them."""
        indices = [self._index[time] for time in times]
        used, unknown = (
            [values[index] - values[indices[0]] for index in indices]
            for values in (self._used[tariff], self._unknown[tariff])
        )
        return used, unknown


def _by_tariff(
    amounts: Sequence[float], low: Sequence[float]
) -> Mapping[int | None, list[float]]:
    """Return the sums of amounts, and of that part of each which is low, or high."""
    high = [amount - part for amount, part in zip(amounts, low, strict=True)]
    parts = {None: amounts, LOW: low, HIGH: high}
    return {key: list(accumulate(part, initial=0.0)) for key, part in parts.items()}


class Piece(NamedTuple):
    """What was counted in a time within which nothing changes."""

    begin: float
    used: float
    filled: float
    """What was used besides, while nothing was measured."""
    unknown: float
    shares: Shares

    def low(self, is_low: bool) -> float:
        """Return the part of the low tariff."""
        used, filled = self.shares
        return self.used * used[is_low] + self.filled * filled[is_low]


def pieces(
    curve: Curve, rises: Sequence[Rise], cuts: Sequence[float]
) -> Iterator[Piece]:
    """Yield what was counted from each of some Unix times until the next.

    They include the ends of all rises. Outside of rises the day data counts.
    """
    starts = [rise.start for rise in rises]
    weights = [_weights(curve, rise) for rise in rises]
    for begin, end in pairwise(cuts):
        used, unknown = curve.between(begin, end)
        filled, rise = 0.0, Rise(begin, end, used, exact=False)
        index = bisect_right(starts, begin) - 1
        if index >= 0 and begin < rises[index].end:
            scale, fill, even = weights[index]
            used, filled = scale * used + even * (end - begin), fill * unknown
            rise = rises[index]
        yield Piece(begin, used, filled, 0.0 if rise.exact else unknown, rise.low)


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
    if used > NEXT_TO_NOTHING:
        return rise.amount / used, 0.0, 0.0
    return 0.0, 0.0, rise.amount / (rise.end - rise.start)
