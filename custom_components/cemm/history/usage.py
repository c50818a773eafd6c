"""What a meter counted, hour by hour: the day data, made to agree with the rest.

Day data says when something was used, and says it in rounded numbers and with
gaps. A `Rise` tells exactly how much it was; between its two ends the day data only
gives the shape.
"""

from bisect import bisect_right
from collections import defaultdict
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


@dataclass(frozen=True, slots=True)
class Rise:
    """How much a meter counted between two Unix times."""

    start: float
    end: float
    amount: float
    low: float = 0.0
    """The part of it that was counted by the low tariff."""
    exact: bool = True
    """Whether that is all, even if nothing was measured."""

    def overlaps(self, other: Rise) -> bool:
        """Whether they have any time in common."""
        return self.start < other.end and other.start < self.end


class Course:
    """How a meter's counters of one direction went on, tariff by tariff.

    A rise is counted whole, and its low part too: where the low hours do not agree with
    that, a part of each other hour is low as well, or not the whole of each low one.
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
        planned: dict[int | None, float] = defaultdict(float)
        for piece, low in zip(found, lows, strict=True):
            planned[piece.rise] += piece.used * low
        shares: dict[int | None, tuple[float, float]] = {None: (0.0, 1.0)}
        for index, rise in enumerate(rises):
            shares[index] = _shares(rise, planned[index])
        self._used = _by_tariff(
            [piece.used for piece in found],
            [shares[p.rise][low] for p, low in zip(found, lows, strict=True)],
        )
        self._unknown = _by_tariff([piece.unknown for piece in found], lows)

    def until(self, times: Iterable[float], tariff: int | None) -> Use:
        """Return what was counted until each of some times, since the first of them."""
        indices = [self._index[time] for time in times]
        used, unknown = (
            [values[index] - values[indices[0]] for index in indices]
            for values in (self._used[tariff], self._unknown[tariff])
        )
        return used, unknown


def _by_tariff(
    amounts: Sequence[float], shares: Sequence[float]
) -> Mapping[int | None, list[float]]:
    """Return the sums of amounts, and of that part of each which is low, or high."""
    low = [amount * share for amount, share in zip(amounts, shares, strict=True)]
    high = [amount - part for amount, part in zip(amounts, low, strict=True)]
    return {
        tariff: list(accumulate(parts, initial=0.0))
        for tariff, parts in ((None, amounts), (LOW, low), (HIGH, high))
    }


class Piece(NamedTuple):
    """What was counted in a time within which nothing changes."""

    begin: float
    used: float
    unknown: float
    rise: int | None
    """The index of the rise that it is a part of."""


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
        index = bisect_right(starts, begin) - 1
        if index < 0 or begin >= rises[index].end:
            yield Piece(begin, used, unknown, None)
            continue
        scale, fill, even = weights[index]
        used = scale * used + fill * unknown + even * (end - begin)
        yield Piece(begin, used, 0.0 if rises[index].exact else unknown, index)


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


def _shares(rise: Rise, planned: float) -> tuple[float, float]:
    """Return which part of the use is low, in high hours and in low ones."""
    if rise.low <= planned:
        return 0.0, rise.low / planned if planned else 0.0
    return min((rise.low - planned) / (rise.amount - planned), 1.0), 1.0
