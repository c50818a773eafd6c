"""Day data that agrees with meter readings and with month data."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate, pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.channels import CHANNELS, HistoryRule
from custom_components.cemm.client import History, Measurement, Reading, Sample
from custom_components.cemm.history.profile import Curve, Day, MeasuredDays
from custom_components.cemm.history.usage import (
    Rise,
    booked_rises,
    counted,
    known_rises,
    meter_reading,
    read_rises,
    unmeasured,
)
from tests.helpers.history import a_counter

MONDAY = date(2026, 11, 16)
HOUR = 3600


def rule(key: str) -> HistoryRule:
    found = CHANNELS[key].history
    assert found
    return found


def power_day(watts: list[float | None], **amounts: float) -> Day:
    """Return a Monday with these means, each for an equal part of the day."""
    length = 1440 // len(watts)
    start = Day(MONDAY).start
    samples = tuple(
        Sample(start + minute * 60, watts[minute // length]) for minute in range(1440)
    )
    return Day.of(MONDAY, History({"electric_power": samples}), amounts)


def booked(measured: MeasuredDays, key: str) -> Iterator[Rise]:
    """Return what the month data says of a counter."""
    max_rate = CHANNELS[key].max_rate
    assert max_rate
    return booked_rises(measured, rule(key), max_rate)


def hourly(measured: MeasuredDays, rises: list[Rise], key: str) -> list[float]:
    times = range(measured.days[0].start, measured.days[-1].end + 1, HOUR)
    used = counted(measured.curve(rule(key)), rises, times)
    return [b - a for a, b in pairwise(used)]


def test_readings_that_fall_leap_or_stand_in_time_tell_nothing() -> None:
    readings = [
        (0, 100.0),
        (HOUR, 101.0),
        (HOUR, 101.0),
        (2 * HOUR, 3.0),
        (3 * HOUR, 9.0),
    ]
    assert list(read_rises(readings, 5)) == [Rise(0, HOUR, 1.0)]


def test_a_reading_of_zero_is_neither_a_fall_nor_a_rise() -> None:
    readings = [(n * HOUR, value) for n, value in enumerate((7, 8, 0, 9, 11, 11))]
    assert list(read_rises(readings, 100)) == [
        Rise(0, HOUR, 1),
        Rise(3 * HOUR, 4 * HOUR, 2),
        Rise(4 * HOUR, 5 * HOUR, 0),
    ]


def test_a_trace_of_use_shapes_nothing() -> None:
    curve = Curve(0, [0.0, 2e-309, 2e-309], [0.0, 0.0, 0.0])
    assert counted(curve, [Rise(0, 120, 1.0)], [0, 60, 120]) == [0.0, 0.5, 1.0]


def test_the_readings_of_a_counter_are_those_of_its_registers() -> None:
    whole = {"t1": Measurement(1000, 1.5), "t2": Measurement(2000, 2.25)}
    half = {"t1": Measurement(3000, 1.5)}
    assert meter_reading(whole, ("t1", "t2")) == (2, 3.75)
    assert meter_reading(half, ("t1", "t2")) is None
    assert meter_reading(whole, ("t1",)) == (1, 1.5)
    assert meter_reading(half, ("t1",)) == (3, 1.5)
    assert meter_reading(whole, ()) is None


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=200),
    st.lists(st.floats(0, 20), min_size=1, max_size=4),
    st.data(),
)
def test_a_rise_is_counted_whole_and_never_backwards(
    used: list[float], amounts: list[float], data: st.DataObject
) -> None:
    unknown = data.draw(
        st.lists(st.sampled_from((0, 1)), min_size=len(used), max_size=len(used))
    )
    used = [0 if gap else amount for amount, gap in zip(used, unknown, strict=True)]
    curve = Curve(
        0, list(accumulate(used, initial=0)), list(accumulate(unknown, initial=0))
    )
    edges = [n * 60.0 * len(used) / len(amounts) for n in range(len(amounts) + 1)]
    rises = [
        Rise(start, end, amount)
        for (start, end), amount in zip(pairwise(edges), amounts, strict=True)
    ]
    times = sorted({*range(0, 60 * len(used), 90), *edges})
    found = counted(curve, rises, times)
    assert all(new >= old - 1e-9 for old, new in pairwise(found))
    for rise in rises:
        at = dict(zip(times, found, strict=True))
        assert at[rise.end] - at[rise.start] == pytest.approx(rise.amount, abs=1e-6)


def test_more_than_was_measured_was_used_while_nothing_was() -> None:
    curve = Curve(0, [0, 1, 1, 1, 2], [0, 0, 1, 2, 2])
    found = counted(curve, [Rise(0, 240, 6)], [0, 60, 120, 180, 240])
    assert found == [0, 1, 3, 5, 6]


def test_less_than_was_measured_is_a_matter_of_scale() -> None:
    curve = Curve(0, [0, 1, 1, 3], [0, 0, 1, 1])
    assert counted(curve, [Rise(0, 180, 1.5)], [0, 60, 180]) == [0, 0.5, 1.5]


def test_use_without_a_shape_is_even() -> None:
    curve = Curve(0, [0, 0, 0], [0, 0, 0])
    assert counted(curve, [Rise(0, 120, 3)], [0, 30, 120]) == [0, 0.75, 3]


def test_outside_of_rises_the_day_data_counts() -> None:
    curve = Curve(0, [0, 1, 2, 3], [0, 0, 0, 0])
    assert counted(curve, [Rise(60, 120, 5)], [0, 60, 120, 180]) == [0, 1, 6, 7]


def test_minutes_count_as_unmeasured_but_where_the_amount_is_known() -> None:
    curve = Curve(0, [0, 0, 0, 0, 0], [0, 1, 2, 3, 3])
    times = [0, 60, 120, 180, 240]
    assert unmeasured(curve, [], times) == [0, 1, 2, 3, 3]
    assert unmeasured(curve, [Rise(90, 150, 5)], times) == [0, 1, 1.5, 2, 2]


def test_net_amounts_are_not_all_that_was_imported() -> None:
    closing = Reading({"t1": Measurement(1000, 1.5)})
    net = MeasuredDays([Day(MONDAY)], "electric_power")
    assert not net.is_exact(rule("t1"))
    assert MeasuredDays([Day(MONDAY, closing=closing)], "electric_power").is_exact(
        rule("t1")
    )
    assert MeasuredDays([Day(MONDAY)], "flow").is_exact(rule("volume"))


def test_volumes_agree_with_the_month_data() -> None:
    day = Day(MONDAY, {}, {"volume": 2.4})
    measured = MeasuredDays([day], "flow")
    rises = list(booked(measured, "volume"))
    assert hourly(measured, rises, "volume") == [pytest.approx(0.1)] * 24


def test_import_and_export_agree_with_the_net_amounts_per_tariff() -> None:
    # 12 h of 1 kW, 12 h of -0.5 kW; low until 7:00 and from 23:00.
    day = power_day([1000, -500], electric_energy_low=6.5, electric_energy_high=-0.4)
    measured = MeasuredDays([day], "electric_power")
    rises = {
        key: next(booked(measured, key)).amount
        for key in ("t1", "t2", "t3", "t4", "energy_import", "energy_export")
    }
    assert rises["t1"] - rises["t3"] == pytest.approx(6.5)
    assert rises["t2"] - rises["t4"] == pytest.approx(-0.4)
    assert rises["energy_import"] - rises["energy_export"] == pytest.approx(6.1)
    # The 0.1 kWh that the day data lacks lies on both in proportion.
    assert rises["t2"] == pytest.approx(5 + 0.1 * 5 / 10.5)
    assert rises["t4"] == pytest.approx(5.5 - 0.1 * 5.5 / 10.5)


def test_what_was_not_measured_takes_what_the_net_amount_lacks() -> None:
    day = power_day([1000, None, -500, -500], electric_energy_high=2.0)
    measured = MeasuredDays([day], "electric_power")
    imported = list(booked(measured, "energy_import"))
    exported = list(booked(measured, "energy_export"))
    assert imported[0].amount == pytest.approx(8)
    assert exported[0].amount == pytest.approx(6)
    hours = hourly(measured, imported, "energy_import")
    assert hours == pytest.approx([1.0] * 6 + [2 / 6] * 6 + [0] * 12)


@pytest.mark.parametrize("amount", [-500.0, 5000.0])
def test_no_meter_counts_what_is_booked_there(amount: float) -> None:
    """It was replaced, or the CEMM is wrong."""
    measured = MeasuredDays([Day(MONDAY, {}, {"volume": amount})], "flow")
    assert not list(booked(measured, "volume"))


def test_month_data_tells_what_readings_do_not_reach() -> None:
    """Of the day of the first reading, the day data tells."""
    days = [
        Day(
            MONDAY + timedelta(n),
            {},
            {"volume": 4.0},
            Reading({"volume": Measurement(1, 1.0)}) if 2 <= n < 5 else None,
        )
        for n in range(7)
    ]
    days = [
        replace(
            day, closing=Reading({"volume": Measurement((day.end - 300) * 1000, n)})
        )
        if day.closing
        else day
        for n, day in enumerate(days)
    ]
    rises = known_rises(MeasuredDays(days, "flow"), a_counter("volume", "volume"))
    assert [rise.amount for rise in rises] == [4, 4, 1, 1, 4, 4]


def test_a_booked_zero_is_no_data() -> None:
    measured = MeasuredDays(
        [power_day([1000], electric_energy_low=0.0)], "electric_power"
    )
    assert list(booked(measured, "energy_import")) == []
    assert hourly(measured, [], "energy_import") == pytest.approx([1.0] * 24)


@pytest.mark.parametrize("minutes", [0, 1, 30, 180])
@pytest.mark.parametrize(
    ("low", "first"), [(24.0, 1200), (24.0, 120), (9.0, 720)], ids=str
)
def test_minutes_that_are_missing_make_no_other_tariff(
    minutes: int, low: float, first: int
) -> None:
    """It is low all day, as on a public holiday, or from 22 until 7 as in Belgium."""
    day = power_day([1000], electric_energy_low=low, electric_energy_high=24 - low)
    powers = list(day.minutes["electric_power"])
    powers[first : first + minutes] = [None] * minutes
    day = replace(day, minutes={"electric_power": powers})
    measured = MeasuredDays([day], "electric_power")
    for key, amount in (("t1", low), ("t2", 24 - low)):
        hours = hourly(measured, list(booked(measured, key)), key)
        assert sum(hours) == pytest.approx(amount)
        assert max(hours) < 1.001


def test_a_day_of_which_too_little_was_booked_has_no_certain_tariff() -> None:
    day = power_day([1000, 1000, 1000, None], electric_energy_low=3.0)
    day = replace(day, amounts={**day.amounts, "electric_energy_high": 4.0})
    assert MeasuredDays([day], "electric_power").certain_since == day.end


@pytest.mark.parametrize(
    ("read", "certain"),
    [((), 3), ((0, 1, 2), 0), ((0, 2), 0), ((1, 2), 2), ((0, 1), 3)],
    ids=str,
)
def test_between_readings_no_tariff_is_needed(
    read: tuple[int, ...], certain: int
) -> None:
    """No schedule explains these three days, but for the first one."""
    odd = power_day([1000], electric_energy_low=3.5, electric_energy_high=20.5)
    days = [
        replace(
            odd,
            day=MONDAY + timedelta(n),
            amounts=odd.amounts if n else {},
            closing=Reading({"t1": Measurement(1, 1.0)}) if n in read else None,
        )
        for n in range(3)
    ]
    measured = MeasuredDays(days, "electric_power")
    assert (
        measured.certain_since == [*(day.start for day in days), days[-1].end][certain]
    )


def test_tariffs_that_nothing_explains_end_the_registers() -> None:
    fine = power_day([1000], electric_energy_low=8.0, electric_energy_high=16.0)
    odd = power_day([1000], electric_energy_low=3.5, electric_energy_high=20.5)
    assert MeasuredDays([fine], "electric_power").certain_since == fine.start
    assert MeasuredDays([odd], "electric_power").certain_since == odd.end


def test_memory_begins_with_the_first_measurement_or_amount() -> None:
    empty = Day(MONDAY, {}, {"electric_energy_low": 0.0})
    late = power_day([None, 100])
    idle = power_day([None, 0])
    booked = Day(MONDAY, {}, {"electric_energy_low": 1.0})
    assert MeasuredDays([empty], "electric_power").known_since is None
    for day in (late, idle):
        noon = day.start + 12 * HOUR
        assert MeasuredDays([day], "electric_power").known_since == noon
    assert MeasuredDays([booked], "electric_power").known_since == booked.start
