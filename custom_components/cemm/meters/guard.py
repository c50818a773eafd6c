"""Keeps impossible meter readings out of the statistics.

One bad reading of a counter books the whole meter as usage, so a reading that
the meter cannot show is held back, and the last good one stays. Only when it
persists is it taken as the reading of a new meter. Nothing here does I/O; the
times are Home Assistant's, in seconds, and may jump either way.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from custom_components.cemm.client import Measurement, is_number

# A lower reading is a new meter once this long (seconds) and this many
# measurements agree on it. Measurements, not answers: a gas meter is read every
# five minutes or every hour, and until then the CEMM repeats its one bad reading.
_PATIENCE = 180.0
_MEASUREMENTS = 3

# Anything else needs this long. A CEMM that restarts or has lost its settings
# shows 0 for minutes, and believing it books the whole meter when the reading
# returns, while a new meter at exactly 0 loses nothing by waiting. A leap is booked
# the moment it is believed, and most often it is a value that comes back down: as
# many measurements must agree on it too.
_LONG_PATIENCE = 900.0

# An amount may arrive this late (seconds): in lumps, or after a slow answer.
_SLACK = 300.0

# A value is a 32-bit float with 24 bits of precision, printed by the CEMM: the
# last two bits, and one unit of the third decimal, are noise.
_RELATIVE_NOISE = 2.0**-22
_NOISE = 0.002


class Verdict(Enum):
    """What a reading turned out to be."""

    GOOD = auto()
    HELD = auto()
    """Impossible so far: the last good reading, if any, stays."""
    REPLACED = auto()
    """Lower than the old meter's but persistent: a new meter's first reading."""
    LEAPT = auto()
    """More than was possible, but persistent: it is booked as use."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A reading that may turn out to be a new meter's."""

    newest: Measurement
    seen: float
    persisted: float = 0.0
    measurements: int = 1


@dataclass(frozen=True, slots=True)
class CounterState:
    """What is known of one counter."""

    good: Measurement
    """The reading to show, with the time of the newest one that confirmed it."""
    since: float
    """When this measurement was first seen, in Unix seconds."""
    candidate: _Candidate | None = None

    def as_dict(self) -> dict[str, float]:
        """Return what to remember across a restart: only what is proven."""
        return {
            "time": self.good.time,
            "value": self.good.value,
            "since": self.since,
        }

    @classmethod
    def from_dict(cls, data: Any) -> CounterState | None:
        """Restore a state from decoded JSON; None, to start anew, if it is damaged."""
        match data:
            case {"time": int(time), "value": value, "since": since} if all(
                map(is_number, (value, since))
            ):
                return cls(Measurement(time, value), since)
        return None


def believed(
    state: CounterState, now: float, *, may_fall: bool = False
) -> CounterState:
    """Return a held counter's state once its meter is known to be a new one.

    That explains a lower reading, and any reading of a net value.
    """
    candidate = state.candidate
    if candidate is None:
        return state
    if may_fall or 0 <= candidate.newest.value < state.good.value:
        return CounterState(candidate.newest, now)
    return state


def judge(
    state: CounterState | None,
    measurement: Measurement,
    now: float,
    max_rate: float,
    *,
    max_fall: float = 0.0,
) -> tuple[CounterState | None, Verdict]:
    """Judge a counter's reading, and return what is known of the counter then.

    ``state`` is what was known before, None at first. ``now`` is the time of the
    answer in Unix seconds, ``max_rate`` the most that the connection delivers per
    hour, in the unit of the value. ``max_fall`` (likewise) is for net values. The
    value to show is always that of the returned state's ``good``; there is no
    state as long as nothing but a negative count has been seen.
    """
    may_fall = max_fall > 0
    negative = measurement.value < 0 and not may_fall
    if state is None:
        if negative:
            return None, Verdict.HELD
        return CounterState(measurement, now), Verdict.GOOD
    good = state.good
    value = _successor(
        good.value, measurement.value, now - state.since, max_rate, max_fall
    )
    if value is not None:
        confirmed = replace(measurement, value=value)
        # The same measurement again does not restart the time that counts as passed:
        # all that a meter counted while it could not be read arrives in one leap.
        since = state.since if confirmed == good else now
        return CounterState(confirmed, since), Verdict.GOOD
    if negative:
        return replace(state, candidate=None), Verdict.HELD
    lower = 0 < measurement.value < good.value and not may_fall
    patience = _PATIENCE if lower else _LONG_PATIENCE
    candidate = _next_candidate(
        state.candidate,
        measurement,
        now,
        max_step=patience / 2,
        max_rate=max_rate,
        max_fall=max_fall,
    )
    measured = candidate.measurements >= _MEASUREMENTS
    if candidate.newest.value > good.value:
        # One measurement is no proof of it, however often the CEMM repeats it.
        if measured and candidate.persisted >= patience:
            return CounterState(candidate.newest, now), Verdict.LEAPT
    elif candidate.persisted >= (patience if measured else _LONG_PATIENCE):
        return CounterState(candidate.newest, now), Verdict.REPLACED
    return replace(state, candidate=candidate), Verdict.HELD


def _next_candidate(
    old: _Candidate | None,
    measurement: Measurement,
    now: float,
    *,
    max_step: float,
    max_rate: float,
    max_fall: float,
) -> _Candidate:
    """Return the candidate with one more reading, or a new one if they disagree.

    No pause counts for more than ``max_step``: an outage, or a clock that jumps,
    between two bad answers proves nothing.
    """
    if old is None or (
        # What is proven of a meter at 0 proves nothing of one that counts.
        not max_fall and (old.newest.value == 0) != (measurement.value == 0)
    ):
        return _Candidate(measurement, now)
    step = max(now - old.seen, 0.0)
    value = _successor(old.newest.value, measurement.value, step, max_rate, max_fall)
    if value is None:
        return _Candidate(measurement, now)
    return _Candidate(
        replace(measurement, value=value),
        now,
        old.persisted + min(step, max_step),
        old.measurements + (measurement.time != old.newest.time),
    )


def _successor(
    old: float, new: float, elapsed: float, max_rate: float, max_fall: float
) -> float | None:
    """Return what a meter shows after ``old``, noise removed; None: not ``new``."""
    hours = (max(elapsed, 0.0) + _SLACK) / 3600
    noise = max(_NOISE, abs(old) * _RELATIVE_NOISE)
    if not old - max_fall * hours - noise <= new <= old + max_rate * hours:
        return None
    # A CEMM that knows nothing yet shows 0: no net value happens to be just that.
    if new == 0 and old > noise:
        return None
    return new if max_fall else max(old, new)
