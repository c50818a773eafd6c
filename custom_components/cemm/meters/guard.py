"""Keeps impossible meter readings out of the statistics.

A sum may rise only by what the connection could deliver and the readings agree on. So the
registers of a group (see `GROUPS`) are judged together: a plausible rise of all of them
passes, and anything else is held back (`doubts`), with the last good reading on show, until it
has persisted. It is then where counting goes on *from*: it moves the starting point, and what
the recorder makes of it is taken out again. Nothing here does I/O; the times are Home
Assistant's, in seconds, and may jump either way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType

from .doubts import LONGEST_STEP, Claim, Doubt, Values, successors, with_claim
from .plausible import Limits, Step, is_blank, step

# Readings that contradict the past are believed after this long (seconds) and this many
# measurements. Answers do not count: the CEMM repeats gas for five minutes or an hour.
_PATIENCE = 600.0
_MEASUREMENTS = 3

# A fall with fewer measurements needs this long. So does a 0: a CEMM that restarts or has
# lost its settings shows it for minutes.
_LONG_PATIENCE = 900.0


class Verdict(Enum):
    """What a group of readings turned out to be."""

    GOOD = auto()
    HELD = auto()
    """Not believed so far: the last good readings, if any, stay."""
    REPLACED = auto()
    """Believed after all, with a register that fell: another meter, or begun again."""
    LEAPT = auto()
    """Believed after all, and more than could be used."""
    REMADE = auto()
    """Believed after all, and made another way: the same count, split differently."""


TOLD = frozenset({Verdict.REPLACED, Verdict.LEAPT, Verdict.REMADE})
"""What the user is told: there is something that was not counted."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is known of the registers of a group."""

    good: Values
    """The readings to show; of a register that is missing now, its last one."""
    seen: Mapping[str, float]
    """When each of these measurements was first seen, in Unix seconds."""
    from_totals: bool | None = None
    """Whether they were taken from the CEMM's own totals; None: that was not kept."""
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from a reading."""

    state: GroupState
    verdict: Verdict
    restarted: Mapping[str, float] = field(default_factory=dict)
    """The registers that go on from another reading than their last one, and from which."""


def _begin(claim: Claim) -> GroupState:
    """Return what is known when a claim is believed without any past."""
    seen = dict.fromkeys(claim.values, claim.now)
    return GroupState(claim.values, seen, claim.from_totals)


def judge(state: GroupState | None, claim: Claim) -> Judgement:
    """Judge a claim by what was known before: None at first."""
    if state is None:
        return Judgement(_begin(claim), Verdict.GOOD)
    doubts = state.doubts
    if doubts:  # Most often there are none, and no reading has to be one.
        doubts = with_claim(doubts, claim)
    # A jump happened at once: the time that it has lasted since makes it no more plausible.
    began = doubts[-1].began if doubts else claim.now
    steps = {
        name: found
        for name, value in claim.numbers.items()
        if (found := _step(state, name, value, began, claim.limits))
    }
    possible = (
        len(steps) == len(claim.values)
        and not _is_remade(state, claim.values, from_totals=claim.from_totals)
        and not _is_swapped(state, steps)
    )
    if possible and all(step.ordinary for step in steps.values()):
        return _accept(state, claim, steps)
    doubts = doubts or with_claim((), claim)
    doubt = doubts[-1]
    if possible:
        # One answer alone proves nothing. Where nothing is counted, the same again does.
        is_use = any(step.is_use and not step.ordinary for step in steps.values())
        if _is_confirmed(state, claim) or (doubt.persisted and not is_use):
            return _accept(state, claim, steps, doubt.first)
    elif _is_believed(doubt, state):
        return _believe(state, doubt)
    return Judgement(replace(state, doubts=doubts), Verdict.HELD)


def follow(state: GroupState, claim: Claim, tariffs: Judgement) -> Judgement | None:
    """Judge what follows from tariffs that are judged; None: it speaks for itself.

    A small change of theirs does not show whether it is one of meaning.
    """
    if tariffs.verdict is Verdict.HELD:
        return Judgement(state, Verdict.HELD)
    if not tariffs.restarted:
        return None
    return Judgement(_begin(claim), tariffs.verdict, claim.numbers)


def _step(
    state: GroupState, name: str, value: float, now: float, limits: Limits
) -> Step | None:
    """Return how a register went on; None if it can't have."""
    if name not in state.good:
        return Step(value, ordinary=value == 0, is_use=False)
    elapsed = max(now - state.seen[name], 0.0)
    return step(state.good[name].value, value, elapsed, limits)


