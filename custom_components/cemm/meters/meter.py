"""What is known of a meter from one answer to the next. Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.client import (
    COUNTERS,
    GROUPS,
    CemmError,
    Measurement,
    Meter,
    Reading,
)
from custom_components.cemm.kinds import MeterKind, is_pulse, is_watched

from .breaks import Break, find_breaks, states
from .guard import TOLD, GroupState, Judgement, Verdict, follow, judge
from .plausible import Limits
from .schedule import Schedule
from .silence import Activity, observe

# Where there are no registers the net values are the counters. They may only fall by
# what an inverter uses itself at night (kWh per hour, generously).
_OWN_USE = 0.1

# A counter that is missing from the answers is still one of them for so long (seconds).
_MISSING_FOR = 600.0

# How often (seconds) to save for how long a doubt has persisted.
_SAVED_EVERY = 120.0

# One failed poll is not an outage.
FAILURES_TOLERATED = 2


@dataclass(frozen=True, slots=True)
class MeterData:
    """The state of one meter."""

    meter: Meter
    kind: MeterKind
    channels: Mapping[str, Measurement]
    """What the newest answer holds, with the last good reading of each counter."""
    registers: Mapping[str, float]
    """The last good value of every counter, also of those missing from the answer."""
    measured: frozenset[str] = frozenset()
    """The counters that the newest answers hold: one that is missing for a while counts."""
    available: bool = True
    stalled: bool | None = None
    """Whether the meter has stopped measuring although the CEMM answers; None: not known."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a reading turned out to mean."""

    verdict: Verdict
    """What the user is told of it; `GOOD` where that is nothing."""
    breaks: Sequence[Break] = ()
    """The statistics that go on from another reading."""
    must_last: bool = False
    """Whether it must outlive a power cut."""


NO_CHANGE = Change(Verdict.GOOD)


@dataclass(slots=True)
class Questions:
    """How the questions to one meter went."""

    is_failing: bool = False
    """Whether the last one failed."""
    timed_out: int = 0
    """How often in a row: it keeps no other waiting, and rests longer each time."""
    is_under_way: bool = False
    """Whether one is asked beside those to the others."""
    late: Reading | CemmError | None = None
    """What came of that."""
    totals: Reading | None = None
    """What `realtime` leaves out."""
    totals_error: CemmError | None = None
    is_told_twice: bool = False
    """Whether `realtime` has all that the totals have: these need not be asked for."""


