"""Day data that agrees with meter readings and with month data."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate, pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.client import History, Measurement, Reading, Sample
from custom_components.cemm.history.count import count_hours
from custom_components.cemm.history.meter_days import MeterDays
from custom_components.cemm.history.profile import Curve, Day
from custom_components.cemm.history.rises import Measured, meter_reading
from custom_components.cemm.history.usage import Rise, UseByTariff
from tests.helpers.history import a_counter

MONDAY = date(2026, 11, 16)
HOUR = 3600


def power_day(watts: list[float | None], **amounts: float) -> Day:
    """Return a Monday with these means, each for an equal part of the day."""
    length = 1440 // len(watts)
    start = Day(MONDAY).start
    samples = tuple(
        Sample(start + minute * 60, watts[minute // length]) for minute in range(1440)
    )
    return Day.of(MONDAY, History({"electric_power": samples}), amounts)


def hourly(days: Sequence[Day], key: str) -> list[float]:
    counter = a_counter(key, key)
    used, _ = count_hours(days, [counter], days[0].start, days[-1].end)[counter]
    return [b - a for a, b in pairwise(used)]


def counted(curve: Curve, rises: Sequence[Rise], times: Sequence[float]) -> list[float]:
    return UseByTariff(curve, rises, times, lambda _: True).until(times, None)[0]


def unmeasured(
    curve: Curve, rises: Sequence[Rise], times: Sequence[float]
) -> list[float]:
    return UseByTariff(curve, rises, times, lambda _: True).until(times, None)[1]


def read(*readings: tuple[int, float], unknown: int = 0, used: float = 0) -> list[Rise]:
    """Return the rises between readings, while a part of each hour was not measured."""
    times = range(len(readings) * 60)
    curve = Curve(0, [used * n / 60 for n in times], [unknown * n / 60 for n in times])
    nothing = Curve(0, [0.0], [0.0])
    measured = Measured(curve, nothing, lambda _: True, 100, is_net=False)
    found = measured.read_rises([(*reading, 0.0) for reading in readings])
    return [replace(rise, low=Rise(0, 0, 0).low) for rise in found]


def test_readings_that_fall_leap_or_stand_in_time_tell_nothing() -> None:
    readings = [
        (0, 100.0),
        (HOUR, 101.0),
        (HOUR, 101.0),
        (2 * HOUR, 203.0),
        (3 * HOUR, 204.0),
        (4 * HOUR, 3.0),
    ]
    assert read(*readings, unknown=60) == []
    assert read(*readings[:3], unknown=60) == [Rise(0, HOUR, 1.0)]
    # What was measured may say that it is so all the same.
    assert read(*readings, used=1) == [
        Rise(0, HOUR, 1.0),
        Rise(2 * HOUR, 3 * HOUR, 1.0),
    ]


def test_a_reading_of_zero_is_neither_a_fall_nor_a_rise() -> None:
    readings = [(n * HOUR, v) for n, v in enumerate((6, 7, 8, 0, 9, 11, 11))]
    assert read(*readings, unknown=60) == [
        Rise(0, HOUR, 1),
        Rise(4 * HOUR, 5 * HOUR, 2),
        Rise(5 * HOUR, 6 * HOUR, 0),
    ]


def test_no_more_is_hidden_than_a_connection_delivers() -> None:
    assert read((0, 100.0), (HOUR, 150.0), unknown=30) == [Rise(0, HOUR, 50.0)]
    assert read((0, 100.0), (HOUR, 150.0), unknown=20) == []
    # Less than was measured can't be.
    assert read((0, 100.0), (HOUR, 100.0), unknown=20, used=1) == []


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


def rise_of(day: Day, key: str) -> Rise | None:
    counter = a_counter(key, key)
    rises = MeterDays([day], [counter]).rises(counter.rule.sign)
    return rises[0] if rises else None


def test_volumes_agree_with_the_month_data() -> None:
    assert hourly([Day(MONDAY, {}, {"volume": 2.4})], "volume") == pytest.approx(
        [0.1] * 24
    )


def test_import_and_export_agree_with_the_net_amounts_per_tariff() -> None:
    # 12 h of 1 kW, 12 h of -0.5 kW; low until 7:00 and from 23:00.
    day = power_day([1000, -500], electric_energy_low=6.5, electric_energy_high=-0.4)
    day_of = {
        key: sum(hourly([day], key))
        for key in ("t1", "t2", "t3", "t4", "energy_import", "energy_export")
    }
    assert day_of["t1"] - day_of["t3"] == pytest.approx(6.5)
    assert day_of["t2"] - day_of["t4"] == pytest.approx(-0.4)
    assert day_of["t1"] + day_of["t2"] == pytest.approx(day_of["energy_import"])
    # The 0.1 kWh that the day data lacks lies on both in proportion.
    assert day_of["energy_import"] == pytest.approx(12 + 0.1 * 12 / 18)
    assert day_of["energy_export"] == pytest.approx(6 - 0.1 * 6 / 18)


def test_what_was_not_measured_takes_what_the_net_amount_lacks() -> None:
    day = power_day([1000, None, -500, -500], electric_energy_high=2.0)
    hours = hourly([day], "energy_import")
    assert hours == pytest.approx([1.0] * 6 + [2 / 6] * 6 + [0] * 12)
    assert sum(hourly([day], "energy_export")) == pytest.approx(6)


@pytest.mark.parametrize("amount", [-500.0, 5000.0])
def test_no_meter_counts_what_is_booked_there(amount: float) -> None:
    """It was replaced, or the CEMM is wrong."""
    assert rise_of(Day(MONDAY, {}, {"volume": amount}), "volume") is None


def test_month_data_tells_what_readings_do_not_reach() -> None:
    """It tells of the day of the first reading too."""
    days = [Day(MONDAY + timedelta(n), {}, {"volume": 4.0}) for n in range(7)]
    days[2:5] = [
        replace(
            day, closing=Reading({"volume": Measurement((day.end - 300) * 1000, n)})
        )
        for n, day in enumerate(days[2:5])
    ]
    found = MeterDays(days, [a_counter("volume", "volume")]).rises(1)
    assert [rise.amount for rise in found] == [4, 4, 4, 1, 1, 4, 4]
    used = hourly(days, "volume")
    assert sum(used[3 * 24 : 5 * 24]) == pytest.approx(2, abs=0.02)


def test_a_booked_zero_is_no_data() -> None:
    day = power_day([1000], electric_energy_low=0.0)
    assert rise_of(day, "energy_import") is None
    assert hourly([day], "energy_import") == pytest.approx([1.0] * 24)


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
    for key, amount in (("t1", low), ("t2", 24 - low)):
        hours = hourly([day], key)
        assert sum(hours) == pytest.approx(amount)
        assert max(hours) < 1.001


def test_a_day_of_which_nothing_fits_has_its_amounts_all_the_same() -> None:
    day = power_day([1000], electric_energy_low=3.5, electric_energy_high=20.5)
    assert sum(hourly([day], "t1")) == pytest.approx(3.5)
    assert sum(hourly([day], "t2")) == pytest.approx(20.5)
    assert hourly([day], "energy_import") == pytest.approx([1.0] * 24)


@pytest.mark.parametrize(("key", "channel"), [("gas", "gas"), ("volume", "flow")])
def test_only_gas_may_be_read_an_hour_late(key: str, channel: str) -> None:
    """A reading of 23:55 is that of 23:00, and 4 m³ were used since."""
    amounts = [0.0] * 23 * 60 + [4 / 60] * 60
    days = [
        Day(day, {channel: used}, {}, Reading({key: Measurement(at, 10.0)}))
        for day, used in ((MONDAY, [0.0] * 1440), (MONDAY + timedelta(1), amounts))
        for at in [(Day(day).end - 300) * 1000]
    ]
    rises = MeterDays(days, [a_counter(key, key)]).rises(1)
    assert [rise.amount for rise in rises] == ([0.0] if key == "gas" else [])
