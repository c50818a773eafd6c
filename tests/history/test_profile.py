"""Day data, minute by minute."""

from datetime import date

import pytest

from custom_components.cemm.client import Sample
from custom_components.cemm.history.profile import (
    POWER,
    Curve,
    Day,
    known_since,
    minutes,
)

START = 1_700_000_400  # a full hour
HOUR = 3600


def samples(spacing: int, *values: float | None) -> list[Sample]:
    return [Sample(START + n * spacing, value) for n, value in enumerate(values)]


def test_power_becomes_energy() -> None:
    found = minutes(
        samples(60, 6000, -60, None, 0), "electric_power", START, START + 240
    )
    assert found == [pytest.approx(0.1), pytest.approx(-0.001), None, 0.0]


def test_water_and_dsmr_5_gas_are_flows() -> None:
    for channel in ("flow", "gas"):
        found = minutes(samples(60, 12, 0, 1.5), channel, START, START + 180)
        assert found == [pytest.approx(0.012), 0, pytest.approx(0.0015)]


def test_dsmr_4_gas_is_an_amount_per_hour() -> None:
    found = minutes(samples(HOUR, 0.6, 1.2), "gas", START, START + 2 * HOUR)
    assert found == [pytest.approx(0.01)] * 60 + [pytest.approx(0.02)] * 60


def test_one_sample_does_not_tell_its_length() -> None:
    assert minutes(samples(60, 500), "gas", START, START + 120) == [None, None]
    assert minutes([], "gas", START, START + 120) == [None, None]


def test_a_gap_does_not_change_the_spacing() -> None:
    found = minutes(
        [Sample(START, 60.0), Sample(START + 60, 60.0), Sample(START + 240, 60.0)],
        "electric_power",
        START,
        START + 300,
    )
    assert found == [0.001, 0.001, None, None, 0.001]


def test_the_running_minute_goes_on_like_the_last() -> None:
    found = minutes(samples(60, 60, 120), "electric_power", START, START + 240)
    assert found == [0.001, 0.002, 0.002, None]


def test_samples_outside_of_the_time_are_left_out() -> None:
    found = minutes(
        samples(60, 60, 120, 180), "electric_power", START + 60, START + 120
    )
    assert found == [0.002]


def test_import_and_export_are_told_apart_minute_by_minute() -> None:
    amounts = [0.5, -0.2, None, 0.1]
    for sign, used in ((1, 0.6), (-1, 0.2)):
        found = Curve.of(START, amounts, sign)
        assert found.between(START, START + 240) == (used, 1)


def test_hours_that_are_missing_make_no_sample_longer() -> None:
    found = minutes(samples(2 * HOUR, 0.6, 1.2), "gas", START, START + 3 * HOUR)
    hour = [pytest.approx(0.01)] * 60
    assert found == [*hour, *[None] * 60, *[pytest.approx(0.02)] * 60]


def test_within_a_minute_a_curve_rises_evenly_and_ends_at_its_ends() -> None:
    curve = Curve(START, [0, 6, 8], [0, 0, 1])
    assert curve.between(START + 10, START + 90) == (6, 0.5)
    assert curve.between(START - 100, START + 1000) == (8, 1)


def test_memory_begins_with_the_first_measurement_or_amount() -> None:
    day = date(2026, 11, 16)
    empty = Day(day, {}, {"electric_energy_low": 0.0})
    booked = Day(day, {}, {"electric_energy_low": 1.0})
    assert known_since([empty], POWER) is None
    for amount in (0.0, 0.1):
        late = Day(day, {POWER: [None] * 720 + [amount] * 720})
        assert known_since([late], POWER) == late.start + 12 * HOUR
    assert known_since([empty, booked], POWER) == booked.start
