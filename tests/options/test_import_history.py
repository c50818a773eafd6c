"""Importing history from the options, with its progress."""

from unittest.mock import patch

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE,
    FlowResultType,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.cemm.days import midnight
from custom_components.cemm.diagnostics import async_get_config_entry_diagnostics
from simulator import Fault, House, Simulator
from tests.conftest import setup
from tests.helpers.common import ours
from tests.helpers.flows import shown
from tests.helpers.history import keep
from tests.helpers.menu import choose, days_ago, offered


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


@pytest.fixture
def two_meters(house: House) -> None:
    """Leave what is soon imported."""
    keep(house, "p1-gas", "pulse-2")


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


@pytest.mark.usefixtures("two_meters")
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
    assert int(result["description_placeholders"]["hours"]) > 2 * 24
    progress = [event.data["progress"] for event in events]
    assert progress == sorted(progress)
    assert len(progress) > 2
    assert progress[-1] == 1
    assert {event.data["flow_id"] for event in events} == {result["flow_id"]}

    again = await finished(hass, await submit(hass, entry, start_date=str(days_ago(3))))
    assert again["reason"] == "history_complete"


@pytest.mark.usefixtures("two_meters")
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
    assert len(shown_at_end[0]) > 2
    progress = [event.data["progress"] for event in events]
    assert progress == sorted(progress)


@pytest.mark.usefixtures("two_meters")
async def test_days_that_make_no_sense_can_be_corrected(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    result = await submit(
        hass, local_entry, start_date=str(days_ago(3)), end_date=str(days_ago(4))
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"end_date": "end_before_start"}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"start_date": str(days_ago(-3))}
    )
    assert result["errors"] == {"start_date": "date_ahead"}
    assert result["data_schema"]
    assert shown(result["data_schema"]) == {"start_date": str(days_ago(-3))}

    result = await hass.config_entries.options.async_configure(
        result["flow_id"],
        {"start_date": str(days_ago(3)), "end_date": str(days_ago(3))},
    )
    assert (await finished(hass, result))["reason"] == "history_imported"


@pytest.mark.rest
@pytest.mark.usefixtures("two_meters")
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


@pytest.mark.usefixtures("two_meters")
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


@pytest.mark.usefixtures("two_meters")
async def test_what_is_not_exact_is_said(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the result, in the log once, and in the diagnostics; also after a restart."""
    odd = days_ago(2)
    sim.house.meters["p1-gas"].misbooked["gas", odd] = 500.0
    asked = midnight(days_ago(1))
    sim.faults.append(Fault("status", "/pulse-2/data/day/", value=500, time=asked))
    await setup(hass, local_entry)
    result = await finished(
        hass, await submit(hass, local_entry, start_date=str(days_ago(3)))
    )
    assert result["reason"] == "history_inexact"
    said = result["description_placeholders"]
    assert said and said["notes"].splitlines() == [
        (
            f"- Gas meter, {odd}: an amount contradicts what was measured, and was not"
            " believed"
        ),
        (
            f"- Water meter pulse-2, {days_ago(1)}: not everything was answered: a guess"
            " until it is"
        ),
    ]
    lines = [line for line in ours(caplog) if str(odd) in line]
    assert lines == [
        (
            f"CEMM Plus: the past of meter p1-gas is not exact between {odd} and {odd}:"
            " contradicted"
        )
    ]
    await hass.config_entries.async_reload(local_entry.entry_id)
    told = await async_get_config_entry_diagnostics(hass, local_entry)
    assert told["history"]["not_exact"] == {
        "p1-gas": {"contradicted": [str(odd), str(odd)]},
        "pulse-2": {"guess": [str(days_ago(1)), str(days_ago(1))]},
    }


@pytest.mark.usefixtures("two_meters")
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
