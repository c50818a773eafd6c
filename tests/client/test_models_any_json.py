"""Whatever JSON can say, a parser takes or refuses it: nothing else."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from hypothesis import example, given, strategies as st
import pytest

from custom_components.cemm.client import REGISTERS, CemmResponseError, is_name
from custom_components.cemm.client.models import (
    parse_history,
    parse_info,
    parse_ios,
    parse_meters,
    parse_reading,
    parse_uids,
)

NOW = 1_587_565_238_000

# Any JSON, and what nearly is an answer.
numbers = (
    st.integers()
    | st.floats()
    | st.integers(0, 2 * NOW // 60_000).map(lambda minute: minute * 60_000)
)
names = st.text(max_size=40) | st.sampled_from(sorted(REGISTERS))
documents = st.recursive(
    st.none() | st.booleans() | numbers | names,
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    max_leaves=10,
)
pairs = (
    st.lists(numbers | st.none() | st.booleans(), min_size=2, max_size=2) | documents
)
channels = st.dictionaries(names, pairs | st.lists(pairs))
items = st.dictionaries(
    st.sampled_from(["alias", "type", "uid", "io_id"]), names | documents
)
answers = documents | st.fixed_dictionaries(
    {"data": channels | st.lists(items | documents) | documents},
    optional={"totals": channels | documents},
)


def is_good(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and abs(value) < 1e12


@given(answers)
@example({"data": {"t1": [0.5, 0]}})
def test_reading(raw: Any) -> None:
    try:
        parsed = parse_reading(raw)
    except CemmResponseError:
        return
    for name, measurement in parsed.channels.items():
        assert is_name(name)
        assert is_good(measurement.value)
        assert type(measurement.time) is int
        assert measurement.time > 0


@given(answers)
def test_history(raw: Any) -> None:
    try:
        parsed = parse_history(raw)
    except CemmResponseError:
        return
    for name, samples in parsed.channels.items():
        assert is_name(name)
        starts = [sample.start for sample in samples]
        assert starts == sorted(set(starts))
        assert all(type(start) is int and start % 60 == 0 for start in starts)
        assert all(sample.value is None or is_good(sample.value) for sample in samples)


@given(answers)
def test_meters(raw: Any) -> None:
    try:
        meters = parse_meters(raw)
    except CemmResponseError:
        return
    assert len({meter.alias for meter in meters}) == len(meters)
    for meter in meters:
        assert is_name(meter.alias)
        # It is stored: as UTF-8, which has no half characters.
        assert meter.type is None or meter.type.encode().strip()


@given(answers)
@pytest.mark.parametrize("parse", [parse_info, parse_uids, parse_ios])
def test_others(parse: Callable[[Any], Any], raw: Any) -> None:
    try:
        parse(raw)
    except CemmResponseError as err:
        assert err.__context__ is None  # noqa: PT017  it may also not raise
