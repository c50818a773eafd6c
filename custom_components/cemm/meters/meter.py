"""What is known of a meter from one answer to the next. Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.client import (
    GROUPS,
    REGISTERS,
    CemmError,
    Measurement,
    Meter,
    Reading,
)
from custom_components.cemm.kinds import MeterKind, is_pulse

from .breaks import Break, find_breaks, states
from .doubts import Claim
from .guard import TOLD, GroupState, Judgement, Verdict, follow, judge
from .plausible import Limits
from .schedule import Schedule
from .silence import Activity, observe

_RATES = {group: CHANNELS[names[0]].max_rate or 0.0 for group, names in GROUPS.items()}
_LIMITS = {group: Limits(rate) for group, rate in _RATES.items()}
# Net values fall as fast as they rise. A meter without tariffs counts in them alone: there
# they may only fall by what an inverter uses itself at night (kWh per hour, generously).
_LIMITS_OF_NETS = Limits(_RATES["nets"], _RATES["nets"])
_LIMITS_OF_NETS_ALONE = Limits(_RATES["nets"], 0.1)

# A register that is missing from the answers still counts as measured this long (seconds).
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
    """What the newest answer holds, with the last good reading of each register."""
    registers: Mapping[str, float]
    """The last good value of every register, also of those missing from the answer."""
    measured: frozenset[str] = frozenset()
    """The registers of the newest answers; one that is missing for a while is kept."""
    available: bool = True
    stopped: bool | None = None
    """Whether the meter has stopped measuring although the CEMM answers; None: not known."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a reading turned out to mean."""

    verdict: Verdict
    """What to tell the user; `GOOD`: nothing."""
    breaks: Sequence[Break] = ()
    """The statistics that go on from another reading."""
    must_last: bool = False
    """Whether it must outlive a power cut."""


NO_CHANGE = Change(Verdict.GOOD)


@dataclass(slots=True)
class Polling:
    """How the questions to one meter went."""

    is_asked_twice: bool = False
    """Whether it failed a second ago, and is asked once more before that counts."""
    timed_out: int = 0
    """How many times in a row: it keeps no other waiting, and rests longer each time."""
    reading: Reading | None = None
    """The last answer; the client returns it again if nothing is new."""
    newest: int | None = None
    """The newest time in it."""
    totals: Reading | None = None
    """What `realtime` leaves out."""
    totals_error: CemmError | None = None
    realtime_tells_all: bool = False
    """Whether `realtime` has all that the totals have: these need not be asked for."""


class MeterTracker:
    """Follows one meter: guards its registers, and notices when it falls silent."""

    def __init__(
        self,
        meter: Meter,
        kind: MeterKind,
        groups: Mapping[str, GroupState],
        ended: Mapping[str, float] = MappingProxyType({}),
        schedule: Schedule | None = None,
    ) -> None:
        """Start with the registers as they were before a restart."""
        self.schedule = schedule or Schedule()
        self.polling = Polling()
        self.groups = dict(groups)
        self.last_known: Mapping[str, float] = self._registers
        """The registers as they were before their last change of meaning."""
        self.ended = ended
        """The last states of what the meter shows no more, which may come back changed."""
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

        So it is with gas that a smart meter reports. It is not so with pulses, which were
        regular by chance, nor while a reading is held back until it persists.
        """
        data = self.data
        return (
            data.kind is MeterKind.GAS
            and not is_pulse(data.meter.alias)
            and not self.doubts
        )

    @property
    def doubts(self) -> Sequence[tuple[Mapping[str, float], bool, int]]:
        """The parts of readings held back that must not be lost.

        These are what each began with, whether it came again, and how long it has persisted:
        after a power cut the minutes since the last save would be taken for a pause.
        """
        return [
            (doubt.first, doubt.measurements > 1, int(doubt.persisted // _SAVED_EVERY))
            for group in self.groups.values()
            for doubt in group.doubts
        ]

    @property
    def _good(self) -> dict[str, Measurement]:
        """The reading to show of each register."""
        return {n: m for group in self.groups.values() for n, m in group.good.items()}

    @property
    def _registers(self) -> dict[str, float]:
        return {name: measurement.value for name, measurement in self._good.items()}

    def read(self, reading: Reading, now: float, monotonic: float) -> Change:
        """Take an answer that arrived at a Unix time; return what it made clear."""
        self.failures = 0
        if reading is self._settled and self.data.available:
            return NO_CHANGE
        self.activity = observe(self.activity, reading.channels.values(), monotonic)
        old, doubts, restarted = self.data, self.doubts, dict[str, float]()
        judged: dict[str, Judgement] = {}
        for group, values in self._counted(reading):
            made = group in reading.totals
            claim = Claim(values, now, self._limits(group), from_totals=made)
            state, judgement = self.groups.get(group), None
            if group == "nets" and state and self._is_net and "tariffs" in judged:
                judgement = follow(state, claim, judged["tariffs"])
            judgement = judgement or judge(state, claim)
            judged[group] = judgement
            self.groups[group] = judgement.state
            restarted |= judgement.restarted
        good = self._good
        self._measured_at |= dict.fromkeys(reading.channels.keys() & good, monotonic)
        self.data = replace(
            old,
            channels={
                name: good.get(name, measurement)
                for name, measurement in reading.channels.items()
                if name in good or name not in REGISTERS
            },
            registers=self._registers,
            measured=frozenset(
                name
                for name, at in self._measured_at.items()
                if monotonic - at < _MISSING_FOR
            ),
            available=True,
        )
        # Nothing follows from hearing this once more.
        self._settled = None if self.doubts else reading
        must_last = doubts != self.doubts
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
        registers = {
            name: restarted.get(name, old.registers.get(name, value))
            for name, value in new.registers.items()
        }
        starts = states(new.kind, new.measured, registers)
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
        """Yield what a reading says of each group of registers."""
        for group, names in GROUPS.items():
            values = {
                name: measurement
                for name in names
                if (measurement := reading.channels.get(name))
                # No meter shows less than nothing.
                and (group == "nets" or measurement.value >= 0)
            }
            if values:
                yield group, values

    def _limits(self, group: str) -> Limits:
        """Return how fast the registers of a group can change."""
        if group != "nets":
            return _LIMITS[group]
        return _LIMITS_OF_NETS if self._is_net else _LIMITS_OF_NETS_ALONE

    @property
    def _is_net(self) -> bool:
        """Whether net values follow from tariffs, and count nothing of their own.

        Tariffs that only the other API serves do not count here.
        """
        return self.data.kind is MeterKind.SMART or not self.data.measured.isdisjoint(
            GROUPS["tariffs"]
        )

    def _told(self, judged: Mapping[str, Judgement]) -> Verdict:
        """Return what to tell of the first group that has something: it tells most."""
        told = (
            judgement.verdict
            for group, judgement in judged.items()
            if judgement.verdict in TOLD and not (group == "nets" and self._is_net)
        )
        return next(told, Verdict.GOOD)
