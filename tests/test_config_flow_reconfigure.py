"""Tests of reaching a CEMM another way without losing anything of it."""

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import DEFAULT_URL
from simulator import Clock, House, Simulator
from tests.helpers.flows import choose, in_progress, shown, submit

from .conftest import MAC, UID, setup

SECOND = House(seed=2, mac="D8:80:39:00:00:02")
OPTIONS = {"import_history": False, "extra_aliases": ["usage"]}


async def _start(
    hass: HomeAssistant, entry: MockConfigEntry, step: str
) -> ConfigFlowResult:
    menu = await entry.start_reconfigure_flow(hass)
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "reconfigure"
    assert menu["menu_options"] == ["local", "remote"]
    form = await choose(hass, menu, step)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == step
    return form


def _typed(sim: Simulator, step: str) -> dict[str, object]:
    if step == "local":
        return {"host": sim.base}
    return {"api_key": "demo", "advanced": {"url": sim.remote_url}}


def _data(sim: Simulator, step: str) -> dict[str, str]:
    if step == "local":
        return {"connection": "local", "host": sim.base}
    return {
        "connection": "remote",
        "api_key": "demo",
        "url": sim.remote_url,
        "uid": UID,
    }


def _entities(hass: HomeAssistant) -> dict[str, str]:
    registry = er.async_get(hass)
    return {entity.unique_id: entity.entity_id for entity in registry.entities.values()}


@pytest.mark.parametrize("before", ["local", "remote"])
@pytest.mark.parametrize("after", ["local", "remote"])
async def test_same_cemm(
    hass: HomeAssistant,
    sim: Simulator,
    before: str,
    after: str,
    request: pytest.FixtureRequest,
) -> None:
    """Identity, title, options and every entity stay; only the way changes."""
    entry: MockConfigEntry = request.getfixturevalue(f"{before}_entry")
    title = entry.title
    await setup(hass, entry)
    hass.config_entries.async_update_entry(entry, options=OPTIONS)
    entities = _entities(hass)
    assert f"{MAC}_p1_t1" in entities

    form = await _start(hass, entry, after)
    result = await submit(hass, form, _typed(sim, after))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()

    assert entry.data == _data(sim, after)
    assert (entry.unique_id, entry.title, entry.options) == (MAC, title, OPTIONS)
    assert entry.state is ConfigEntryState.LOADED
    assert entities.items() <= _entities(hass).items()
    assert hass.states.get(entities[f"{MAC}_p1_t1"]).state != "unavailable"
    assert hass.config_entries.async_entries() == [entry]
    assert not in_progress(hass)


@pytest.mark.parametrize("step", ["local", "remote"])
async def test_wrong_device(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry, step: str
) -> None:
    """Another CEMM does not take the place of the one that is set up."""
    await setup(hass, local_entry)
    other = Simulator(SECOND, Clock())
    await other.start()
    form = await _start(hass, local_entry, step)
    result = await submit(hass, form, _typed(other, step))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_device"
    assert local_entry.data == _data(sim, "local")
    await other.stop()


@pytest.mark.parametrize("step", ["local", "remote"])
async def test_error_and_recovery(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry, step: str
) -> None:
    """A slip changes nothing and can be made good."""
    await setup(hass, local_entry)
    form = await _start(hass, local_entry, step)
    wrong = {
        "local": {"host": "127.0.0.1:1"},
        "remote": {"api_key": "wrong", "advanced": {"url": sim.remote_url}},
    }
    form = await submit(hass, form, wrong[step])
    assert form["errors"] == {
        "base": {"local": "cannot_connect", "remote": "invalid_auth"}[step]
    }
    assert local_entry.data == _data(sim, "local")

    result = await submit(hass, form, _typed(sim, step))
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert local_entry.data == _data(sim, step)


async def test_no_cemm_linked(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """A key that opens nothing changes nothing."""
    await setup(hass, local_entry)
    sim.linked.clear()
    form = await _start(hass, local_entry, "remote")
    result = await submit(hass, form, _typed(sim, "remote"))
    assert result["reason"] == "no_cemm_linked"
    assert local_entry.data == _data(sim, "local")


async def test_one_of_several(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """Which of the linked CEMMs is meant is known already; none shows up as new."""
    await setup(hass, local_entry)
    sim.linked.insert(0, SECOND)
    form = await _start(hass, local_entry, "remote")
    result = await submit(hass, form, _typed(sim, "remote"))
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert local_entry.data == _data(sim, "remote")
    assert not in_progress(hass)


@pytest.mark.parametrize("existing", ["local", "remote"])
async def test_forms_show_what_is(
    hass: HomeAssistant, sim: Simulator, existing: str, request: pytest.FixtureRequest
) -> None:
    """Host and base address are filled in where they are known; the key never is."""
    entry: MockConfigEntry = request.getfixturevalue(f"{existing}_entry")
    entry.add_to_hass(hass)
    local = await _start(hass, entry, "local")
    remote = await _start(hass, entry, "remote")

    [host] = local["data_schema"].schema
    assert host.description == (
        {"suggested_value": sim.base} if existing == "local" else None
    )
    url = DEFAULT_URL if existing == "local" else sim.remote_url
    assert shown(remote["data_schema"]) == {"advanced": {"url": url}}
