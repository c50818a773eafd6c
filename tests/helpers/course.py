"""A meter whose readings change their meaning at any moment, and what is counted of it.

All of it without Home Assistant: the meter's answers go through the guard, what is shown
goes into a model of the recorder, and what that books wrongly is taken out again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
import json
from random import Random

from custom_components.cemm.channels import CHANNELS, NETS, derived_total
from custom_components.cemm.client import GROUPS, REGISTERS, Measurement, Meter, Reading
from custom_components.cemm.days import HOUR, floor_hour
from custom_components.cemm.history.recorder import SHORT_TERM
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import difference, never_shown, want_breaks
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.meters.breaks import Break, states, statistic_name
from custom_components.cemm.meters.meter import Change, MeterTracker
from custom_components.cemm.meters.store import (
    restore_ended,
    restore_groups,
    tracker_as_json,
)

from .recorder_model import RecorderModel

START = 1_781_093_221.0

# What it takes at most (seconds) until a change of meaning is believed: what is used
# meanwhile may be missing.
IN_DOUBT = 1200.0

# After an outage this long (seconds) all that a house can use lies below a leap.
LONGEST_OUTAGE = 2.5 * 86_400
LEAP = 5000.0

_SETTLE_INTERVAL = 60.0
_SAVE_INTERVAL = 900.0
_MINUTES = 2000

type Sources = frozenset[str]
"""The uses that a register counts: by tariff and direction, or what else flows."""


class Uses:
    """What is used, minute by minute, over and over again after some days."""

    def __init__(self, sources: Sequence[str], most: float, random: Random) -> None:
        totals = dict.fromkeys(sources, 0.0)
        self._until = {source: [0.0] for source in sources}
        source, power = sources[0], 0.0
        for _ in range(_MINUTES):
            if random.random() < 0.01:
                source = random.choice(sources)
            if random.random() < 0.3:
                power = random.choice((0.0, 0.02, 0.3, 3.0, random.uniform(0, most)))
            totals[source] += power / 60
            for each in sources:
                self._until[each].append(totals[each])

    def of(self, sources: Sources, at: float) -> float:
        """Return what has been used since the beginning."""
        cycles, minute = divmod((at - START) / 60, _MINUTES)
        first, part = int(minute), minute % 1
        total = 0.0
        for source in sources:
            until = self._until[source]
            total += cycles * until[-1] + until[first] * (1 - part)
            total += until[first + 1] * part
        return total


@dataclass(frozen=True)
class Register:
    """What a channel counts, and from where."""

    sources: Sources
    offset: float

    def shows(self, uses: Uses, at: float) -> float:
        return round(self.offset + uses.of(self.sources, at), 3)

    def starting(self, value: float, uses: Uses, at: float) -> Register:
        """Return one of the same use that shows a value now."""
        return Register(self.sources, value - uses.of(self.sources, at))


type Registers = Mapping[str, Register]


@dataclass(frozen=True)
class House:
    """What does not change in a course."""

    alias: str
    kind: MeterKind
    every: float
    """Seconds from one poll to the next."""
    cadence: float
    """Seconds from one measurement to the next."""
    lost: float
    """The part of the polls that fails."""


@dataclass
class Account:
    """What a statistic should have counted: something between two sums."""

    least: float = 0.0
    most: float = 0.0


@dataclass
class Course:
    """A meter from its first answer on."""

    house: House
    registers: Registers
    uses: Uses
    random: Random
    with_nets: bool = False
    from_totals: bool = False
    now: float = START
    models: dict[str, RecorderModel] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    changes: int = 0
    split: tuple[Register, Register, Register] | None = None
    """A register, and the two that it is elsewhere."""
    log: list[str] = field(default_factory=list)
    """What happened, for who wants to know why a course went wrong."""

    def __post_init__(self) -> None:
        """Begin before the first answer."""
        self.tracker = self._tracker(None)
        self._stored: str | None = None
        self._save_at = self._settle_at = 0.0
        self._since_saved = dict[str, float]()
        self._since_good = dict[str, float]()
        self.lost = dict[str, float]()
        """What may have been shown, and be forgotten after a kill."""
        self._compiled = self.now
        self._answered = self.now
        self._is_on = True
        self._glitch: tuple[float, Callable[[Mapping[str, float]], Mapping[str, float]]]
        self._glitch = (0.0, lambda values: values)
        self.missing: frozenset[str] = frozenset()
        self.hidden = False
        """Whether the meter shows nothing but zeros."""
        self._meanings: list[Registers] = [self.registers]
        """Those that may be in force, the device's own at the end."""
        self._unsure_until: float | None = self.now
        """When the present meaning is believed at the latest; None: unknown so far."""
        self.kill_at_break: int | None = None

    # The meter

    def measured_at(self, at: float) -> float:
        return max(at // self.house.cadence * self.house.cadence, START)

    @property
    def at(self) -> float:
        """When the newest measurement was."""
        return self.measured_at(self.now)

    def values(self, at: float) -> dict[str, float]:
        """Return what the meter shows."""
        if self.hidden:
            found = dict.fromkeys(self.registers, 0.0)
        else:
            found = {
                name: register.shows(self.uses, self.measured_at(at))
                for name, register in self.registers.items()
                if name not in self.missing
            }
        if self.with_nets:
            for net, plus, minus in zip(NETS, ("t1", "t2"), ("t3", "t4"), strict=True):
                if plus in found and minus in found:
                    found[net] = round(found[plus] - found[minus], 3)
        return found

    def change(self, what: str, registers: Registers | None = None) -> None:
        """Let the readings mean something else from now on."""
        self.changes += 1
        self.log.append(f"{self.now - START:8.0f} {what} {self.values(self.now)}")
        if registers is not None:
            self.registers = registers
        self._meanings = [*self._meanings, self.registers]
        self._unsure_until = None
        # It may have happened at any time since the last answer that was believed.
        for key, least in self._since_good.items():
            self.accounts[key].least -= least
        self._since_good = {}
        self.log[-1] += f" -> {self.values(self.now)}"

    def glitch(
        self,
        what: str,
        seconds: float,
        spoil: Callable[[Mapping[str, float]], Mapping[str, float]],
    ) -> None:
        """Let answers be wrong for a while; 0 seconds: a single one."""
        self.log.append(f"{self.now - START:8.0f} {what} for {seconds} s")
        self._glitch = (self.now + (seconds or self.house.every), spoil)
        if not seconds:
            self._poll(self.now + self.house.every)
            self._glitch = (0.0, spoil)

    @property
    def good_for(self) -> float:
        """How old the newest good readings are."""
        seen = [each for g in self.tracker.groups.values() for each in g.seen.values()]
        return self.now - min(seen, default=self.now)

    @property
    def shown(self) -> Mapping[str, float]:
        return self.tracker.data.registers

    @property
    def is_unsure(self) -> bool:
        """Whether a change may not be believed so far."""
        return self._unsure_until is None or self.now <= self._unsure_until

    @property
    def known(self) -> Sequence[Mapping[str, float]]:
        """Return the readings that may be gone on from."""
        groups = self.tracker.groups.values()
        return [
            {name: each.value for name, each in values.items()}
            for group in groups
            for values in (group.good, *(doubt.newest for doubt in group.doubts))
        ]

    # Home Assistant

    def go_on(self, seconds: float) -> None:
        """Let time pass, and the meter be asked."""
        end = self.now + seconds
        while self.now < end:
            self._poll(self.now + self.house.every * self.random.uniform(0.95, 1.05))

    def answer(self, times: int) -> None:
        """Let time pass until the meter has answered so often, and rightly."""
        for _ in range(times):
            old = self._answered
            while self._answered == old:
                self.go_on(self.house.every)

    def outage(self, seconds: float) -> None:
        """Let the meter not answer for a while."""
        self.log.append(f"{self.now - START:8.0f} no answers for {seconds:.0f} s")
        end = self.now + seconds
        while self.now < end:
            self._poll(min(self.now + 300, end), fails=True)

    def restart(self, seconds: float, *, killed: bool) -> None:
        """Stop Home Assistant, or cut its power, and start it again."""
        self.log.append(
            f"{self.now - START:8.0f} {'killed' if killed else 'stopped'} for {seconds:.0f} s"
        )
        if killed:
            for key, use in self._since_saved.items():
                self.lost[key] = self.lost.get(key, 0.0) + use
                self.accounts[key].least -= use
                newest = self.models[key].five_minutes
                old = newest[max(newest)].state if newest else 0.0
                if key not in NETS and old < 11 * use:
                    # Then that fall looks like one to 0, which the recorder books whole.
                    self.accounts[key].most += old + use
        else:
            self._save()
        for model in self.models.values():
            model.restart()
        self._is_on = False
        self.tracker = self._tracker(self._stored)
        self._pass(self.now + seconds)

    def _tracker(self, stored: str | None) -> MeterTracker:
        known = json.loads(stored) if stored else None
        return MeterTracker(
            Meter(self.house.alias),
            self.house.kind,
            restore_groups(known),
            restore_ended(known),
        )

    def _save(self) -> None:
        self._stored = json.dumps(tracker_as_json(self.tracker))
        self._save_at = self.now + _SAVE_INTERVAL
        self._since_saved = self._unseen(self._since_saved)

    def _unseen(self, used: Mapping[str, float]) -> dict[str, float]:
        """Return of what was used that of which no answer tells so far."""
        return {
            key: amount for key, amount in used.items() if self.missing & {*parts(key)}
        }

    def _pass(self, until: float) -> None:
        """Let time pass, and account for it."""
        old, new = self.measured_at(self.now), self.measured_at(until)
        is_sure = (
            not self.is_unsure
            # What is used in an outage while in doubt is not known.
            and self._answered >= min(self._unsure_until, self.now - 300)
            and not self.hidden
        )
        if is_sure:
            self._meanings = self._meanings[-1:]
        for key, account in self.accounts.items():
            sums = [self._rise(key, each, old, new) for each in self._meanings]
            least = (
                self._counted(key, old, new) if is_sure else min(0.0, *map(min, sums))
            )
            account.least += least
            self._since_good[key] = self._since_good.get(key, 0.0) + max(least, 0.0)
            most = max(map(max, sums))
            account.most += most
            self._since_saved[key] = self._since_saved.get(key, 0.0) + most
        self.now = until

    def _rise(
        self, key: str, registers: Registers, old: float, new: float
    ) -> tuple[float, float]:
        """Return the least and the most that a statistic may count in some time."""
        if key in NETS and "t1" in registers:
            number = NETS.index(key)
            plus, minus = (
                self._used(registers, [name], old, new)
                for name in (("t1", "t3"), ("t2", "t4"))[number]
            )
            # Where these readings are not believed yet, in whatever order.
            return -minus, plus
        names = parts(key)
        used = self._used(registers, names, old, new)
        return min(used, 0.0), used

    def _used(
        self, registers: Registers, names: Sequence[str], old: float, new: float
    ) -> float:
        sources = frozenset[str]().union(
            *(registers[name].sources for name in names if name in registers)
        )
        return self.uses.of(sources, new) - self.uses.of(sources, old)

    def _counted(self, key: str, old: float, new: float) -> float:
        """Return what must be counted in some time."""
        registers = self.registers
        if key in NETS and "t1" in registers:
            low, high = self._rise(key, registers, old, new)
            # They go on from where any of their registers does.
            starts = any(self.shown.get(name) == 0 for name in registers)
            return low if starts else low + high
        # What begins at 0 goes on from its first reading.
        names = [name for name in parts(key) if self.shown.get(name)]
        return sum(self._used(registers, [name], old, new) for name in names)

    def _poll(self, at: float, *, fails: bool = False) -> None:
        self._pass(at)
        if self._is_on:
            self._compile(at)
        if fails or self.random.random() < self.house.lost:
            self.tracker.fail()
            if self._is_on:
                self._show(at)
            return
        values = self.values(at)
        until, spoil = self._glitch
        is_wrong = at <= until
        if is_wrong:
            values = dict(spoil(values))
        if not is_wrong and not self.missing:
            again = at - self._answered > 300
            if self._unsure_until is None or (
                again and self._answered <= self._unsure_until
            ):
                # A leap waits for a second measurement, however long that takes.
                self._unsure_until = at + IN_DOUBT + self.house.cadence
            self._answered = at
        time = int(self.measured_at(at) * 1000)
        reading = Reading(
            {name: Measurement(time, value) for name, value in values.items()},
            frozenset(GROUPS) if self.from_totals else frozenset(),
        )
        change = self.tracker.read(reading, at, at)
        if not is_wrong and not self.tracker.doubts:
            self._since_good = self._unseen(self._since_good)
        self._keep(at, change)

    def _keep(self, at: float, change: Change) -> None:
        """Save what must last, show the new states, and settle: in this order."""
        stage, off = None, 0.0
        if change.breaks:
            self.log.append(f"{at - START:8.0f} {change.verdict.name} {change.breaks}")
            self.breaks += change.breaks
            stage, self.kill_at_break = self.kill_at_break, None
            off = self.random.choice((20.0, 700.0, 20_000.0))
        if stage == 0:
            # It is to be believed once more.
            self._unsure_until = None
            # Should the old meaning come back, little of it can't be told from the new.
            for each in change.breaks:
                key = each.name.removeprefix(f"{self.house.alias}_")
                little = abs(each.after - each.before)
                if key in self.accounts and little < LEAP:
                    self.accounts[key].least -= little
                    self.accounts[key].most += little
                    self.lost[key] = self.lost.get(key, 0.0) + little
            return self.restart(off, killed=True)
        unshown = dict(self._since_saved)
        if change.must_last or self._stored is None or at >= self._save_at:
            self._save()
        if stage == 1:
            self._since_saved = unshown
            return self.restart(off, killed=True)
        self._show(at)
        if stage == 2:
            return self.restart(off, killed=True)
        if self.breaks and at >= self._settle_at:
            self._settle_at = at + _SETTLE_INTERVAL
            self.settle()
        return None

    def _show(self, at: float) -> None:
        """Write the states as the sensors do, just after the answer."""
        data = self.tracker.data
        shown: dict[str, float | None] = {
            name: data.channels[name].value if name in data.channels else None
            for name in (n for names in GROUPS.values() for n in names)
        }
        for key, row in CHANNELS.items():
            if row.sum_of:
                shown[key] = derived_total(
                    row, data.kind, data.measured, data.registers
                )
        for key, value in shown.items():
            if key not in self.models:
                if value is None:
                    continue
                is_net = key in NETS
                self.models[key] = RecorderModel(
                    "total" if is_net else "total_increasing"
                )
                self.accounts[key] = Account()
            self.models[key].write(at + 0.1, value if data.available else None)
        if not self._is_on:
            self._is_on = True
            self._compile(at)

    def _compile(self, at: float) -> None:
        """Summarise what has ended, ten seconds later."""
        for model in self.models.values():
            model.compile((at - 10) // SHORT_TERM * SHORT_TERM)

    # History

    def settle(self) -> bool:
        """Take out of the sums what is no use, as `async_settle` does; whether any was."""
        changed = False
        for key, model in self.models.items():
            name = statistic_name(self.house.alias, key)
            breaks = [each for each in self.breaks if each.name == name]
            if not breaks:
                continue
            rows, length = _around(model, breaks[0])
            wants, told = want_breaks(rows, breaks, length)
            what = difference(rows, wants)
            assert not what.rows
            for move in what.moves:
                model.adjust(move.start, move.amount)
                self.log.append(f"{self.now - START:8.0f} {key} {move}")
            changed |= bool(what)
            if what:
                rows, length = _around(model, breaks[0])
                again, _ = want_breaks(rows, breaks, length)
                assert not difference(rows, again), (
                    key,
                    "a second look changes nothing",
                )
            if self.random.random() < 0.3:
                # Killed before they were forgotten: all begins again.
                continue
            done = [each for each in breaks if each in told or never_shown(rows, each)]
            self.breaks = [each for each in self.breaks if each not in done]
        return changed

    def finish(self) -> None:
        """Let all doubts end and all sums be mended; then find them right."""
        self._glitch = (0.0, self._glitch[1])
        self.kill_at_break = None
        # What was used in a long outage waits for the next measurement.
        self.go_on(max(1500, 1.1 * self.house.cadence))
        self._poll(self.now + self.house.every)
        while self.tracker.failures:
            self._poll(self.now + 1)
        self._compile(self.now + SHORT_TERM + 10)
        # One look may have been interrupted.
        for _ in range(20):
            self.settle()
        # What is not shown any more waits for when it is.
        assert not [each for each in self.breaks if self._is_shown(each)]
        assert not self.settle()
        for key in self.models:
            self._check(key)
        self._check_shown()

    def _is_shown(self, each: Break) -> bool:
        key = each.name.removeprefix(f"{self.house.alias}_")
        data = self.tracker.data
        newest = self.models[key].five_minutes
        if newest and abs(newest[max(newest)].state - each.before) < 1e-3:
            # It was noted and never shown, and nothing is used.
            return False
        shown = data.registers.keys() & data.channels.keys()
        return (
            key in shown
            or key in states(data.kind, shown, data.registers).keys() - REGISTERS
        )

    def _check_shown(self) -> None:
        """Find what the meter shows on the sensors, and in a total its registers."""
        values = self.values(self.now)
        assert self.tracker.data.channels.keys() == values.keys()
        shown = {n: m.value for n, m in self.tracker.data.channels.items()}
        for key, total in states(self.house.kind, values.keys(), shown).items():
            hidden = 0.03 * (1 + self.changes)
            state = self.models[key].present
            assert state is not None
            assert abs(state - total) < 1e-6, (key, state, total)
            if key in values:
                assert abs(state - values[key]) < hidden, (key, state, values[key])

    def _check(self, key: str) -> None:
        model, account = self.models[key], self.accounts[key]
        rows = [model.five_minutes[start] for start in sorted(model.five_minutes)]
        hours = [model.hours[start] for start in sorted(model.hours)]
        noise = 0.01 + 0.002 * self.changes
        told = (key, rows[-1].sum, account)
        # A fall of less than a value's last digits shows is no fall.
        hidden = 0.03 * self.changes
        assert account.least - noise - hidden <= rows[-1].sum, told
        assert rows[-1].sum <= account.most + noise, told
        if key not in NETS or "t1" not in self.registers:
            least = -1e-3 - self.lost.get(key, 0.0)
            if self.house.kind is MeterKind.ELECTRICITY:
                # What an inverter draws is taken off.
                least -= noise
            for table in (rows, hours):
                for old, new in pairwise(table):
                    assert new.sum - old.sum >= least, (key, old, new)


def parts(key: str) -> Sequence[str]:
    """Return the registers whose use a statistic counts."""
    return {
        "energy_import": ("t1", "t2", *NETS),
        "energy_export": ("t3", "t4"),
    }.get(key, (key,))


def _around(model: RecorderModel, first: Break) -> tuple[Sequence[Row], int]:
    """Return the rows since a break as `settling` reads them."""
    start = int(first.at // SHORT_TERM) * SHORT_TERM
    minutes = model.five_minutes
    rows = [minutes[each] for each in sorted(minutes) if each >= start]
    if older := [each for each in minutes if each < start]:
        return [minutes[max(older)], *rows], SHORT_TERM
    hour = floor_hour(first.at)
    return [Row(hour - HOUR, first.before, 0.0), *rows], SHORT_TERM