def _is_confirmed(state: GroupState, claim: Claim) -> bool:
    """Whether a claim goes on from one that was held back, and was possible too.

    However long ago that was: a CEMM may answer seldom.
    """
    return any(
        old.from_totals is claim.from_totals
        and claim.values.keys() <= old.newest.keys()
        and any(old.newest[n].time != new.time for n, new in claim.values.items())
        and all(
            _step(state, name, old.newest[name].value, old.seen, claim.limits)
            for name in claim.values
        )
        and successors(old, claim)
        for old in state.doubts
    )


def _is_remade(state: GroupState, values: Values, *, from_totals: bool) -> bool:
    """Whether readings are made another way: then they are those of other registers."""
    return (
        state.from_totals not in (None, from_totals)
        and state.good.keys() != values.keys()
    )


def _is_swapped(state: GroupState, steps: Mapping[str, Step]) -> bool:
    """Whether a register that has counted nothing leaps while another one is missing."""
    leaps = any(
        name in state.good and not step.ordinary and not step.is_use
        for name, step in steps.items()
    )
    return leaps and bool(state.good.keys() - steps.keys())


def _is_believed(doubt: Doubt, state: GroupState) -> bool:
    """Whether readings have contradicted the past for long enough."""
    zero = any(
        measurement.value == 0 and name in state.good and state.good[name].value
        for name, measurement in doubt.newest.items()
    )
    if doubt.measurements >= _MEASUREMENTS and not zero:
        return doubt.persisted >= _PATIENCE
    # One measurement is no proof of a leap, however often the CEMM repeats it.
    return doubt.persisted >= _LONG_PATIENCE and (
        doubt.measurements > 1 or _has_fallen(doubt, state)
    )


def _has_fallen(doubt: Doubt, state: GroupState) -> bool:
    return any(
        name in state.good and value < state.good[name].value
        for name, value in doubt.first.items()
    )


def _believe(state: GroupState, doubt: Doubt) -> Judgement:
    """Go on from readings that contradict the past: all registers are others now.

    A register that was seen at first and not since does not belong to the meter.
    """
    newest = max(measurement.time for measurement in doubt.newest.values())
    registers = {
        name: measurement
        for name, measurement in doubt.newest.items()
        if newest - measurement.time <= 1000 * LONGEST_STEP
    }
    if _is_remade(state, doubt.newest, from_totals=doubt.from_totals):
        verdict = Verdict.REMADE
    elif _has_fallen(doubt, state):
        verdict = Verdict.REPLACED
    else:
        verdict = Verdict.LEAPT
    seen = dict.fromkeys(registers, doubt.measured)
    anew = GroupState(registers, seen, doubt.from_totals)
    first = {name: doubt.first[name] for name in registers}
    return Judgement(anew, verdict, first)


def _accept(
    state: GroupState,
    claim: Claim,
    steps: Mapping[str, Step],
    first: Mapping[str, float] = MappingProxyType({}),
) -> Judgement:
    """Go on with readings that fit, which ends all doubts.

    A register that is new, or has counted nothing so far, goes on from its reading: nobody
    knows how long it took to get there.
    """
    good, seen, restarted = {**state.good}, {**state.seen}, dict[str, float]()
    for name, measurement in claim.values.items():
        old, value = state.good.get(name), steps[name].value
        if old is None or (is_blank(old.value, claim.limits) and value):
            restarted[name] = first.get(name, value)
        if old is None or measurement.time != old.time:
            seen[name] = claim.now
        changed = value != measurement.value
        good[name] = replace(measurement, value=value) if changed else measurement
    return Judgement(GroupState(good, seen, claim.from_totals), Verdict.GOOD, restarted)
