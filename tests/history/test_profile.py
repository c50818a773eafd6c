"""Day data, minute by minute."""

import pytest

from custom_components.cemm.channels import HistoryRule
from custom_components.cemm.client import Sample
from custom_components.cemm.history.profile import Curve, hourly_net, minutes

START = 1_700_000_400  # a full hour
HOUR = 3600
IMPORT = HistoryRule("electric_power", ("low", "high"))
EXPORT = HistoryRule("electric_power", ("low", "high"), -1)


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
    for rule, used in ((IMPORT, 0.6), (EXPORT, 0.2)):
        found = Curve.of(START, amounts, [1], rule)
        assert found.between(START, START + 240) == (used, 1)


def test_a_register_counts_while_its_tariff_is_in_force() -> None:
    amounts = [0.5, None] * 30 + [0.25, None] * 30
    low, high = (
        Curve.of(START, amounts, [1, 2], HistoryRule("electric_power", (), 1, tariff))
        for tariff in (1, 2)
    )
    assert low.between(START, START + 2 * HOUR) == (15, 30)
    assert high.between(START, START + 2 * HOUR) == (7.5, 30)
    assert high.between(START, START + HOUR) == (0, 0)


def test_within_a_minute_a_curve_rises_evenly_and_ends_at_its_ends() -> None:
    curve = Curve(START, [0, 6, 8], [0, 0, 1])
    assert curve.between(START + 10, START + 90) == (6, 0.5)
    assert curve.between(START - 100, START + 1000) == (8, 1)


def test_hourly_net() -> None:
    assert hourly_net([1.0] * 60 + [None] * 30 + [-1.0] * 30) == [60, -30]
