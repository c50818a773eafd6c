"""Tests of what can be changed after a CEMM was added."""

from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.devices import async_remove_meter
from custom_components.cemm.discovery import _LOOK_AGAIN_AT
from custom_components.cemm.flows import base, options as options_steps
from custom_components.cemm.issues import METER_REPLACED, async_raise
from custom_components.cemm.kinds import Options
from simulator import Fault, SimMeter, Simulator, Source
from tests.helpers.common import device, issues, ours, poll, sensor
from tests.helpers.flows import shown, start, submit

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
    assert form["description_placeholders"] == {"aliases": aliases[-1].strip()}
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
    assert form["data_schema"]
    assert shown(form["data_schema"]) == options
    await _submit(hass, form, **shown(form["data_schema"]))
    assert local_entry.options == options


@pytest.mark.parametrize("connection", ["local", "remote"])
@pytest.mark.parametrize("kind", ["hang", "drop"])
async def test_many_aliases_are_asked_together_and_kept_if_none_answers(
    hass: HomeAssistant,
    sim: Simulator,
    *,
    connection: str,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    """No dialog waits for longer than 15 s, however much is asked."""
    assert base.PATIENCE <= 15
    entry = await setup(hass, request.getfixturevalue(f"{connection}_entry"))
    form = await _settings(hass, entry)
    hass.data[_LOOK_AGAIN_AT] = (
        inf  # It is not searched for beyond the end of the test.
    )
    sim.faults.append(Fault(kind))
    aliases = [f"mb{number}" for number in range(10)]
    began = monotonic()
    with patch.object(options_steps, "PATIENCE", 0.3):
        result = await hass.config_entries.options.async_configure(
            form["flow_id"], {"extra_aliases": aliases}
        )
    assert monotonic() - began < 1
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "aliases_unseen",
    )
    assert result["description_placeholders"] == {"aliases": ", ".join(aliases)}
    assert entry.options["extra_aliases"] == aliases


@pytest.mark.parametrize("step", ["local", "remote"])
async def test_no_dialog_waits_for_long(
    hass: HomeAssistant, sim: Simulator, step: str
) -> None:
    form = await start(hass, step)
    sim.faults.append(Fault("hang"))
    typed: dict[str, Any] = {"host": sim.base}
    if step == "remote":
        typed = {"api_key": "demo", "advanced": {"url": sim.remote_url}}
    began = monotonic()
    with patch.object(base, "PATIENCE", 0.3):
        form = await submit(hass, form, typed)
    assert monotonic() - began < 1
    assert form["errors"] == {"base": "cannot_connect"}


ODD: list[tuple[dict[str, Any], Options]] = [
    ({"extra_aliases": None}, Options()),
    ({"extra_aliases": "mb5"}, Options()),
    ({"extra_aliases": {"mb5": 1}}, Options()),
    ({"extra_aliases": ["mb5", None, 7, "../x", ["mb6"]]}, Options(["mb5"])),
    ({"volume_kinds": None}, Options()),
    ({"volume_kinds": ["pulse-2", "gas"]}, Options()),
    ({"volume_kinds": 7}, Options()),
    (
        {"volume_kinds": {"pulse-2": "gas", "s01": None, "s02": ["gas"], "s03": "air"}},
        Options(volume_kinds={"pulse-2": "gas"}),
    ),
    ({"extra_aliases": 0, "volume_kinds": []}, Options()),
]


