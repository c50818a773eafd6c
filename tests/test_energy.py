"""The Energy dashboard: what is added for a CEMM, and what is left alone."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from homeassistant.components.energy import data as energy
from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.energy import (
    MeterStatistics,
    merge_preferences,
    move_sources,
)
from custom_components.cemm.kinds import MeterKind
from tests.helpers.dashboard import (
    EMPTY,
    EV,
    GAS,
    HOUSE,
    NET,
    P1,
    REGISTERS,
    SOLAR,
    TOTALS,
    WATER,
    added,
    grid,
    meter,
    preferences,
    priced,
)

EMUCS = meter(MeterKind.SMART, "emucs", *REGISTERS, *TOTALS)
TARIFFS = (
    grid(
        stat_energy_from="sensor.p1_t1",
        stat_energy_to="sensor.p1_t3",
        stat_rate="sensor.p1_electric_power",
    ),
    grid(stat_energy_from="sensor.p1_t2", stat_energy_to="sensor.p1_t4"),
)


def test_a_whole_house() -> None:
    merged = merge_preferences(EMPTY, HOUSE)
    assert merged == {
        "energy_sources": [
            *TARIFFS,
            {
                "type": "solar",
                "stat_energy_from": "sensor.s01_energy_import",
                "stat_rate": "sensor.s01_electric_power",
                "config_entry_solar_forecast": None,
            },
            priced("gas", stat_energy_from="sensor.p1gas_gas"),
            priced(
                "water",
                stat_energy_from="sensor.pulse2_volume",
                stat_rate="sensor.pulse2_flow",
            ),
        ],
        "device_consumption": [
            {
                "stat_consumption": "sensor.mb5_energy_import",
                "stat_rate": "sensor.mb5_electric_power",
            }
        ],
        "device_consumption_water": [],
    }
    assert added(EMPTY, *HOUSE)


def test_a_source_is_named_by_its_tariff_and_its_meter_if_there_are_several() -> None:
    one, other = replace(P1, name="Smart meter"), replace(EMUCS, name="Other meter")

    def names(*meters: MeterStatistics) -> list[str]:
        merged = merge_preferences(EMPTY, meters, ("low", "high"))
        return [source["name"] for source in merged["energy_sources"]]

    assert names(one) == ["low", "high"]
    assert names(replace(one, disabled=[*P1.disabled, "t2", "t3"])) == ["Smart meter"]
    assert names(one, other) == [
        *("Smart meter low", "Smart meter high"),
        *("Other meter low", "Other meter high"),
    ]


def test_without_a_second_tariff_the_totals_are_used() -> None:
    single = meter(MeterKind.SMART, "p1", "t1", *TOTALS, "electric_power")
    assert added(EMPTY, single) == [
        grid(
            stat_energy_from="sensor.p1_energy_import",
            stat_energy_to="sensor.p1_energy_export",
            stat_rate="sensor.p1_electric_power",
        )
    ]


def test_disabled_sensors_are_not_used() -> None:
    some = meter(
        *(MeterKind.SMART, "p1", *REGISTERS, *TOTALS, "electric_power"),
        disabled=("t2", "electric_power", "energy_export", "t4"),
    )
    assert added(EMPTY, some) == [grid(stat_energy_from="sensor.p1_energy_import")]
    for kind in MeterKind:
        keys = (*REGISTERS, *TOTALS, "gas", "volume", "flow", "electric_power")
        assert not added(EMPTY, meter(kind, "all", *keys, disabled=keys))


def test_a_meter_that_does_not_feed_in() -> None:
    consumer = meter(MeterKind.SMART, "p1", "t1", "t2", "energy_import")
    assert added(EMPTY, consumer) == [
        grid(stat_energy_from="sensor.p1_t1"),
        grid(stat_energy_from="sensor.p1_t2"),
    ]


@pytest.mark.parametrize(
    ("by_hand", "expected"),
    [
        pytest.param(
            grid(stat_energy_from="sensor.p1_energy_import"),
            [
                grid(stat_energy_to="sensor.p1_t3"),
                grid(stat_energy_to="sensor.p1_t4"),
            ],
            id="total import",
        ),
        pytest.param(
            grid(
                stat_energy_from="sensor.p1_energy_import",
                stat_energy_to="sensor.p1_energy_export",
            ),
            [],
            id="both totals",
        ),
        pytest.param(
            grid(stat_energy_from="sensor.p1_t1"),
            [
                grid(stat_energy_to="sensor.p1_t3"),
                grid(stat_energy_from="sensor.p1_t2", stat_energy_to="sensor.p1_t4"),
            ],
            id="one register",
        ),
        pytest.param(
            grid(stat_energy_from="sensor.p1_electric_energy"), [], id="net energy"
        ),
        pytest.param(
            grid(
                stat_rate="sensor.p1_electric_power_inverted",
                power_config={"stat_rate_inverted": "sensor.p1_electric_power"},
            ),
            [
                grid(stat_energy_from="sensor.p1_t1", stat_energy_to="sensor.p1_t3"),
                grid(stat_energy_from="sensor.p1_t2", stat_energy_to="sensor.p1_t4"),
            ],
            id="power only",
        ),
        pytest.param(
            grid(
                stat_energy_from="sensor.other",
                stat_rate="sensor.other_power",
                number_energy_price=0.3,
                name="Mine",
            ),
            [*TARIFFS],
            id="another meter",
        ),
    ],
)
def test_what_is_there_by_hand_is_not_doubled(
    by_hand: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    assert added(preferences(by_hand), P1) == expected


def test_a_register_used_once_is_not_counted_again_by_its_total() -> None:
    by_hand = preferences(
        grid(stat_energy_from="sensor.p1_t1", stat_energy_to="sensor.p1_t3")
    )
    no_second = meter(
        *(MeterKind.SMART, "p1", *REGISTERS, *TOTALS), disabled=("t2", "t4")
    )
    assert not added(by_hand, no_second)


@pytest.mark.parametrize(
    ("unit", "used"),
    [
        (SOLAR, "sensor.s01_energy_import"),
        (SOLAR, "sensor.s01_t2"),
        (EV, "sensor.mb5_energy_import"),
        (EV, "sensor.mb5_electric_energy_high"),
    ],
)
def test_one_counter_of_a_meter_is_enough(unit: MeterStatistics, used: str) -> None:
    assert not added(preferences({"type": "solar", "stat_energy_from": used}), unit)
    assert not added(preferences(device_consumption=[{"stat_consumption": used}]), unit)


def test_preferences_older_than_water_devices() -> None:
    old = preferences()
    del old["device_consumption_water"]
    assert added(old, EV)


def test_a_pulse_meter_of_electricity_is_a_device_and_one_of_unknown_is_nothing() -> (
    None
):
    electricity = meter(MeterKind.PULSE, "pulse3", "energy_import", *NET)
    unknown = meter(MeterKind.PULSE, "pulse4", "volume", "flow")
    assert added(EMPTY, electricity, unknown) == [
        {"stat_consumption": "sensor.pulse3_energy_import"}
    ]


@given(
    by_hand=st.sets(st.sampled_from(sorted(P1.statistics.values()))),
    disabled=st.sets(st.sampled_from(sorted(P1.statistics))),
)
def test_whatever_is_there_no_energy_is_counted_twice(
    by_hand: set[str], disabled: set[str]
) -> None:
    new = added(
        preferences(*(grid(stat_energy_from=used) for used in by_hand)),
        MeterStatistics(P1.kind, P1.statistics, disabled),
    )
    values = {value for source in new for value in source.values()}
    assert not values & (by_hand | {P1.statistics[key] for key in disabled})
    for total, *registers in (
        ("energy_import", "t1", "t2"),
        ("energy_export", "t3", "t4"),
    ):
        sums = {P1.statistics[key] for key in (total, *NET)}
        parts = {P1.statistics[key] for key in registers}
        assert not (values & parts and (values | by_hand) & sums)
        assert not (values & sums and (values | by_hand) & parts)


def test_gas_of_a_smart_meter_without_a_gas_meter_of_its_own() -> None:
    p1 = meter(MeterKind.SMART, "p1", "gas")
    assert added(EMPTY, p1) == [priced("gas", stat_energy_from="sensor.p1_gas")]


def test_gas_that_the_smart_meter_repeats_is_counted_once() -> None:
    p1 = meter(MeterKind.SMART, "p1", "gas")
    assert added(EMPTY, p1, GAS) == [priced("gas", stat_energy_from="sensor.p1gas_gas")]
    for used in ("sensor.p1_gas", "sensor.p1gas_gas"):
        by_hand = preferences(priced("gas", stat_energy_from=used))
        assert not added(by_hand, p1, GAS)


def test_a_pulse_gas_meter() -> None:
    pulse = meter(MeterKind.GAS_PULSE, "pulse1", "volume", "flow")
    assert added(EMPTY, pulse) == [
        priced(
            "gas",
            stat_energy_from="sensor.pulse1_volume",
            stat_rate="sensor.pulse1_flow",
        )
    ]


def test_gas_that_a_pulse_meter_counts_is_another() -> None:
    p1 = meter(MeterKind.SMART, "p1", "gas")
    pulse = meter(MeterKind.GAS_PULSE, "pulse1", "volume")
    by_hand = preferences(priced("gas", stat_energy_from="sensor.p1_gas"))
    assert added(by_hand, p1, GAS, pulse) == [
        priced("gas", stat_energy_from="sensor.pulse1_volume")
    ]


def test_a_water_meter_that_is_a_device_is_no_source_too() -> None:
    devices = [{"stat_consumption": "sensor.pulse2_volume"}]
    assert not added(preferences(device_consumption_water=devices), WATER)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (MeterKind.WATER, "gas", "water"),
        (MeterKind.GAS, "water", "gas"),
        (MeterKind.GAS_PULSE, "water", "gas"),
    ],
)
@pytest.mark.parametrize(
    ("price", "kept"),
    [
        ({}, {}),
        ({"number_energy_price": 1.2}, {}),
        ({"stat_cost": "sensor.cost"}, {}),
        ({"entity_energy_price": "sensor.per_m3"}, {}),
        ({"entity_energy_price": "sensor.gone"}, {}),
        ({"entity_energy_price": "sensor.per_kwh"}, {"water": None}),
        ({"entity_energy_price": "sensor.per_gallon"}, {"gas": None}),
    ],
)
def test_a_volume_that_is_said_to_be_another_moves_with_the_settings_that_fit(
    kind: MeterKind, old: str, new: str, price: dict[str, Any], kept: dict[str, Any]
) -> None:
    units = {
        "sensor.per_m3": "EUR/m³",
        "sensor.per_kwh": "EUR/kWh",
        "sensor.per_gallon": "EUR/gal",
    }
    unit = meter(kind, "pulse1", "volume", "flow")
    named = {"stat_energy_from": "sensor.pulse1_volume", "name": "Mine", **price}
    others = (
        priced("gas", stat_energy_from="sensor.x"),
        priced("water", stat_energy_from="sensor.y"),
    )
    current = preferences(others[0], priced(old, **named), others[1])
    before = deepcopy(current)
    moved = move_sources(current, [unit], units.get)
    assert current == before
    source = priced(new, **named)
    if new in kept:
        source["entity_energy_price"] = None
    assert moved == preferences(others[0], source, others[1])
    energy.ENERGY_SOURCE_SCHEMA(moved["energy_sources"])
    assert move_sources(moved, [unit], units.get) == moved
    assert merge_preferences(moved, [unit]) == moved


def test_a_volume_of_unknown_kind_stays_what_it_is() -> None:
    unit = meter(MeterKind.PULSE, "pulse1", "volume")
    current = preferences(priced("water", stat_energy_from="sensor.pulse1_volume"))
    assert move_sources(current, [unit], {}.get) == current
