"""A counter of which every answer is judged, on a clock of its own."""

from collections.abc import Iterable
import json

from custom_components.cemm.client import Measurement
from custom_components.cemm.meters.guard import CounterState, Verdict, judge

START = 1_790_000_000.0
RATE = 1000.0
"""kWh per hour, as of an electricity meter."""


class Counter:
    """A counter, and the state that the guard keeps of it."""

    def __init__(self, value: float | None = None, *, may_fall: bool = False) -> None:
        self.state: CounterState | None = None
        self.now = START
        self.max_fall = RATE if may_fall else 0.0
        if value is not None:
            assert self.read(value) is Verdict.GOOD

    def read(self, value: float, after: float = 10.0, time: float = 0.0) -> Verdict:
        """Judge one answer, measured just now or at ``time``."""
        self.now += after
        measurement = Measurement(int((time or self.now) * 1000), value)
        self.state, verdict = judge(
            self.state, measurement, self.now, RATE, max_fall=self.max_fall
        )
        return verdict

    def accepted_after(self, values: Iterable[float], every: float) -> float:
        """Return the seconds until impossible readings are believed."""
        first = self.now + every
        for value in values:
            good, verdict = self.shown, self.read(value, every)
            if verdict in (Verdict.REPLACED, Verdict.LEAPT):
                assert (verdict is Verdict.LEAPT) == (self.shown > good)
                return self.now - first
            assert verdict is Verdict.HELD
        raise AssertionError("never accepted")

    @property
    def shown(self) -> float:
        assert self.state
        return self.state.good.value

    def restart(self) -> None:
        """Keep what a store keeps."""
        assert self.state
        self.state = CounterState.from_dict(
            json.loads(json.dumps(self.state.as_dict()))
        )
        assert self.state
