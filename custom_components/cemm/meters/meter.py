"""What is known of a meter from one answer to the next. Nothing here does I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from custom_components.cemm.channels import CHANNELS, NETS, REGISTERS
from custom_components.cemm.client import COUNTERS, Measurement, Meter, Reading
from custom_components.cemm.kinds import MeterKind, is_pulse, is_watched

from .guard import CounterState, Verdict, believed, judge
from .silence import Activity, observe

# A first reading of 0 that the meter's other counters contradict is not believed for so
# long (seconds): taking it would book the whole meter as soon as it reads right.
DOUBTED_FOR = 180.0

# Net counters are what came in less what went out (kWh, with room for rounding).
_NET_OF = (("t1", "t3", "electric_energy"), ("t2", "t4", "electric_energy_high"))
_NET_TOLERANCE = 0.1

# Where there are no registers the net values are the counters. They may only fall by
# what an inverter uses itself at night (kWh per hour, generously).
_OWN_USE = 0.1

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
    available: bool = True
    stalled: bool = False
    """Whether the meter has stopped measuring although the CEMM answers."""


class MeterTracker:
    """Follows one meter: guards its counters, and notices when it falls silent."""

    def __init__(
        self, meter: Meter, kind: MeterKind, counters: Mapping[str, CounterState]
    ) -> None:
        """Start with the counters as they were before a restart."""
        self.counters = dict(counters)
        self.activity: Activity | None = None
        self._doubted_since: float | None = None
        self._settled: Reading | None = None
        self.failures = 0
        self.news: Verdict | None = None
        """What the newest answer made clear, if that is remarkable."""
        self.data = MeterData(
            meter,
            kind,
            channels={},
            registers={key: state.good.value for key, state in counters.items()},
            available=False,
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
            and not self._held
        )

    @property
    def _held(self) -> bool:
        return any(state.candidate for state in self.counters.values())

    @property
    def _has_registers(self) -> bool:
        return not self.counters.keys().isdisjoint(REGISTERS)

    @property
    def watched_activity(self) -> Activity | None:
        """The meter's activity, if silence of this kind of meter means anything."""
        data = self.data
        return self.activity if is_watched(data.meter.alias, data.kind) else None

    def read(self, reading: Reading, now: float, monotonic: float) -> None:
        """Take an answer that arrived at a Unix time."""
        self.failures = 0
        if reading is self._settled and self.data.available:
            self.news = None
            return
        self.activity = observe(self.activity, reading.channels.values(), monotonic)
        doubtful = self._doubtful(reading, monotonic)
        verdicts = {
            key: self._judge(key, measurement, now)
            for key, measurement in reading.channels.items()
            if key in COUNTERS and key not in doubtful
        }
        # What net values do is told by the registers that they follow from.
        told = {
            verdict
            for key, verdict in verdicts.items()
            if key not in NETS or not self._has_registers
        }
        self.news = next(
            (news for news in (Verdict.REPLACED, Verdict.LEAPT) if news in told), None
        )
        if any(verdicts.get(key) is Verdict.REPLACED for key in REGISTERS):
            # One proves it for all: a total of old and new registers is of neither meter.
            for key in self.counters.keys() & {*REGISTERS, *NETS}:
                self.counters[key] = believed(
                    self.counters[key], now, may_fall=key in NETS
                )
        good = {key: state.good for key, state in self.counters.items()}
        self.data = replace(
            self.data,
            channels={
                key: good.get(key, measurement)
                for key, measurement in reading.channels.items()
                if key in good or key not in COUNTERS
            },
            registers={key: measurement.value for key, measurement in good.items()},
            available=True,
        )
        # Nothing follows from hearing this once more.
        self._settled = None if self._held or doubtful else reading

    def fail(self) -> None:
        """Take note that the meter did not answer."""
        self.failures += 1
        if self.failures > FAILURES_TOLERATED:
            self.data = replace(self.data, available=False)

    def as_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        return {key: state.as_dict() for key, state in self.counters.items()}

    def _doubtful(self, reading: Reading, monotonic: float) -> set[str]:
        """Return the counters whose very first reading must not be believed yet."""
        readings = {
            key: measurement.value
            for key, measurement in reading.channels.items()
            if key in COUNTERS
        }
        if not readings.keys() - self.counters.keys():
            return set()
        doubtful = contradicted_zeros(readings) - self.counters.keys()
        if not doubtful:
            self._doubted_since = None
        elif self._doubted_since is None:
            self._doubted_since = monotonic
        elif monotonic - self._doubted_since >= DOUBTED_FOR:
            return set()
        return doubtful

    def _judge(self, key: str, measurement: Measurement, now: float) -> Verdict:
        row = CHANNELS[key]
        assert row.max_rate is not None
        state, verdict = judge(
            self.counters.get(key),
            measurement,
            now,
            row.max_rate,
            max_fall=0.0 if row.is_counter else self._max_fall(row.max_rate),
        )
        if state:
            self.counters[key] = state
        return verdict

    def _max_fall(self, max_rate: float) -> float:
        """Return how much a net value may fall, per hour."""
        is_net = self._has_registers or self.data.kind is MeterKind.SMART
        return max_rate if is_net else _OWN_USE


def contradicted_zeros(readings: Mapping[str, float]) -> set[str]:
    """Return the counters whose 0 can't be true beside the others, or hardly.

    A CEMM that has just started may show them before it has read the meter.
    """
    zeros = {key for key, value in readings.items() if value == 0}
    if len(readings) > 1 and len(zeros) == len(readings):
        return zeros
    return {
        key
        for incoming, outgoing, net in _NET_OF
        if {incoming, outgoing, net} <= readings.keys()
        and abs(readings[incoming] - readings[outgoing] - readings[net])
        > _NET_TOLERANCE
        for key in zeros & {incoming, outgoing, net}
    }


def restore_counters(stored: Any) -> dict[str, CounterState]:
    """Return the counters in what `MeterTracker.as_dict` returned; damaged ones not."""
    if not isinstance(stored, dict):
        return {}
    return {
        key: state
        for key, data in stored.items()
        if key in COUNTERS and (state := CounterState.from_dict(data))
    }
