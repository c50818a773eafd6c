"""Whatever a meter's readings do, and whenever: only what was used is counted.

Random houses with random use, of which the answers change their meaning at random moments,
among glitches, outages, restarts and power cuts; see `tests.helpers.course`. A sample of
them runs each time, the same one; thousands of others with

    CEMM_COURSES=5000 scripts/test tests/meters/test_counting_any_course.py

and by chance with `--hypothesis-profile=default` too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import os
from random import Random

from hypothesis import HealthCheck, given, note, settings, strategies as st

from custom_components.cemm.kinds import MeterKind
from tests.helpers.course import (
    LEAP,
    LONGEST_OUTAGE,
    Course,
    House,
    Register,
    Registers,
    Uses,
)

COURSES = int(os.environ.get("CEMM_COURSES", "300"))


@dataclass(frozen=True)
class Event:
    """Something that happens, and how long it goes on as before then."""

    kind: str
    pause: float
    seed: int


# Changes of meaning


def of_import(registers: Registers) -> list[str]:
    return [name for name in registers if name in {"t1", "t2"}]


def totals(course: Course, random: Random) -> None:
    """Let `totals` begin or end: one register is then two, or says the same."""
    old = course.registers
    now = course.at
    both = "t2" in old
    if "t1" not in old or random.random() < 0.2:
        if not course.is_unsure:
            course.change("totals say the same")
            course.from_totals = not course.from_totals
            course.answer(1)
        return
    new = {name: register for name, register in old.items() if name != "t2"}
    if both:
        low, high = old["t1"], old["t2"]
        new["t1"] = Register(low.sources | high.sources, low.offset + high.offset)
        course.split = new["t1"], low, high
    elif len(old["t1"].sources) > 1:
        whole = old["t1"]
        if course.split is None or course.split[0] != whole:
            shows = whole.shows(course.uses, now)
            part = random.uniform(0.1, 0.9) * shows
            low, high = (Register(frozenset({each}), 0) for each in ("low", "high"))
            low = low.starting(shows - part, course.uses, now)
            course.split = whole, low, high.starting(part, course.uses, now)
        _, new["t1"], new["t2"] = course.split
    course.from_totals = not course.from_totals
    course.change("totals", new)


def replaced(course: Course, random: Random) -> None:
    """Let another meter show what it likes, if only one tariff."""
    old, now = course.registers, course.at
    new = dict(old)
    if {"t1", "t2"} <= new.keys() and random.random() < 0.3:
        whole = new["t1"].sources | new.pop("t2").sources
        new["t1"] = Register(whole, 0)
    elif "t1" in new and "t2" not in new and random.random() < 0.3:
        new["t1"] = Register(frozenset({"low"}), 0)
        new["t2"] = Register(frozenset({"high"}), 0)
    shown = [old[name].shows(course.uses, now) for name in old]
    for name, register in new.items():
        value = random.choice(
            (0.0, 0.4, 300.0, random.uniform(0, 9000), random.choice(shown))
        )
        new[name] = register.starting(value, course.uses, now)
    contradict(course, new)
    course.change("replaced", new)


def contradict(course: Course, new: dict[str, Register]) -> None:
    """See to it that what a new meter shows is nothing that may have been used."""
    while may_be_use(course, new):
        name = course.random.choice(list(new))
        value = course.random.uniform(1, 9e4)
        new[name] = new[name].starting(value, course.uses, course.at)


def may_be_use(course: Course, new: Registers, fall: float = 50.0) -> bool:
    """Whether readings could go on from some that were seen, now or in an hour."""
    shows = {name: new[name].shows(course.uses, course.at) for name in new}
    return any(
        names and all(-fall <= shows[name] - known[name] <= LEAP for name in names)
        for known in course.known
        # What counts nothing so far goes on from anything.
        for names in [[name for name in shows if known.get(name)]]
    )


def one(course: Course, random: Random) -> str:
    return random.choice(list(course.registers))


def rolled_over(course: Course, random: Random) -> None:
    name = one(course, random)
    if course.registers[name].shows(course.uses, course.at) > 1:
        begun = course.registers[name].starting(0, course.uses, course.at)
        new = {**course.registers, name: begun}
        if not may_be_use(course, new):
            course.change("rolled over", new)


def leapt(course: Course, random: Random) -> None:
    name = one(course, random)
    old = course.registers[name]
    soon = course.good_for < 200 and course.house.cadence < 60
    leap = random.choice((12.0, 12.0, 90.0, 4000.0)) if soon else LEAP
    leapt = Register(old.sources, old.offset + leap)
    course.change("leapt", {**course.registers, name: leapt})
    if soon:
        # Else it might have been used in an outage that follows.
        course.answer(2)


def fell_back(course: Course, random: Random) -> None:
    """Let a pulse counter lose what it has not saved."""
    name = one(course, random)
    old = course.registers[name]
    fall = min(random.choice((0.05, 0.3, 1.0, 3.0)), old.shows(course.uses, course.at))
    new = {**course.registers, name: Register(old.sources, old.offset - fall)}
    is_pulse = course.house.kind is MeterKind.ELECTRICITY
    if not may_be_use(course, new, 10 if is_pulse else 0.03):
        course.change("fell back", new)


def swapped(course: Course, random: Random) -> None:
    if "t2" in course.registers and "t1" in course.registers:
        low, high = course.registers["t1"], course.registers["t2"]
        values = [each.shows(course.uses, course.at) for each in (low, high)]
        if abs(values[0] - values[1]) > LEAP:
            course.change("swapped", {**course.registers, "t1": high, "t2": low})


def hidden(course: Course, random: Random) -> None:
    """Let all be 0 for a while, as when the CEMM has lost its settings, or knows nothing."""
    course.hidden = True
    course.change("all at 0")
    course.go_on(random.choice((200, 500, 850, 910, 960, 1500, 2500)))
    course.hidden = False
    course.change("at 0 no more")


def missing(course: Course, random: Random) -> None:
    """Let a register be missing for a while, and count on."""
    name = one(course, random)
    if len(course.registers) > 1:
        course.go_on(1300)
        course.missing = frozenset({name})
        course.log.append(f"{name} is missing")
        course.go_on(random.choice((30, 300, 700, 9000)))
        course.missing = frozenset()
        course.go_on(120)


# Troubles


def spoilt(course: Course, random: Random) -> None:
    """Let answers be wrong, once or for less than three minutes."""
    seconds = random.choice((0, 0, 30, 100, 170))
    kind = random.choice(("zero", "some zero", "leap", "garbage", "negative", "single"))
    some = one(course, random)
    far = 3e5 + random.uniform(0, 1e5)
    soon = course.good_for < 200 and course.house.cadence < 60
    leap = (
        random.choice((5.5, 12.0, 50.0)) if soon else random.choice((25.0, 50.0, 4e3))
    )

    def spoil(values: Mapping[str, float]) -> Mapping[str, float]:
        match kind:
            case "zero":
                return dict.fromkeys(values, 0.0)
            case "some zero" if values.get(some):
                return {**values, some: 0.0}
            case "negative":
                return {name: -1 - value for name, value in values.items()}
            case "garbage":
                return {name: far + random.uniform(0, 1e5) for name in values}
            case "single" if not seconds and values.get(some):
                return {**values, some: values[some] + leap}
            case _:
                return {name: value + far for name, value in values.items()}

    # What counts nothing so far would follow.
    if any(course.shown.values()):
        course.glitch(kind, seconds, spoil)


def one_too_high(course: Course, random: Random) -> None:
    """Let one answer be more than an ordinary house uses, and what may be used."""
    if course.is_unsure or not course.shown.get(some := one(course, random)):
        return
    random.choice((outage, restart, lambda *_: None))(course, random)
    rate = 60 if course.house.kind in {MeterKind.SMART, MeterKind.ELECTRICITY} else 40
    hours = course.good_for / 3600
    least = rate / 3 * min(hours + 0.05, 1.05)
    leap = random.uniform(least + 0.1, max(least + 0.2, rate * (hours + 0.05)))

    def spoil(values: Mapping[str, float]) -> Mapping[str, float]:
        return {**values, some: values[some] + leap}

    course.glitch(f"+{leap} {some}", 0, spoil)


def outage(course: Course, random: Random) -> None:
    course.outage(random.choice((60, 400, 1500, *long(course))))


def long(course: Course) -> tuple[float, ...]:
    """Return how long an outage may be beside those that are short.

    In days, whatever was seen once or twice before them might have been used.
    """
    return () if course.is_unsure else (5 * 3600, LONGEST_OUTAGE)


def restart(course: Course, random: Random) -> None:
    seconds = random.choice((15, 200, 1500, *long(course)))
    course.restart(seconds, killed=random.random() < 0.4)


def outage_with_change(course: Course, random: Random) -> None:
    """Let a meter be replaced while its CEMM, or Home Assistant, is without power."""
    random.choice((outage, restart))(course, random)
    random.choice((replaced, fell_back, totals))(course, random)


def killed_at_break(course: Course, random: Random) -> None:
    course.kill_at_break = random.randrange(3)


EVENTS: Mapping[str, Callable[[Course, Random], None]] = {
    function.__name__: function
    for function in (
        *(totals, replaced, rolled_over, leapt, fell_back, swapped, hidden, missing),
        *(spoilt, one_too_high, outage, restart, outage_with_change, killed_at_break),
    )
}

events = st.lists(
    st.builds(
        Event,
        st.sampled_from([*EVENTS, "spoilt", "replaced", "killed_at_break"]),
        st.sampled_from([10, 40, 130, 280, 420, 590, 650, 880, 1250, 1900, 4000]),
        st.integers(0, 2**16),
    ),
    max_size=9,
)


def smart(random: Random) -> Registers:
    export = random.choice(((), ("t3",), ("t3", "t4")))
    if random.random() < 0.5:
        found = {"t1": frozenset({"low"}), "t2": frozenset({"high"})}
    else:
        found = {"t1": frozenset({"low", "high"})}
    found |= dict(
        zip(export, map(frozenset, (["low out"], ["high out"])), strict=False)
    )
    return {
        name: Register(sources, random.choice((0.0, 2.0, random.uniform(0, 9e4))))
        for name, sources in found.items()
    }


def course_of(kind: str, every: float, seed: int) -> Course:
    """Return a house as it begins."""
    random = Random(seed)
    lost = random.choice((0, 0, 0.05, 0.3))
    if kind in {"p1", "nets"}:
        sources, most = ("low", "high", "low out", "high out"), 17.0
        house = House("p1", MeterKind.SMART, every, 1, lost)
        registers = smart(random)
    elif kind == "s01":
        sources, most = ("low", "high"), 17.0
        house = House("s01", MeterKind.ELECTRICITY, every, 1, lost)
        registers = {
            "electric_energy": Register(frozenset({"low"}), random.uniform(5, 900)),
            "electric_energy_high": Register(frozenset({"high"}), 700),
        }
    else:
        sources, most = (kind,), 6.0
        is_gas = kind == "gas"
        cadence = random.choice((300, 3600)) if is_gas else 1
        alias, what = (
            ("p1-gas", MeterKind.GAS) if is_gas else ("pulse-2", MeterKind.WATER)
        )
        house = House(alias, what, every, cadence, lost)
        name = "gas" if is_gas else "volume"
        registers = {name: Register(frozenset(sources), random.choice((0.0, 20, 5e3)))}
    course = Course(
        house,
        registers,
        Uses(sources, most, random),
        random,
        with_nets=kind == "nets",
        from_totals=random.random() < 0.5,
    )
    if random.random() < 0.2:
        hidden(course, random)
    return course


@settings(
    max_examples=COURSES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.sampled_from(["p1", "gas", "volume", "nets", "s01"]),
    st.sampled_from([10.0, 27.0, 60.0]),
    st.integers(0, 2**16),
    events,
)
def test_only_what_was_used_is_counted(
    kind: str, every: float, seed: int, events: list[Event]
) -> None:
    course = course_of(kind, every, seed)
    try:
        course.go_on(every)
        for event in events:
            course.go_on(event.pause)
            EVENTS[event.kind](course, Random(event.seed))
        course.finish()
    finally:
        note("\n".join(course.log))
