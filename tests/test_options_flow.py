"""Tests of what can be changed after a CEMM was added."""

from collections.abc import Sequence

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, SimMeter, Simulator, Source
from tests.helpers.common import device, sensor

from .conftest import setup


async def _settings(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "init"
    form = await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": "settings"}
    )
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "settings"
    assert not form["errors"]
    return form


async def _submit(
    hass: HomeAssistant, form: ConfigFlowResult, **user_input: object
) -> ConfigFlowResult:
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], user_input
    )
    await hass.async_block_till_done()
    return result


@pytest.fixture
def hidden(sim: Simulator) -> None:
    """Let the firmware be one that does not list its Modbus meter, mb5."""
    listed = {"data": [{"io_id": 1, "port": 3, "type": "p1", "alias": "p1"}]}
    sim.faults.append(Fault("body", "/io/$", value=listed))


@pytest.mark.usefixtures("hidden")
async def test_extra_aliases(hass: HomeAssistant, local_entry: MockConfigEntry) -> None:
    """A meter that is not listed can be named, and is there at once."""
    await setup(hass, local_entry)
    assert device(hass, "mb5") is None
    form = await _settings(hass, local_entry)
    result = await _submit(hass, form, extra_aliases=[" MB5 ", "mb5"])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert local_entry.options == {"import_history": False, "extra_aliases": ["mb5"]}
    assert local_entry.state is ConfigEntryState.LOADED
    assert device(hass, "mb5") is not None

    await _submit(hass, await _settings(hass, local_entry), extra_aliases=[])
    assert local_entry.options == {"import_history": False, "extra_aliases": []}


@pytest.mark.parametrize(
    ("aliases", "error"),
    [
        (["mb6"], "unknown_alias"),
        (["mb5", "mb6"], "unknown_alias"),
        ([""], "invalid_alias"),
        (["mb5", "../info"], "invalid_alias"),
        (["m b"], "invalid_alias"),
        (["x" * 33], "invalid_alias"),
    ],
)
@pytest.mark.usefixtures("hidden")
async def test_wrong_aliases(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    aliases: Sequence[str],
    error: str,
) -> None:
    """What is no alias, or not of this CEMM, is refused; nothing typed is lost."""
    await setup(hass, local_entry)
    form = await _settings(hass, local_entry)
    form = await _submit(hass, form, extra_aliases=aliases)
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {"extra_aliases": error}
    [field] = form["data_schema"].schema
    assert field.description == {"suggested_value": aliases}
    assert local_entry.options == {"import_history": False}

    result = await _submit(hass, form, extra_aliases=["mb5"])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert local_entry.options["extra_aliases"] == ["mb5"]


async def test_remote_has_no_other_aliases(
    hass: HomeAssistant, remote_entry: MockConfigEntry
) -> None:
    """The remote API can't address a Modbus meter, and that is what the user reads."""
    await setup(hass, remote_entry)
    form = await _settings(hass, remote_entry)
    form = await _submit(hass, form, extra_aliases=["p1", "mb5"])
    assert form["errors"] == {"extra_aliases": "remote_alias"}
    assert form["description_placeholders"] == {"aliases": "mb5"}


async def test_outage(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """Options can be changed while the CEMM does not answer; what was accepted stays."""
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": False, "extra_aliases": ["mb7"]}
    )
    await setup(hass, local_entry)
    result = await _submit(
        hass, await _settings(hass, local_entry), extra_aliases=["mb7"]
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY

    form = await _settings(hass, local_entry)
    sim.faults.append(Fault("status", value=500))
    await _submit(hass, form, extra_aliases=["mb7", "mb8"])
    assert local_entry.options["extra_aliases"] == ["mb7", "mb8"]
    assert local_entry.state is ConfigEntryState.SETUP_RETRY

    form = await _settings(hass, local_entry)
    await _submit(hass, form, extra_aliases=["mb9"])
    assert local_entry.options["extra_aliases"] == ["mb9"]


async def test_volume_kinds(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """Only the user knows what a pulse meter counts."""
    sim.house.meters["pulse-2"] = SimMeter(9, "pulse", Source.WATER)
    await setup(hass, local_entry)
    before = sensor(hass, "pulse-2", "volume")
    assert before is not None
    assert "device_class" not in before.attributes

    form = await _settings(hass, local_entry)
    [_, kinds] = form["data_schema"].schema
    section = form["data_schema"].schema[kinds].schema.schema
    assert {str(field) for field in section} == {"pulse-2"}

    await _submit(hass, form, extra_aliases=[], volume_kinds={"pulse-2": "gas"})
    assert local_entry.options == {
        "import_history": False,
        "extra_aliases": [],
        "volume_kinds": {"pulse-2": "gas"},
    }
    after = sensor(hass, "pulse-2", "volume")
    assert after is not None
    assert after.entity_id == before.entity_id
    assert after.attributes["device_class"] == "gas"


async def test_volume_kinds_during_an_outage(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """What was said of a pulse meter is shown, and stays, though it can't be asked."""
    local_entry.add_to_hass(hass)
    options = {"extra_aliases": [], "volume_kinds": {"pulse-2": "gas"}}
    hass.config_entries.async_update_entry(local_entry, options=options)
    sim.faults.append(Fault("drop"))
    await setup(hass, local_entry)
    form = await _settings(hass, local_entry)
    [_, kinds] = form["data_schema"].schema
    [field] = form["data_schema"].schema[kinds].schema.schema
    assert field.description == {"suggested_value": "gas"}
    await _submit(hass, form, extra_aliases=[], volume_kinds={"pulse-2": "gas"})
    assert local_entry.options == options
