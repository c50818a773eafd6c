"""The table of channels is one that Home Assistant accepts."""

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
import pytest

from custom_components.cemm.channels import (
    CHANNELS,
    ChannelDescription,
    derived_total,
    describe,
    keys_for,
)
from custom_components.cemm.client import REGISTERS, Meter
from custom_components.cemm.kinds import MeterKind, meter_kind

EVERY_ROW = [(key, kind) for key in CHANNELS for kind in MeterKind]


@pytest.mark.parametrize(("key", "kind"), EVERY_ROW)
def test_units_and_state_classes_suit_the_device_class(
    key: str, kind: MeterKind
) -> None:
    row = describe(key, kind)
    if row.device_class is None:
        return
    units = DEVICE_CLASS_UNITS.get(row.device_class, {None})
    assert row.native_unit_of_measurement in units
    if row.state_class:
        assert row.state_class in DEVICE_CLASS_STATE_CLASSES[row.device_class]


COUNTING = {SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING}


@pytest.mark.parametrize(("key", "row"), CHANNELS.items())
def test_what_counts_is_guarded(key: str, row: ChannelDescription) -> None:
    """A channel that counts has a limit, and its group in GROUPS; no other has."""
    counts = row.state_class in COUNTING
    assert counts == (row.max_rate is not None), f"max_rate in {key}'s row"
    is_register = counts and not row.sum_of
    assert is_register == (key in REGISTERS), f"{key} in GROUPS of client/models.py"
    for group in row.sum_of:
        assert {*group} <= REGISTERS, f"{group} in GROUPS of client/models.py"


def test_only_net_values_may_fall() -> None:
    """And have no history: what they counted does not follow from it."""
    counters = [(key, row) for key, row in CHANNELS.items() if row.max_rate]
    net = {"electric_energy", "electric_energy_high"}
    assert {key for key, row in counters if row.history is None} == net
    assert {
        key for key, row in counters if row.state_class is SensorStateClass.TOTAL
    } == net


@pytest.mark.parametrize(
    ("alias", "type_", "kind"),
    [
        ("p1", "p1", MeterKind.SMART),
        ("p1-usb", None, MeterKind.SMART),
        ("emucs", None, MeterKind.SMART),
        ("emucs-usb", None, MeterKind.SMART),
        ("han", None, MeterKind.SMART),
        ("dlms-usb", None, MeterKind.SMART),
        ("p1-gas", None, MeterKind.GAS),
        ("emucs-gas", "gas", MeterKind.GAS),
        ("s01", "solar_energy", MeterKind.PRODUCTION),
        ("mb7", "solar_energy", MeterKind.PRODUCTION),
        ("s02", None, MeterKind.ELECTRICITY),
        ("mb5", None, MeterKind.ELECTRICITY),
        ("pulse-1", None, MeterKind.PULSE),
        ("pulse-1", "water", MeterKind.WATER),
        ("pulse-1", "gas", MeterKind.GAS_PULSE),
        ("usage", None, MeterKind.USAGE),
        ("something-new", "something", MeterKind.ELECTRICITY),
    ],
)
def test_a_meter_is_known_by_its_type_or_else_its_alias(
    alias: str, type_: str | None, kind: MeterKind
) -> None:
    assert meter_kind(Meter(alias, type_), {}) is kind


def test_the_users_word_counts_for_pulse_meters_alone() -> None:
    kinds = {"pulse-1": "water", "p1": "water"}
    assert meter_kind(Meter("pulse-1"), kinds) is MeterKind.WATER
    assert meter_kind(Meter("p1", "p1"), kinds) is MeterKind.SMART


def test_volume_is_what_the_meter_measures() -> None:
    classes = {kind: describe("volume", kind).device_class for kind in MeterKind}
    assert classes[MeterKind.WATER] is SensorDeviceClass.WATER
    assert classes[MeterKind.GAS_PULSE] is SensorDeviceClass.GAS
    assert classes[MeterKind.PULSE] is None


@pytest.mark.parametrize("key", ["electric_energy", "electric_energy_high"])
def test_net_counters_are_disabled_beside_the_registers(key: str) -> None:
    def enabled(*measured: str) -> bool:
        row = describe(key, MeterKind.SMART, measured)
        return row.entity_registry_enabled_default

    assert enabled(key)
    assert not enabled(key, "t3")


@pytest.mark.parametrize(
    ("key", "name"),
    [("electric_energy", "production_t1"), ("electric_energy_high", "production_t2")],
)
def test_net_counters_tell_the_production_where_there_are_no_registers(
    key: str, name: str
) -> None:
    alone = describe(key, MeterKind.PRODUCTION, [key])
    assert alone.translation_key == name
    assert alone.entity_registry_enabled_default
    beside = describe(key, MeterKind.PRODUCTION, [key, "t4"])
    assert beside.translation_key == key
    assert not beside.entity_registry_enabled_default
    assert describe(key, MeterKind.PULSE, [key]).translation_key == key


def test_gas_is_disabled_where_a_gas_meter_has_it() -> None:
    for kind, enabled in ((MeterKind.SMART, False), (MeterKind.GAS, True)):
        row = describe("gas", kind, ["gas"], has_gas_meter=True)
        assert row.entity_registry_enabled_default is enabled
    assert describe("gas", MeterKind.SMART, ["gas"]).entity_registry_enabled_default


def test_a_meter_that_never_measured_gets_no_sensor() -> None:
    assert not list(keys_for(MeterKind.SMART, ()))


def test_a_total_is_of_the_registers_measured_now_at_their_last_values() -> None:
    row = CHANNELS["energy_import"]
    net = {"electric_energy": 1.0, "electric_energy_high": 2.0}
    registers = {"t1": 10.1, "t2": 20.2}
    kind = MeterKind.ELECTRICITY

    assert derived_total(row, kind, ["t1"], registers) == 30.3
    assert derived_total(row, kind, net, net) == 3
    assert derived_total(row, kind, net, registers | net) == 3
    assert derived_total(row, kind, (), registers | net) == 30.3
    assert derived_total(row, kind, (), {}) is None
    # A smart meter's net registers fall: they make no total.
    assert derived_total(row, MeterKind.SMART, net, net) is None
