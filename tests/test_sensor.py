"""Each answer of a CEMM gives the entities, units and values that are promised."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import ATTR_DEVICE_CLASS, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from simulator import Fault, Simulator
from tests.helpers.common import device, only_meter, sensor, value

from .conftest import MAC, setup
from .fixtures import load

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

NOW = 1_781_092_800_000


def at(**values: float) -> dict[str, list[float]]:
    """Return these channels as measured just now."""
    return {key: [NOW, value] for key, value in values.items()}


ANSWERS: dict[str, tuple[str, str, Any]] = {
    "documented_p1": ("p1", "p1", load("local/p1_realtime")),
    "recorded_p1": ("p1", "p1", load("recorded/p1_realtime")),
    "solar": (
        "s01",
        "solar_energy",
        {"data": at(electric_power=2150), "totals": at(t1=900.5, t2=1800.25, t3=1.5)},
    ),
    "water": ("pulse-2", "water", {"data": at(flow=7.5), "totals": at(volume=412.345)}),
    "modbus_with_one_register": (
        "mb5",
        "electricity",
        {
            "data": at(t1=500.5, electric_power=11000)
            | {key: [0, 0] for key in ("t2", "t3", "t4")},
            "totals": at(t1=300.25, t2=200.25),
        },
    ),
    "pulse_without_registers": (
        "s02",
        "electricity",
        {
            "data": at(
                electric_power=75, electric_energy=10.1, electric_energy_high=20.2
            )
        },
    ),
    "unknown_channel": (
        "p1",
        "p1",
        {"data": at(t1=1, phase_angle=12.5, rate=1, switch=1)},
    ),
}


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def _all_enabled() -> Iterator[None]:
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True
    ):
        yield


def describe(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return what each sensor is and shows, by alias and key.

    A snapshot of the registry itself would differ between the supported versions
    of Home Assistant.
    """
    described = {}
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        state = hass.states.get(entity.entity_id)
        facts = (
            entity.entity_id,
            entity.original_name,
            entity.original_device_class,
            entity.unit_of_measurement,
            (entity.capabilities or {}).get("state_class"),
            entity.entity_category,
            "disabled" if entity.disabled_by else None,
        )
        known = " | ".join(str(fact) for fact in facts if fact)
        key = entity.unique_id.removeprefix(f"{MAC}_")
        described[key] = f"{known} = {state.state if state else None}"
    return described


@pytest.mark.usefixtures("_all_enabled")
@pytest.mark.parametrize("meter", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_gives_these_entities(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
    meter: tuple[str, str, Any],
) -> None:
    only_meter(sim, *meter)
    await setup(hass, local_entry)

    assert describe(hass, local_entry) == snapshot


@pytest.mark.parametrize("which", ["local_entry", "remote_entry"])
async def test_a_house_gets_these_entities_and_true_values(
    hass: HomeAssistant,
    sim: Simulator,
    snapshot: SnapshotAssertion,
    which: str,
    request: pytest.FixtureRequest,
) -> None:
    entry = await setup(hass, request.getfixturevalue(which))

    described = describe(hass, entry)
    assert {key: text.rpartition(" = ")[0] for key, text in described.items()} == (
        snapshot
    )
    counters = [
        pair
        for unique_id in described
        if (pair := unique_id.split("_", 1))[1] in ("t1", "t2", "t3", "t4", "volume")
        and sensor(hass, *pair)
    ]
    assert len(counters) >= 4
    for alias, key in counters:
        # The meters are read every ten seconds at most.
        truth = sim.house.reading(alias, key, sim.clock.now())
        assert float(value(hass, alias, key) or "nan") == pytest.approx(truth, abs=0.05)


async def test_the_documents_remote_example_gives_its_values(
    hass: HomeAssistant, sim: Simulator
) -> None:
    uid = "FF-FF-FF-FF-FF-FF"
    for path in ("p1/realtime", "p1/totals", "p1", "io"):
        body = load(f"remote/{path.replace('/', '_')}")
        sim.faults.append(Fault("body", f"{uid}/{path}/$", value=body))
    sim.faults.append(Fault("body", "/cemm/$", value=load("remote/cemm")))
    sim.faults.append(Fault("status", uid, value=412))
    entry = MockConfigEntry(
        domain="cemm",
        unique_id="ff:ff:ff:ff:ff:ff",
        data={
            "connection": "remote",
            "api_key": "demo",
            "url": sim.remote_url,
            "uid": uid,
        },
    )
    await setup(hass, entry)

    registry = er.async_get(hass)
    shown = {
        entity.unique_id.rpartition("_p1_")[2]: state.state
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if (state := hass.states.get(entity.entity_id))
    }
    assert shown == {
        "t1": "1351",
        "t2": "1614",
        "t3": "883",
        "t4": "2018",
        "energy_import": "2965",
        "energy_export": "2901",
        "electric_power": "-1607",
        "rate": "high",
        "gas": "2617",
    }


async def test_a_tariff_that_does_not_exist_is_unknown(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    sim.faults.append(Fault("value", value=("p1", "rate", 3)))
    await setup(hass, local_entry)

    assert value(hass, "p1", "rate") == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("kinds", "described"),
    [
        ({}, (None, "Pulse meter pulse-1")),
        ({"pulse-1": "gas"}, (SensorDeviceClass.GAS, "Gas meter pulse-1")),
        ({"pulse-1": "water"}, (SensorDeviceClass.WATER, "Water meter pulse-1")),
    ],
)
async def test_a_pulse_meter_of_unknown_type_is_what_the_options_say(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    kinds: dict[str, str],
    described: tuple[SensorDeviceClass | None, str],
) -> None:
    only_meter(sim, "pulse-1", "pulse", {"data": at(flow=1), "totals": at(volume=2)})
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(local_entry, options={"volume_kinds": kinds})
    await setup(hass, local_entry)

    state = sensor(hass, "pulse-1", "volume")
    pulse_meter = device(hass, "pulse-1")
    assert state and pulse_meter
    assert described == (state.attributes.get(ATTR_DEVICE_CLASS), pulse_meter.name)
