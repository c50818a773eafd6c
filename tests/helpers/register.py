"""A group of registers of which every answer is judged, on a clock of its own."""

from collections.abc import Iterable, Iterator, Mapping
import json

from custom_components.cemm.client import GROUPS, Measurement
from custom_components.cemm.meters.doubts import Claim
from custom_components.cemm.meters.guard import (
    TOLD,
    GroupState,
    Judgement,
    Verdict,
    judge,
)
from custom_components.cemm.meters.plausible import Limits
from custom_components.cemm.meters.store import groups_as_json, restore_groups

START = 1_790_000_000.0
RATE = 60.0
"""kWh per hour, as of an electricity meter."""


def rising(start: float, step: float = 0.005) -> Iterator[float]:
    """Return the readings of ordinary use, one for each answer."""
    return (start + index * step for index in range(2000))


class Registers:
    """The registers of a group, and the state that the guard keeps of them."""

    def __init__(self, *, fall: float = 0.0, **values: float) -> None:
        self.state: GroupState | None = None
        self.now = START
        self.limits = Limits(RATE, fall)
        self.judgement: Judgement | None = None
        if values:
            assert self.read(values) is Verdict.GOOD

    def read(
        self,
        values: Mapping[str, float],
        after: float = 10.0,
        time: float = 0.0,
        *,
        from_totals: bool = False,
    ) -> Verdict:
        """Judge one answer, measured just now or at ``time``."""
        self.now += after
        measured = {
            name: Measurement(int((time or self.now) * 1000), value)
            for name, value in values.items()
        }
        claim = Claim(measured, self.now, self.limits, from_totals=from_totals)
        self.judgement = judge(self.state, claim)
        self.state = self.judgement.state
        return self.judgement.verdict

    def told_after(
        self,
        answers: Iterable[Mapping[str, float]],
        every: float = 10.0,
        *,
        from_totals: bool = False,
    ) -> tuple[float, Verdict]:
        """Return the seconds until what contradicts the past is believed, and as what."""
        first, shown = self.now + every, self.shown
        for values in answers:
            verdict = self.read(values, every, from_totals=from_totals)
            if verdict in TOLD:
                return self.now - first, verdict
            assert verdict is Verdict.HELD
            assert self.shown == shown
        raise AssertionError("never believed")

    @property
    def shown(self) -> dict[str, float]:
        assert self.state
        return {name: good.value for name, good in self.state.good.items()}

    @property
    def restarted(self) -> Mapping[str, float]:
        """What counting goes on from, of each register that does not go on as before."""
        assert self.judgement
        return self.judgement.restarted

    def restart(self) -> None:
        """Keep what a store keeps."""
        assert self.state
        group = next(
            group for group in GROUPS if self.state.good.keys() & GROUPS[group]
        )
        stored = json.loads(json.dumps(groups_as_json({group: self.state})))
        self.state = restore_groups(stored)[group]


class Register(Registers):
    """A single register: that of a gas meter, or of a meter with one tariff."""

    def __init__(self, value: float | None = None, *, may_fall: bool = False) -> None:
        self.name = "electric_energy" if may_fall else "t1"
        values = {} if value is None else {self.name: value}
        super().__init__(fall=RATE if may_fall else 0.0, **values)

    def reads(self, value: float, after: float = 10.0, time: float = 0.0) -> Verdict:
        """Judge one answer, measured just now or at ``time``."""
        return self.read({self.name: value}, after, time)

    def accepted_after(self, values: Iterable[float], every: float) -> float:
        """Return the seconds until impossible readings are believed."""
        good = self.value
        seconds, verdict = self.told_after(({self.name: v} for v in values), every)
        assert (verdict is Verdict.LEAPT) == (self.value > good)
        return seconds

    @property
    def value(self) -> float:
        return self.shown[self.name]
