"""From the CEMM's answers about one meter to rows. Nothing here does I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .counters import Counter
from .periods import HOUR, floor_hour
from .rows import Anchor, Row, count_back
from .usage import Chapter, Stretch, Times, counted, known_changes


@dataclass(frozen=True, slots=True)
class CountedBack:
    """The rows of a counter, back to where a month or the CEMM's memory begins."""

    counter: Counter
    rows: list[Row]
    """The first one is that of the hour before."""
    ended: bool
    """Whether nothing older can be known."""


def count_days_back(
    chapter: Chapter, anchors: Mapping[Counter, Anchor], *, oldest: bool
) -> list[CountedBack]:
    """Count back from each counter's anchor to the start of some days.

    The counters are of one meter and one channel of its day data. In the
    ``oldest`` days that the CEMM remembers, its memory may begin later.
    """
    stretch = _stretch(chapter, anchors)
    begin = stretch.known_since if oldest else stretch.profile.start
    if begin is None:
        return [CountedBack(counter, [], ended=True) for counter in anchors]
    return [
        _count_back(stretch, counter, anchor, floor_hour(begin))
        for counter, anchor in anchors.items()
    ]


def _count_back(
    stretch: Stretch, counter: Counter, anchor: Anchor, begin: int
) -> CountedBack:
    ended = False
    # Readings are of each register, month data is net: it needs sure tariffs.
    if counter.rule.tariff and not stretch.has_readings:
        ended = stretch.certain_since > begin
        begin = max(begin, stretch.certain_since)
    if begin >= anchor.time:
        return CountedBack(counter, [], ended)
    times = [*range(begin, int(-(-anchor.time // HOUR)) * HOUR, HOUR), anchor.time]
    return CountedBack(
        counter, count_back(anchor, times, _counted(stretch, counter, times)), ended
    )


def count_hours(
    chapter: Chapter, counters: Iterable[Counter], start: int, end: int
) -> dict[Counter, list[float]]:
    """Return what each counter counted from a full hour until each hour up to ``end``.

    The counters are of one meter and one channel of its day data.
    """
    counters = list(counters)
    stretch = _stretch(chapter, counters)
    times = range(start, end + 1, HOUR)
    return {counter: _counted(stretch, counter, times) for counter in counters}


def _stretch(chapter: Chapter, counters: Iterable[Counter]) -> Stretch:
    (channel,) = {counter.rule.day for counter in counters}
    return Stretch(chapter, channel)


def _counted(stretch: Stretch, counter: Counter, times: Times) -> list[float]:
    changes = known_changes(stretch, counter.rule, counter.registers, counter.max_rate)
    return counted(stretch.profile.curve(counter.rule), changes, times)
