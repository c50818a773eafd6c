"""Adding a CEMM's meters to the Energy dashboard, the real one, with a recorder."""

from datetime import timedelta
from typing import Any

from homeassistant.components.energy import data as energy, validate
from homeassistant.components.recorder.statistics import get_start_time
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.history.counters import counters
from tests.conftest import MAC, setup
from tests.helpers.common import device
from tests.helpers.menu import choose


@pytest.fixture
async def dashboard(hass: HomeAssistant) -> energy.EnergyManager:
    """Set up the Energy dashboard, with nothing in it."""
    assert await async_setup_component(hass, "energy", {})
    await hass.async_block_till_done()
    return await energy.async_get_manager(hass)


def reported(hass: HomeAssistant, result: ConfigFlowResult) -> set[str]:
    """Return the alias and key of each sensor that the user is told of by name."""
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "energy_dashboard_updated"
    placeholders = result["description_placeholders"]
    assert placeholders
    names = placeholders["sensors"].splitlines()
    sensors = {
        entity.unique_id.removeprefix(f"{MAC}_")
        for entity in er.async_get(hass).entities.values()
        if (state := hass.states.get(entity.entity_id)) and f"- {state.name}" in names
    }
    assert len(sensors) == len(names)
    return sensors


def kinds(dashboard: energy.EnergyManager) -> list[str]:
    assert dashboard.data
    return sorted(source["type"] for source in dashboard.data["energy_sources"])


async def issues(hass: HomeAssistant) -> list[Any]:
    """Return what the dashboard finds wrong once statistics have been made."""
    await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=get_start_time() + timedelta(minutes=5))
    await async_wait_recording_done(hass)
    result = (await validate.async_validate(hass)).as_dict()
    return [issue for lists in result.values() for found in lists for issue in found]


GRID = {"p1_t1", "p1_t2", "p1_t3", "p1_t4", "p1_electric_power"}
SOLAR = {"s01_energy_import", "s01_electric_power"}
DEVICE = {"mb5_energy_import", "mb5_electric_power"}
WATER = {"pulse-2_volume", "pulse-2_flow"}


async def test_the_dashboard_accepts_the_house(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    result = await choose(hass, local_entry, "energy_dashboard")
    assert reported(hass, result) == GRID | SOLAR | {"p1-gas_gas"} | DEVICE | WATER
    assert kinds(dashboard) == ["gas", "grid", "grid", "solar", "water"]
    assert not await issues(hass)


@pytest.mark.parametrize(
    ("language", "names"),
    [
        (
            "en",
            ["Low tariff", "High tariff", "Gas meter", "Roof", "Water meter pulse-2"],
        ),
        ("nl", ["laagtarief", "hoogtarief", "Gasmeter", "Roof", "Watermeter pulse-2"]),
    ],
)
async def test_sources_have_the_names_of_their_tariff_or_meter(
    hass: HomeAssistant,
    dashboard: energy.EnergyManager,
    local_entry: MockConfigEntry,
    language: str,
    names: list[str],
) -> None:
    hass.config.language = language
    await setup(hass, local_entry)
    solar = device(hass, "s01")
    assert solar
    dr.async_get(hass).async_update_device(solar.id, name_by_user="Roof")
    await choose(hass, local_entry, "energy_dashboard")
    assert dashboard.data
    sources = dashboard.data["energy_sources"]
    assert sorted(source["name"] for source in sources) == sorted(names)
    [charger] = dashboard.data["device_consumption"]
    assert charger["name"].endswith("mb5")


async def test_the_dashboard_accepts_what_the_remote_api_tells(
    hass: HomeAssistant, dashboard: energy.EnergyManager, remote_entry: MockConfigEntry
) -> None:
    await setup(hass, remote_entry)
    result = await choose(hass, remote_entry, "energy_dashboard")
    assert reported(hass, result) == GRID | SOLAR | {"p1-gas_gas"}
    assert kinds(dashboard) == ["gas", "grid", "grid", "solar"]
    assert not await issues(hass)


async def test_devices_of_the_dashboard_are_imported_last(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    await choose(hass, local_entry, "energy_dashboard")
    assert dashboard.data
    devices = {
        each["stat_consumption"] for each in dashboard.data["device_consumption"]
    }
    coordinator = local_entry.runtime_data.coordinator
    for counter in counters(hass, coordinator.mac, coordinator.data):
        if counter.key == "energy_import":
            assert counter.is_device is (counter.entity_id in devices)


async def test_a_second_time_adds_nothing(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    await choose(hass, local_entry, "energy_dashboard")
    preferences = dashboard.data
    result = await choose(hass, local_entry, "energy_dashboard")
    assert result["reason"] == "energy_dashboard_complete"
    assert dashboard.data is preferences


async def test_a_meter_whose_kind_was_changed_is_moved(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    """It is told, and Home Assistant has nothing to complain of."""
    local_entry.add_to_hass(hass)
    for kind, reason in (("water", "updated"), ("gas", "moved"), ("water", "moved")):
        hass.config_entries.async_update_entry(
            local_entry,
            options={"import_history": False, "volume_kinds": {"pulse-2": kind}},
        )
        await hass.config_entries.async_reload(local_entry.entry_id)
        await hass.async_block_till_done()
        result = await choose(hass, local_entry, "energy_dashboard")
        assert result["reason"] == f"energy_dashboard_{reason}"
        assert not await issues(hass)
        if reason == "moved":
            shown = result["description_placeholders"]
            name = hass.states.get(entity_id(hass)).name
            assert shown and shown["sensors"] == f"- {name}"
    again = await choose(hass, local_entry, "energy_dashboard")
    assert again["reason"] == "energy_dashboard_complete"


def entity_id(hass: HomeAssistant) -> str:
    found = er.async_get(hass).async_get_entity_id(
        "sensor", "cemm", f"{MAC}_pulse-2_volume"
    )
    assert found
    return found


async def test_disabled_sensors_are_not_added(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, local_entry.entry_id):
        if not entity.unique_id.endswith("pulse-2_volume"):
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await choose(hass, local_entry, "energy_dashboard")
    assert dashboard.data
    (source,) = dashboard.data["energy_sources"]
    assert source["type"] == "water"
    assert "stat_rate" not in source
    assert not dashboard.data["device_consumption"]
