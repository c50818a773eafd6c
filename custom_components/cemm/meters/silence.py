"""Tells a meter that has stopped from one that has nothing to measure.

A CEMM whose meter was unplugged goes on answering with the last values. Nothing
here does I/O or compares the CEMM's clock, which may be wrong, with another one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from custom_components.cemm.client import Measurement

# How long a meter may be silent, in seconds.
_LIMIT = 300.0
# Every watched meter measures more often than this (seconds). A timestamp that has moved
# within it is by the CEMM's present clock.
_CADENCE = 60.0


@dataclass(frozen=True, slots=True)
class Activity:
    """When a meter last measured."""

    times: frozenset[int]
    """The timestamps of its channels: Unix milliseconds by the CEMM's clock."""
    newest: int
    """The newest of those that moved."""
    moved: float
    """When they were first seen: seconds of a monotonic clock."""
    is_first: bool = False
    """Whether nothing was seen before, so that it may be long ago."""


def observe(
    old: Activity | None, measurements: Collection[Measurement], now: float
) -> Activity | None:
    """Return a meter's activity after an answer; None: it never measured anything.

    ``now`` is in seconds of a monotonic clock. A timestamp that jumps back is as
    good a sign of life as one that advances. Any channel's counts, as one that
    was stamped by a wrong clock may stay the newest for years.
    """
    times = frozenset(measurement.time for measurement in measurements)
    fresh = times - old.times if old else times
    return Activity(times, max(fresh), now, old is None) if fresh else old


def has_stopped(
    meter: Activity, watched: Collection[Activity], now: float
) -> bool | None:
    """Whether a watched meter has stopped measuring although its CEMM answers.

    None: it was not watched for long enough to say so.

    ``watched`` are the watched meters of the same CEMM, this one may be among
    them: those that still measure tell its time. Where none does, ``now`` does,
    in seconds of the same clock as in `observe`.
    """
    silent_for = now - meter.moved
    unlikely = None if meter.is_first else False
    if silent_for < _CADENCE:
        return unlikely
    clock = max(
        (other.newest for other in watched if now - other.moved < _CADENCE),
        default=None,
    )
    if clock is None:
        return silent_for > _LIMIT or unlikely
    return abs(clock - meter.newest) > _LIMIT * 1000
