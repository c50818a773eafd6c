"""Tests of adding a CEMM with an API key."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import DEFAULT_URL
from custom_components.cemm.const import DOMAIN
from simulator import Fault, House, Simulator
from tests.helpers.flows import finish, in_progress, shown, start, submit

from .conftest import MAC, UID

SECOND = House(seed=2, mac="D8:80:39:00:00:02")
THIRD = House(seed=2, mac="D8:80:39:00:00:03")


def _typed(sim: Simulator, api_key: str = "demo") -> dict[str, Any]:
    return {"api_key": api_key, "advanced": {"url": sim.remote_url}}


def _data(sim: Simulator, uid: str = UID) -> dict[str, str]:
    return {
        "connection": "remote",
        "api_key": "demo",
        "url": sim.remote_url,
        "uid": uid,
    }


async def test_entry(hass: HomeAssistant, sim: Simulator) -> None:
    """A key to one CEMM is all it takes; spaces around it do no harm."""
    form = await start(hass, "remote")
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "remote"
    assert not form["errors"]

    form = await submit(hass, form, _typed(sim, api_key=" demo\n"))
    entry = await finish(hass, form)

    assert entry.title == "CEMM"
    assert entry.unique_id == MAC
    assert entry.data == _data(sim)
    assert entry.state is ConfigEntryState.LOADED


async def test_default_address(hass: HomeAssistant) -> None:
    """The documented base address is used unless another one is given."""
    form = await start(hass, "remote")
    schema = form["data_schema"]
    assert schema({"api_key": "demo"})["advanced"] == {"url": DEFAULT_URL}
    assert schema({"api_key": "demo", "advanced": {}})["advanced"] == {
        "url": DEFAULT_URL
    }
    [_, advanced] = schema.schema
    assert shown(schema) == {"advanced": {"url": DEFAULT_URL}}
    assert schema.schema[advanced].options["collapsed"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/v1",
        " HTTP://127.0.0.1:{port}/v1/ ",
        "http://127.0.0.1:{port}/v1/?api_key=other#part",
        "http://127.0.0.1:{port}//v1//",
        "\u200bhttp://127.0.0.1:{port}/v1/cemm/?api_key=other\ufeff",
        "http://127.0.0.1:{port}/v1/cemm/00-1E-C0-85-96-CC/p1/realtime/?api_key=other",
    ],
)
async def test_spellings(hass: HomeAssistant, sim: Simulator, url: str) -> None:
    """What is stored is the base address alone, however it was pasted."""
    url = url.format(port=sim.remote_port)
    form = await start(hass, "remote")
    form = await submit(
        hass, form, {"api_key": "\u200b demo\ufeff", "advanced": {"url": url}}
    )
    entry = await finish(hass, form)
    assert entry.data == _data(sim)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", value=403), "invalid_auth"),
        (Fault("status", value=404), "not_cemm"),
        (Fault("status", value=408), "cannot_connect"),
        (Fault("status", value=502), "cannot_connect"),
        (Fault("drop"), "cannot_connect"),
        (Fault("html"), "not_cemm"),
        (Fault("empty"), "not_cemm"),
        (Fault("body", value={}), "not_cemm"),
        (Fault("redirect", value="http://192.0.2.1/"), "not_cemm"),
    ],
)
async def test_faults(
    hass: HomeAssistant, sim: Simulator, fault: Fault, error: str
) -> None:
    """Whatever the API does, the user reads what, and goes on from there."""
    sim.faults.append(fault)
    form = await submit(hass, await start(hass, "remote"), _typed(sim))
    sim.faults.clear()
    await _goes_on(hass, sim, form, error, _typed(sim))


@pytest.mark.parametrize("api_key", ["wrong", "", " ", "d&uid=e", "démo/../?#%00"])
async def test_refused_key(hass: HomeAssistant, sim: Simulator, api_key: str) -> None:
    """Another key can be tried."""
    form = await submit(hass, await start(hass, "remote"), _typed(sim, api_key))
    await _goes_on(hass, sim, form, "invalid_auth", _typed(sim, api_key))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://192.0.2.1/v1/", "insecure_url"),
        ("http://127.0.0.1.example.com/v1/", "insecure_url"),
        ("https://127.0.0.1:1/v1/", "cannot_connect"),
        ("https://demo@127.0.0.1:1/", "cannot_connect"),
        ("ftp://127.0.0.1/", "cannot_connect"),
        ("127.0.0.1", "cannot_connect"),
        ("http://[", "cannot_connect"),
        ("", "cannot_connect"),
    ],
)
async def test_bad_address(
    hass: HomeAssistant, sim: Simulator, url: str, error: str
) -> None:
    """An address that is none, or would show the key to others, is refused."""
    typed = {"api_key": "demo", "advanced": {"url": url}}
    form = await submit(hass, await start(hass, "remote"), typed)
    assert not sim.requests
    await _goes_on(hass, sim, form, error, typed)


async def _goes_on(
    hass: HomeAssistant,
    sim: Simulator,
    form: ConfigFlowResult,
    error: str,
    typed: dict[str, Any],
) -> None:
    """Check that a form shows an error beside all that was typed, and leads to an entry."""
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "remote"
    assert form["errors"] == {"base": error}
    [_, advanced] = form["data_schema"].schema
    assert shown(form["data_schema"]) == typed
    assert not form["data_schema"].schema[advanced].options["collapsed"]
    assert not hass.config_entries.async_entries(DOMAIN)

    entry = await finish(hass, await submit(hass, form, _typed(sim)))
    assert entry.data == _data(sim)
    assert entry.state is ConfigEntryState.LOADED


async def test_no_cemm_linked(hass: HomeAssistant, sim: Simulator) -> None:
    """A key can be right and yet open nothing."""
    sim.linked.clear()
    result = await submit(hass, await start(hass, "remote"), _typed(sim))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "no_cemm_linked"


async def test_already_configured(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A CEMM is added once, however it is reached."""
    entry.add_to_hass(hass)
    result = await submit(hass, await start(hass, "remote"), _typed(sim))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


