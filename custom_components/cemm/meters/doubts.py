"""Readings that contradict the past: how long they have gone on from each other.

Nothing here does I/O; the times are Home Assistant's, in seconds, and may jump either way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from custom_components.cemm.client import Measurement

from .plausible import Limits, is_blank, successor

type Values = Mapping[str, Measurement]
"""The newest measurement of each register of a group, by channel."""


LONGEST_STEP = 300.0
"""A pause between two answers counts for this long (seconds) at most."""

# At most this many contradictions to the past are followed at once.
_MOST_DOUBTS = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """What one answer says of the registers of a group, of which there is at least one."""

    values: Values
    now: float
    """When it came, in Unix seconds."""
    limits: Limits
    from_totals: bool = False
    """Whether it was taken from the CEMM's own totals: made another way."""

    @property
    def numbers(self) -> dict[str, float]:
        """The bare values."""
        return {name: measurement.value for name, measurement in self.values.items()}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Readings that contradict the past and may turn out to be right."""

    first: Mapping[str, float]
    """What counting would go on from."""
    newest: Values
    from_totals: bool
    began: float
    measured: float
    """When the newest measurement was first seen."""
    seen: float
    persisted: float = 0.0
    measurements: int = 1


def with_claim(doubts: Sequence[Doubt], claim: Claim) -> tuple[Doubt, ...]:
    """Return the doubts with one more claim; the doubt that it belongs to comes last."""
    for old in doubts:
        if longer := continued(old, claim):
            return (*(other for other in doubts if other is not old), longer)
    # Garbage between the answers of another meter does not persist: it goes first.
    kept = sorted(doubts, key=lambda doubt: doubt.persisted)[1 - _MOST_DOUBTS :]
    now = claim.now
    new = Doubt(claim.numbers, claim.values, claim.from_totals, now, now, now)
    return (*kept, new)


def successors(old: Doubt, claim: Claim) -> dict[str, Measurement] | None:
    """Return what a claim says, noise removed, if it can come after what was doubted."""
    since = max(claim.now - old.seen, 0.0)
    newest = {}
    for name, new in claim.values.items():
        value = successor(old.newest[name].value, new.value, since, claim.limits)
        if value is None:
            return None
        newest[name] = replace(new, value=value)
    return newest


def continued(old: Doubt, claim: Claim) -> Doubt | None:
    """Return a doubt with one more claim; None if it does not belong to it.

    A pause counts for half of the patience at most: an outage, or a clock that jumps,
    between two bad answers proves nothing. It does not prove either that a rise meanwhile
    is use, or that it began with one odd measurement before.
    """
    values, limits = claim.values, claim.limits
    if old.from_totals is not claim.from_totals or values.keys() - old.newest.keys():
        return None
    since = max(claim.now - old.seen, 0.0)
    is_pause = since > LONGEST_STEP
    blank = {
        name
        for name, value in claim.numbers.items()
        if value and is_blank(old.newest[name].value, limits)
    }
    if is_pause and blank:
        return None
    if (newest := successors(old, claim)) is None:
        return None
    begun = {
        name: value
        for name, value in claim.numbers.items()
        if is_pause or name in blank
    }
    measured = any(newest[name].time != old.newest[name].time for name in newest)
    return replace(
        old,
        began=claim.now if is_pause and old.measurements == 1 else old.began,
        first={**old.first, **begun},
        newest={**old.newest, **newest},
        measured=claim.now if measured else old.measured,
        seen=claim.now,
        persisted=old.persisted + min(since, LONGEST_STEP),
        measurements=old.measurements + measured,
    )