class MeterTracker:
    """Follows one meter: guards its counters, and notices when it falls silent."""

    def __init__(
        self,
        meter: Meter,
        kind: MeterKind,
        groups: Mapping[str, GroupState],
        ended: Mapping[str, float] = MappingProxyType({}),
        schedule: Schedule | None = None,
    ) -> None:
        """Start with the counters as they were before a restart."""
        self.schedule = schedule or Schedule()
        self.questions = Questions()
        self.groups = dict(groups)
        self.last_known: Mapping[str, float] = self._registers
        """The counters as they were before their last change of meaning."""
        self.ended = ended
        """The last states of what the meter shows no more: it may come back as another."""
        self.activity: Activity | None = None
        self._measured_at: dict[str, float] = {}
        self._settled: Reading | None = None
        self.failures = 0
        self.data = MeterData(
            meter, kind, channels={}, registers=self._registers, available=False
        )

    @property
    def may_wait(self) -> bool:
        """Whether nothing comes before the next measurement is due, however late that is.

        That is so of gas by a smart meter, but not of pulses, which were regular by
        chance, nor while a reading is held back until it persists.
        """
        data = self.data
        return (
            data.kind is MeterKind.GAS
            and not is_pulse(data.meter.alias)
            and not self.doubts
        )

    @property
    def doubts(self) -> Sequence[tuple[Mapping[str, float], bool, int]]:
        """What must not be lost of readings that are held back.

        What each began with, if it came again, and for how long it has persisted: what was
        last seen minutes before a power cut would be taken for a pause.
        """
        return [
            (doubt.first, doubt.measurements > 1, int(doubt.persisted // _SAVED_EVERY))
            for group in self.groups.values()
            for doubt in group.doubts
        ]

    @property
    def watched_activity(self) -> Activity | None:
        """The meter's activity, if silence of this kind of meter means anything."""
        data = self.data
        return self.activity if is_watched(data.meter.alias, data.kind) else None

    @property
    def _registers(self) -> dict[str, float]:
        return {
            name: measurement.value
            for group in self.groups.values()
            for name, measurement in group.good.items()
        }

    def read(self, reading: Reading, now: float, monotonic: float) -> Change:
        """Take an answer that arrived at a Unix time; return what it made clear."""
        self.failures = 0
        if reading is self._settled and self.data.available:
            return NO_CHANGE
        self.activity = observe(self.activity, reading.channels.values(), monotonic)
        doubts = self.doubts
        old, restarted = self.data, dict[str, float]()
        judged: dict[str, Judgement] = {}
        for group, values in self._counted(reading):
            state, made = self.groups.get(group), group in reading.totals
            judgement = None
            if group == "nets" and state and self._is_net and "registers" in judged:
                of = judged["registers"]
                judgement = follow(state, values, now, of, from_totals=made)
            judgement = judgement or judge(
                state, values, now, self._limits(group), from_totals=made
            )
            judged[group] = judgement
            self.groups[group] = judgement.state
            restarted |= judgement.restarted
        good = {
            name: measurement
            for state in self.groups.values()
            for name, measurement in state.good.items()
        }
        self._measured_at |= dict.fromkeys(reading.channels.keys() & good, monotonic)
        self.data = replace(
            old,
            channels={
                name: good.get(name, measurement)
                for name, measurement in reading.channels.items()
                if name in good or name not in COUNTERS
            },
            registers={name: measurement.value for name, measurement in good.items()},
            measured=frozenset(
                name
                for name, at in self._measured_at.items()
                if monotonic - at < _MISSING_FOR
            ),
            available=True,
        )
        # Nothing follows from hearing this once more.
        self._settled = None if self.doubts else reading
        must_last = self.doubts != doubts
        if not restarted and old.measured == self.data.measured:
            return Change(Verdict.GOOD, must_last=True) if must_last else NO_CHANGE
        breaks = self._breaks(old, restarted, now)
        told = self._told(judged)
        if told is not Verdict.GOOD:
            self.last_known = old.registers
        return Change(told, breaks, must_last or bool(breaks))

    def _breaks(
        self, old: MeterData, restarted: Mapping[str, float], now: float
    ) -> list[Break]:
        """Return where statistics go on from another reading than the last one."""
        new = self.data
        before = {**self.ended, **states(old.kind, old.measured, old.registers)}
        counters = {
            name: restarted.get(name, old.registers.get(name, value))
            for name, value in new.registers.items()
        }
        starts = states(new.kind, new.measured, counters)
        self.ended = {key: before[key] for key in before.keys() - starts.keys()}
        return [*find_breaks(new.meter.alias, now, before, starts)]

    def fail(self) -> None:
        """Take note that the meter did not answer."""
        self.failures += 1
        if self.failures > FAILURES_TOLERATED:
            self.data = replace(self.data, available=False)

    def _counted(
        self, reading: Reading
    ) -> Iterator[tuple[str, dict[str, Measurement]]]:
        """Yield what a reading says of each group of counters."""
        for group, names in GROUPS.items():
            may_fall = self._limits(group).fall > 0
            values = {
                name: measurement
                for name in names
                if (measurement := reading.channels.get(name))
                # No meter shows less than nothing.
                and (may_fall or measurement.value >= 0)
            }
            if values:
                yield group, values

    def _limits(self, group: str) -> Limits:
        """Return how fast the counters of a group can change."""
        rise = CHANNELS[GROUPS[group][0]].max_rate
        assert rise
        if group != "nets":
            return Limits(rise)
        return Limits(rise, rise if self._is_net else _OWN_USE)

    @property
    def _is_net(self) -> bool:
        """Whether net values follow from registers, and are no counters of their own.

        Those that only the other API serves are none.
        """
        return self.data.kind is MeterKind.SMART or not self.data.measured.isdisjoint(
            GROUPS["registers"]
        )

    def _told(self, judged: Mapping[str, Judgement]) -> Verdict:
        """Return the one thing to tell of all groups, the first of which tells most."""
        told = (
            judgement.verdict
            for group, judgement in judged.items()
            if judgement.verdict in TOLD and not (group == "nets" and self._is_net)
        )
        return next(told, Verdict.GOOD)