@pytest.mark.parametrize(("stored", "expected"), ODD, ids=str)
async def test_odd_options_are_ignored_and_put_right_by_saving(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    *,
    caplog: pytest.LogCaptureFixture,
    stored: dict[str, Any],
    expected: Options,
) -> None:
    """Another version may have left them, or a hand."""
    sim.house.meters["pulse-2"] = SimMeter(9, "pulse", Source.WATER)
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": False, **stored}
    )
    await setup(hass, local_entry)
    assert local_entry.state is ConfigEntryState.LOADED
    [line] = ours(caplog)
    assert all(name in line for name in stored)
    kind = sensor(hass, "pulse-2", "volume")
    assert kind
    assert kind.attributes.get("device_class") == expected.volume_kinds.get("pulse-2")

    form = await _settings(hass, local_entry)
    suggested = {
        str(field): (field.description or {}).get("suggested_value")
        for field in form["data_schema"].schema
    }
    assert (
        suggested["extra_aliases"] == expected.extra_aliases
        or not expected.extra_aliases
    )
    caplog.clear()
    await _submit(
        hass,
        form,
        extra_aliases=list(expected.extra_aliases),
        volume_kinds=dict(expected.volume_kinds),
    )
    after = Options.of(local_entry.options)
    assert not after.odd
    assert (after.extra_aliases, after.volume_kinds) == (
        list(expected.extra_aliases),
        expected.volume_kinds,
    )
    assert not ours(caplog)


@pytest.mark.parametrize("io_list", [True, False])
@pytest.mark.freeze_time("2026-06-10 12:00:07")
async def test_the_device_of_an_alias_that_is_taken_out_goes_and_what_was_said_of_it(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    *,
    freezer: FrozenDateTimeFactory,
    io_list: bool,
) -> None:
    """It takes half an hour at most, be there a list of meters or not."""
    listed = {"data": [{"io_id": 1, "port": 3, "type": "p1", "alias": "p1"}]}
    fault = Fault("body", "/io/$", value=listed)
    sim.faults.append(fault if io_list else Fault("status", "/io/$", value=404))
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": False, "extra_aliases": ["mb5"]}
    )
    await setup(hass, local_entry)
    assert device(hass, "mb5")
    async_raise(hass, local_entry, METER_REPLACED, "mb5", changes=["Import: 7 → 5"])

    await _submit(hass, await _settings(hass, local_entry), extra_aliases=[])
    await poll(hass, freezer, 1800, 60)
    assert device(hass, "mb5") is None
    assert METER_REPLACED not in issues(hass)
    assert device(hass, "p1")


@pytest.mark.parametrize(("alias", "extra"), [("s01", False), ("mb7", True)])
async def test_a_volume_of_unknown_type_is_asked_about_whatever_its_alias(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    *,
    alias: str,
    extra: bool,
) -> None:
    sim.house.meters[alias] = SimMeter(9, "", Source.WATER)
    if extra:
        listed = {"data": [{"io_id": 1, "port": 3, "type": "p1", "alias": "p1"}]}
        sim.faults.append(Fault("body", "/io/$", value=listed))
        local_entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(
            local_entry, options={"import_history": False, "extra_aliases": [alias]}
        )
    await setup(hass, local_entry)
    assert list(issues(hass)) == ["volume_kind"]
    found = device(hass, alias)
    assert found and found.name == f"Pulse meter {alias}"

    form = await _settings(hass, local_entry)
    [_, kinds] = form["data_schema"].schema
    assert set(form["data_schema"].schema[kinds].schema.schema) == {alias}
    await _submit(
        hass, form, extra_aliases=[alias] * extra, volume_kinds={alias: "water"}
    )
    found = device(hass, alias)
    assert found and found.name == f"Water meter {alias}"
    shown = sensor(hass, alias, "volume")
    assert shown and shown.attributes["device_class"] == "water"
    assert not issues(hass)
    # It is what it is after a restart too, before it has answered.
    sim.faults.append(Fault("drop", f"/{alias}/"))
    await hass.config_entries.async_reload(local_entry.entry_id)
    found = device(hass, alias)
    assert found and found.name == f"Water meter {alias}"


async def test_an_answer_for_a_meter_that_has_gone_is_not_kept(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    sim.house.meters["pulse-2"] = SimMeter(9, "pulse", Source.WATER)
    await setup(hass, local_entry)
    form = await _settings(hass, local_entry)
    del sim.house.meters["pulse-2"]
    coordinator = local_entry.runtime_data.coordinator
    coordinator._meters.forget("pulse-2")
    async_remove_meter(hass, local_entry, "pulse-2")
    coordinator.async_set_updated_data(coordinator._meters.data)
    await _submit(hass, form, extra_aliases=[], volume_kinds={"pulse-2": "gas"})
    assert local_entry.options["volume_kinds"] == {}
