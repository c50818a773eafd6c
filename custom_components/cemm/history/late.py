"""Counters whose readings come later than the hours that they close. Nothing here does I/O.

A meter that is read once an hour tells an hour's use when that hour is over, and the recorder
books it in the next one. The CEMM's day data tells in which it was.
"""

from collections.abc import Sequence
from itertools import pairwise

from custom_components.cemm.days import HOUR

from .recorder import SHORT_TERM
from .rows import Row
from .usage import Use

# A reading comes no more hours later than this.
_MOST_LATE = 2

# A meter that is read once an hour is read at about the same time (seconds) of most.
_ABOUT = 600.0
_MOSTLY = 0.8

# How far changes of readings and the day data may differ: in all, and each (kWh, m³).
_ROUGHLY = 0.1
_EACH = 0.005


def hours_late(rows: Sequence[Row], times: Sequence[int], use: Use) -> int | None:
    """Return how many hours after each the reading came that tells it.

    That is seen where the changes from hour to hour of short-term rows are most like the
    ``use`` until each of some Unix times. None if they are not much alike.
    """
    shown = {row.start + SHORT_TERM: row.state for row in rows}
    errors = []
    for late in range(_MOST_LATE + 1):
        pairs = [
            (shown[begin] - shown[begin - HOUR], used - before)
            for time, (before, used), (unknown, more) in zip(
                times[1:], pairwise(use[0]), pairwise(use[1]), strict=True
            )
            if (begin := time + late * HOUR) in shown
            and begin - HOUR in shown
            and unknown == more
        ]
        total = sum(used for _, used in pairs)
        error = sum(abs(change - used) for change, used in pairs)
        if (
            len(pairs) > 1
            and total > 0
            and error < _ROUGHLY * total + _EACH * len(pairs)
        ):
            errors.append((error / total, late))
    return min(errors)[1] if errors else None


def is_read_hourly(rows: Sequence[Row]) -> bool:
    """Whether the states of short-term rows change once an hour, always about as late."""
    times = [new.start for old, new in pairwise(rows) if new.state != old.state]
    apart = [new - old for old, new in pairwise(times)]
    punctual = sum(
        seconds > _ABOUT and (seconds + _ABOUT) % HOUR <= 2 * _ABOUT
        for seconds in apart
    )
    return bool(apart) and punctual >= _MOSTLY * len(apart)
