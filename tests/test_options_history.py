"""The options' steps for the Energy dashboard, with its real component and a recorder."""

from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

from homeassistant.components.energy import data as energy, validate
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import get_start_time
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE,
    FlowResultType,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.history.periods import TIME_ZONE
from simulator import Fault, House, Simulator

from .conftest import MAC, setup


@pytest.fixture
def enable_custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Start the recorder before anything else."""


@pytest.fixture
def house() -> House:
    """Return a house whose past is soon told."""
    return House(seed=1, since=days_ago(5))


@pytest.fixture
async def dashboard(hass: HomeAssistant) -> energy.EnergyManager:
    """Set up the Energy dashboard, with nothing in it."""
    assert await async_setup_component(hass, "energy", {})
    await hass.async_block_till_done()
    return await energy.async_get_manager(hass)


@pytest.fixture(params=["local", "remote"])
def entry(
    request: pytest.FixtureRequest,
    local_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
) -> MockConfigEntry:
    """Return the entry of a CEMM by either API, not yet added."""
    return local_entry if request.param == "local" else remote_entry


def days_ago(number: int) -> date:
    return datetime.now(TIME_ZONE).date() - timedelta(days=number)


async def choose(
    hass: HomeAssistant, entry: MockConfigEntry, step: str
) -> ConfigFlowResult:
    """Open the options and choose from the menu."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["type"] is FlowResultType.MENU
    return await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )


async def offered(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return list(menu["menu_options"])


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


async def test_the_dashboard_accepts_what_the_remote_api_tells(
    hass: HomeAssistant, dashboard: energy.EnergyManager, remote_entry: MockConfigEntry
) -> None:
    await setup(hass, remote_entry)
    result = await choose(hass, remote_entry, "energy_dashboard")
    assert reported(hass, result) == GRID | SOLAR | {"p1-gas_gas"}
    assert kinds(dashboard) == ["gas", "grid", "grid", "solar"]
    assert not await issues(hass)


async def test_a_second_time_adds_nothing(
    hass: HomeAssistant, dashboard: energy.EnergyManager, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    await choose(hass, local_entry, "energy_dashboard")
    preferences = dashboard.data
    result = await choose(hass, local_entry, "energy_dashboard")
    assert result["reason"] == "energy_dashboard_complete"
    assert dashboard.data is preferences


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


async def test_what_is_offered_depends_on_what_is_loaded(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    assert await offered(hass, local_entry) == ["settings", "import_history"]

    assert await async_setup_component(hass, "energy", {})
    assert await offered(hass, local_entry) == (
        ["settings", "import_history", "energy_dashboard"]
    )

    await hass.config_entries.async_unload(local_entry.entry_id)
    assert await offered(hass, local_entry) == ["settings"]


async def submit(
    hass: HomeAssistant, entry: MockConfigEntry, **days: str
) -> ConfigFlowResult:
    """Fill in the form of the import."""
    form = await choose(hass, entry, "import_history")
    assert form["type"] is FlowResultType.FORM
    return await hass.config_entries.options.async_configure(form["flow_id"], days)


async def finished(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Wait for an import to end, and return what the user reads then."""
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert result["progress_action"] == "import_history"
    await hass.async_block_till_done()
    result = await hass.config_entries.options.async_configure(result["flow_id"])
    assert result["type"] is FlowResultType.ABORT
    return result


async def test_an_import_shows_its_progress_and_what_it_wrote(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await setup(hass, entry)
    events = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE)
    result = await finished(
        hass, await submit(hass, entry, start_date=str(days_ago(3)))
    )

    assert result["reason"] == "history_imported"
    assert result["description_placeholders"]
    assert int(result["description_placeholders"]["hours"]) > 3 * 24
    progress = [event.data["progress"] for event in events]
    assert progress == sorted(progress)
    assert len(progress) > 2
    assert progress[-1] == 1
    assert {event.data["flow_id"] for event in events} == {result["flow_id"]}

    again = await finished(hass, await submit(hass, entry, start_date=str(days_ago(3))))
    assert again["reason"] == "history_complete"


async def test_the_progress_of_an_import_that_already_runs_is_shown(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    """The first import begins by itself; another must wait for its end, but not in the dark."""
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": True}
    )
    await setup(hass, local_entry)
    history = local_entry.runtime_data.history
    events = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE)
    shown_at_end: list[list[float]] = []

    def note_end() -> None:
        if history.progress == 100:
            shown_at_end.append([event.data["progress"] for event in events])

    history.async_add_progress_listener(note_end)
    result = await finished(hass, await submit(hass, local_entry))

    assert result["reason"] == "history_complete"
    while_it_ran = shown_at_end[0]
    assert len(while_it_ran) > 2
    assert while_it_ran == sorted(while_it_ran)


async def test_days_in_the_wrong_order_can_be_corrected(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    result = await submit(
        hass, local_entry, start_date=str(days_ago(3)), end_date=str(days_ago(4))
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"end_date": "end_before_start"}

    result = await hass.config_entries.options.async_configure(
        result["flow_id"],
        {"start_date": str(days_ago(3)), "end_date": str(days_ago(3))},
    )
    assert (await finished(hass, result))["reason"] == "history_imported"


async def test_a_closed_window_does_not_end_the_import(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    result = await submit(hass, local_entry, start_date=str(days_ago(3)))
    hass.config_entries.options.async_abort(result["flow_id"])
    history = local_entry.runtime_data.history
    assert history.progress != 100
    await hass.async_block_till_done(wait_background_tasks=True)
    assert history.progress == 100


async def test_an_import_that_the_cemm_interrupts_can_be_repeated(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    sim.faults.append(Fault("status", "/day/", value=500))
    result = await finished(
        hass, await submit(hass, local_entry, start_date=str(days_ago(3)))
    )
    assert result["reason"] == "import_failed"

    sim.faults.clear()
    result = await finished(
        hass, await submit(hass, local_entry, start_date=str(days_ago(3)))
    )
    assert result["reason"] == "history_imported"


async def test_unloading_interrupts_the_import(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    result = await submit(hass, local_entry)
    await hass.config_entries.async_unload(local_entry.entry_id)
    assert (await finished(hass, result))["reason"] == "import_failed"


async def test_an_unexpected_error_is_logged(
    hass: HomeAssistant, local_entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    await setup(hass, local_entry)
    history = local_entry.runtime_data.history
    with patch.object(history, "async_import", side_effect=ZeroDivisionError("odd")):
        result = await submit(hass, local_entry)
    assert result["reason"] == "import_failed"
    assert "ZeroDivisionError: odd" in caplog.text
