"""The guard against impossible meter readings, whatever a meter and a clock do."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.cemm.meters.guard import CounterState, Verdict
from tests.helpers.counter import Counter

GOOD, HELD = Verdict.GOOD, Verdict.HELD

readings = st.floats(-9e11, 9e11) | st.floats(0, 10) | st.just(0.0)
pauses = st.floats(-1e9, 1e9) | st.floats(0, 120)
answers = st.lists(st.tuples(readings, pauses, st.booleans()), max_size=40)


@settings(deadline=None)
@given(answers, st.booleans())
def test_any_input(answers: list[tuple[float, float, bool]], may_fall: bool) -> None:
    """No input is an error, and what is shown moves only as the verdict says."""
    counter = Counter(may_fall=may_fall)
    for value, pause, restart in answers:
        before = counter.state
        verdict = counter.read(value, pause)
        if counter.state is None:
            assert verdict is HELD
            continue
        if verdict is HELD:
            assert before is not None
            assert counter.shown == before.good.value
        if not may_fall:
            assert counter.shown >= 0
            if before and verdict is GOOD:
                assert counter.shown >= before.good.value
        if restart:
            good, since = counter.state.good, counter.state.since
            counter.restart()
            assert counter.state == CounterState(good, since)


@settings(deadline=None)
@given(answers, st.floats(0, 1e6), st.sampled_from([10.0, 60.0]))
def test_whatever_happened_a_real_meter_is_shown_within_20_minutes(
    answers: list[tuple[float, float, bool]], start: float, every: float
) -> None:
    counter = Counter()
    for value, pause, _ in answers:
        counter.read(value, pause)
    value = start
    for _ in range(int(1200 / every) + 1):
        counter.read(value, every)
        value += 0.01
    assert counter.shown == pytest.approx(value, abs=0.02, rel=2**-22)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.just(0.0) | st.floats(0, 4990) | st.floats(7000, 1e11), max_size=17)
    )
)
def test_glitches_between_good_readings_change_nothing(
    bursts: list[list[float]],
) -> None:
    """Any garbage, for as long as it lasts under three minutes."""
    counter = Counter(5000)
    truth = 5000.0
    for burst in bursts:
        for value in burst:
            assert counter.read(value) is HELD
            assert counter.shown == truth
        truth += 0.01
        assert counter.read(truth) is GOOD
        assert counter.shown == truth
