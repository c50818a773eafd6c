"""The Energy dashboard: gas and water, which several meters may tell of."""

from custom_components.cemm.kinds import MeterKind
from tests.helpers.dashboard import EMPTY, GAS, WATER, added, meter, preferences, priced


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