async def test_several(hass: HomeAssistant, sim: Simulator) -> None:
    """One is chosen, and the others show up as discovered, ready to be added."""
    sim.linked.extend([SECOND, THIRD])
    form = await submit(hass, await start(hass, "remote"), _typed(sim))
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "remote_cemm"
    assert _choices(form) == {
        UID: "00:1E:C0:85:96:CC",
        "D8-80-39-00-00-02": "D8:80:39:00:00:02",
        "D8-80-39-00-00-03": "D8:80:39:00:00:03",
    }

    chosen = await finish(hass, await submit(hass, form, {"uid": "D8-80-39-00-00-02"}))
    assert chosen.title == "CEMM 00:00:02"
    assert chosen.unique_id == "d8:80:39:00:00:02"
    assert chosen.data == _data(sim, "D8-80-39-00-00-02")

    others = in_progress(hass)
    assert {flow["context"]["source"] for flow in others} == {"integration_discovery"}
    assert {flow["step_id"] for flow in others} == {"discovery_confirm"}
    assert {flow["context"]["unique_id"] for flow in others} == {
        MAC,
        "d8:80:39:00:00:03",
    }
    [flow] = [flow for flow in others if flow["context"]["unique_id"] == MAC]
    assert flow["context"]["title_placeholders"] == {"name": f"CEMM 85:96:CC ({UID})"}
    entry = await finish(hass, await submit(hass, flow, {}))
    assert entry.title == "CEMM 85:96:CC"
    assert entry.unique_id == MAC
    assert entry.data == _data(sim)
    assert entry.state is ConfigEntryState.LOADED
    assert len(in_progress(hass)) == 1


async def test_several_but_one_is_left(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """Those set up are not offered, nor discovered."""
    sim.linked.append(SECOND)
    local_entry.add_to_hass(hass)
    form = await submit(hass, await start(hass, "remote"), _typed(sim))
    assert list(_choices(form)) == ["D8-80-39-00-00-02"]
    entry = await finish(hass, await submit(hass, form, {"uid": "D8-80-39-00-00-02"}))
    assert entry.title == "CEMM 00:00:02"
    assert not in_progress(hass)


async def test_several_all_configured(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    """Then there is nothing to choose."""
    sim.linked.append(SECOND)
    local_entry.add_to_hass(hass)
    MockConfigEntry(domain=DOMAIN, unique_id="d8:80:39:00:00:02").add_to_hass(hass)
    result = await submit(hass, await start(hass, "remote"), _typed(sim))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_several_and_two_flows_at_once(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What both want is added once, and no CEMM is offered twice."""
    sim.linked.append(SECOND)
    forms = [
        await submit(hass, await start(hass, "remote"), _typed(sim)) for _ in range(2)
    ]
    first = await submit(hass, forms[0], {"uid": UID})
    await finish(hass, first)
    second = await submit(hass, forms[1], {"uid": UID})
    assert second["type"] is FlowResultType.ABORT
    assert second["reason"] == "already_configured"
    await hass.async_block_till_done()
    [flow] = in_progress(hass)
    assert flow["context"]["unique_id"] == "d8:80:39:00:00:02"


def _choices(form: ConfigFlowResult) -> dict[str, str]:
    selector = form["data_schema"].schema["uid"]
    return {option["value"]: option["label"] for option in selector.config["options"]}
