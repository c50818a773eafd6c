"""The guard against impossible meter readings, whatever a meter and a clock do."""

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.meters.guard import Verdict
from tests.helpers.register import Registers

GOOD, HELD = Verdict.GOOD, Verdict.HELD

values = st.floats(0, 9e11) | st.floats(0, 10) | st.just(0.0)
nets = st.floats(-9e11, 9e11) | values
registers = st.sampled_from(["t1", "t2", "t3", "t4"])
readings = st.dictionaries(registers, values, min_size=1)
pauses = st.floats(-1e9, 1e9) | st.floats(0, 120)

type Answers = list[tuple[dict[str, float], float, bool, bool]]


def answers_of(values: st.SearchStrategy[float]) -> st.SearchStrategy[Answers]:
    readings = st.dictionaries(registers, values, min_size=1)
    return st.lists(
        st.tuples(readings, pauses, st.booleans(), st.booleans()), max_size=40
    )


@given(answers_of(values), st.just(0.0) | st.just(0.1))
def test_any_input(answers: Answers, fall: float) -> None:
    """No input is an error, and what is shown moves only as the verdict says."""
    registers = Registers(fall=fall)
    for reading, pause, from_totals, restart in answers:
        before = registers.state
        verdict = registers.read(reading, pause, from_totals=from_totals)
        assert registers.state
        if verdict is HELD:
            assert before
            assert registers.shown == {n: m.value for n, m in before.good.items()}
            assert not registers.restarted
        else:
            assert registers.shown.keys() >= reading.keys()
            assert not registers.state.doubts
        if before and verdict is GOOD and not fall:
            assert all(registers.shown[n] >= m.value for n, m in before.good.items())
        assert registers.state.seen.keys() == registers.state.good.keys()
        if restart:
            known = registers.state
            registers.restart()
            assert registers.state == known


@given(answers_of(nets))
def test_any_net_values(answers: Answers) -> None:
    registers = Registers(fall=60)
    for reading, pause, from_totals, restart in answers:
        before = registers.state
        if registers.read(reading, pause, from_totals=from_totals) is HELD:
            assert before
            assert registers.shown == {n: m.value for n, m in before.good.items()}
        if restart:
            known = registers.state
            registers.restart()
            assert registers.state == known


@given(answers_of(values), readings, st.sampled_from([10.0, 60.0]), st.booleans())
def test_whatever_happened_a_real_meter_is_shown_within_20_minutes(
    answers: Answers, start: dict[str, float], every: float, from_totals: bool
) -> None:
    registers = Registers()
    for reading, pause, other, _ in answers:
        registers.read(reading, pause, from_totals=other)
    shown = dict(start)
    for _ in range(int(1200 / every) + 1):
        registers.read(shown, every, from_totals=from_totals)
        shown = {name: value + 0.01 for name, value in shown.items()}
    for name, value in shown.items():
        assert registers.shown[name] == pytest.approx(value, abs=0.02, rel=2**-22)


garbage = st.just(0.0) | st.floats(0, 4990) | st.floats(7000, 1e11)


@given(
    st.lists(
        st.lists(
            st.fixed_dictionaries({"t1": garbage}, optional={"t2": garbage}),
            max_size=17,
        )
    )
)
def test_glitches_between_good_readings_change_nothing(
    bursts: list[list[dict[str, float]]],
) -> None:
    """Any garbage, for as long as it lasts under three minutes."""
    registers = Registers(t1=5000, t2=3000)
    truth = 5000.0
    for burst in bursts:
        for values in burst:
            assert registers.read(values) is HELD
            assert registers.shown == {"t1": truth, "t2": 3000}
        truth += 0.01
        assert registers.read({"t1": truth, "t2": 3000}) is GOOD
        assert registers.shown == {"t1": truth, "t2": 3000}
        assert not registers.restarted


@given(st.integers(2, 9), st.data())
def test_a_swap_is_believed_in_time_whatever_comes_between(
    good: int, data: st.DataObject
) -> None:
    """As many answers again may be garbage as are the new meter's."""
    registers = Registers(t1=5000, t2=3000)
    shown = {"t1": 300.0, "t2": 4.0}
    seconds = 0
    while seconds < 1200:
        for _ in range(good):
            shown["t1"] += 0.005
            seconds += 10
            if registers.read(shown) is Verdict.REPLACED:
                return
        for values in data.draw(
            st.lists(st.fixed_dictionaries({"t1": garbage}), max_size=good)
        ):
            seconds += 10
            if registers.read(values) is Verdict.REPLACED:
                return
    raise AssertionError("never believed")
