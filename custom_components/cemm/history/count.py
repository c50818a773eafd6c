"""From the CEMM's answers about one meter to what it counted. Nothing here does I/O.

The counters are always of one meter and one channel of its day data.
"""

from collections.abc import Collection, Mapping, Sequence

from custom_components.cemm.days import HOUR, floor_hour

from .counters import Counter
from .profile import Day, MeasuredDays
from .rows import Row, count_back
from .usage import counted, known_rises, unmeasured

type Use = tuple[list[float], list[float]]
"""What was counted, and how many minutes were not measured, until each of some times."""


def count_days_back(
    days: Sequence[Day], start: int, anchors: Mapping[Counter, Row], *, oldest: bool
) -> dict[Counter, tuple[list[Row], bool]]:
    """Count from each counter's anchor back to a Unix time, a midnight.

    Returns the rows, of which the first one is that of the hour before, and whether
    nothing older can be known. In the ``oldest`` days that the CEMM remembers, its
    memory may begin later.
    """
    measured = _measured(days, anchors)
    begin = measured.known_since if oldest else start
    if begin is None:
        return {counter: ([], True) for counter in anchors}
    begin = max(floor_hour(begin), start)
    return {
        counter: _count_back(measured, counter, anchor, begin)
        for counter, anchor in anchors.items()
    }


def _count_back(
    measured: MeasuredDays, counter: Counter, anchor: Row, begin: int
) -> tuple[list[Row], bool]:
    ended = False
    if counter.rule.tariff:
        ended = measured.certain_since > begin
        begin = max(begin, measured.certain_since)
    if begin >= anchor.end:
        return [], ended
    times = [*range(begin, anchor.end, HOUR), anchor.end]
    rises = known_rises(measured, counter)
    used = counted(measured.curve(counter.rule), rises, times)
    return count_back(anchor, times, used), ended


def count_hours(
    days: Sequence[Day], counters: Collection[Counter], start: int, end: int
) -> dict[Counter, Use]:
    """Return how counters went on from a full hour until another, hour by hour."""
    measured = _measured(days, counters)
    times = range(start, end + 1, HOUR)
    uses = {}
    for counter in counters:
        curve = measured.curve(counter.rule)
        rises = known_rises(measured, counter)
        exact = rises if measured.is_exact(counter.rule) else []
        uses[counter] = counted(curve, rises, times), unmeasured(curve, exact, times)
    return uses


def _measured(days: Sequence[Day], counters: Collection[Counter]) -> MeasuredDays:
    (channel,) = {counter.rule.day for counter in counters}
    return MeasuredDays(days, channel)
