"""Tests of adding a CEMM that is searched for or shows up by itself."""

import asyncio
from ipaddress import IPv4Address
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import (
    SOURCE_DHCP,
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.const import DOMAIN
from simulator import Fault, House, Simulator
from tests.helpers.flows import (
    HOST,
    SECOND,
    SECOND_MAC,
    Lan,
    choose,
    finish,
    found,
    in_progress,
    search,
    start,
    submit,
)

from .conftest import MAC, setup


async def _shows_up(
    hass: HomeAssistant, source: str, host: str = HOST, mac: str = MAC
) -> ConfigFlowResult:
    """Let a CEMM be discovered."""
    data: Any = {"host": host, "mac": mac}
    if source == SOURCE_DHCP:
        data = DhcpServiceInfo(ip=host, hostname="", macaddress=mac.replace(":", ""))
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": source}, data=data
    )


both_sources = pytest.mark.parametrize(
    "source", [SOURCE_INTEGRATION_DISCOVERY, SOURCE_DHCP]
)


async def test_search(hass: HomeAssistant, lan: Lan, house: House) -> None:
    """The search finds the CEMM, and a click adds it."""
    form = await search(hass)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "pick"
    assert _choices(form) == {MAC: f"{house.name} ({HOST})"}

    entry = await finish(hass, await submit(hass, form, {"device": MAC}))
    assert entry.title == house.name
    assert entry.unique_id == MAC
    assert entry.data == {"connection": "local", "host": HOST}
    assert entry.state is ConfigEntryState.LOADED


async def test_search_leaves_out_what_is_set_up(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Only what is new is offered; what was ignored can be had after all."""
    lan_entry.add_to_hass(hass)
    MockConfigEntry(
        domain=DOMAIN, unique_id=SECOND_MAC, source=SOURCE_IGNORE
    ).add_to_hass(hass)
    second = await lan.add(SECOND, "127.0.0.3")
    nameless = {"data": {"mac": SECOND_MAC}}
    second.faults.append(Fault("body", "/open-api/v1/$", value=nameless))
    form = await search(hass)
    assert _choices(form) == {SECOND_MAC: "CEMM (127.0.0.3)"}
    entry = await finish(hass, await submit(hass, form, {"device": SECOND_MAC}))
    assert entry.title == "CEMM"


async def test_search_again(hass: HomeAssistant, lan: Lan, house: House) -> None:
    """Who finds nothing can switch the CEMM on and search again."""
    with patch(
        "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
        return_value=set[IPv4Address](),
    ):
        menu = await search(hass)
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "nothing_found"
    assert menu["menu_options"] == ["discover", "local", "remote"]

    form = await found(hass, await choose(hass, menu, "discover"))
    assert form["step_id"] == "pick"
    await finish(hass, await submit(hass, form, {"device": MAC}))


async def test_search_then_type(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Who finds nothing new can type the address."""
    lan_entry.add_to_hass(hass)
    menu = await search(hass)
    assert menu["step_id"] == "nothing_found"
    form = await choose(hass, menu, "local")
    assert form["step_id"] == "local"
    result = await submit(hass, form, {"host": HOST})
    assert result["reason"] == "already_configured"


async def test_set_up_since_the_search(hass: HomeAssistant, lan: Lan) -> None:
    """What two searches found is added once."""
    first, second = await search(hass), await search(hass)
    entry = await finish(hass, await submit(hass, first, {"device": MAC}))
    result = await submit(hass, second, {"device": MAC})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


async def test_two_searches_at_once(hass: HomeAssistant, lan: Lan) -> None:
    """Neither takes the other's answers."""
    searches = [await start(hass, "discover") for _ in range(2)]
    forms = [await found(hass, progress) for progress in searches]
    assert [form["step_id"] for form in forms] == ["pick", "pick"]


async def test_closed_while_searching(hass: HomeAssistant, lan: Lan) -> None:
    """The search ends with its dialog."""
    progress = await start(hass, "discover")
    await asyncio.sleep(0.02)
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == "CEMM search"]
    hass.config_entries.flow.async_abort(progress["flow_id"])
    await asyncio.wait([task])
    assert task.cancelled()
    assert not in_progress(hass)
    assert (await search(hass))["step_id"] == "pick"


@both_sources
async def test_shows_up(
    hass: HomeAssistant, lan: Lan, house: House, source: str
) -> None:
    """What was discovered is added after a question."""
    form = await _shows_up(hass, source)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "discovery_confirm"
    placeholders = {"name": house.name, "address": HOST}
    assert form["description_placeholders"] == placeholders
    [flow] = in_progress(hass)
    assert flow["context"]["title_placeholders"] == {"name": f"{house.name} ({HOST})"}
    assert flow["context"]["unique_id"] == MAC

    entry = await finish(hass, await submit(hass, form, {}))
    assert entry.title == house.name
    assert entry.unique_id == MAC
    assert entry.data == {"connection": "local", "host": HOST}
    assert entry.state is ConfigEntryState.LOADED


@both_sources
@pytest.mark.parametrize("fault", ["html", "empty", "broken_json", "drop"])
async def test_no_cemm_answers(
    hass: HomeAssistant, lan: Lan, source: str, fault: str
) -> None:
    """What is no CEMM when asked is not offered."""
    lan.simulators[0].faults.append(Fault(fault))
    result = await _shows_up(hass, source)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_cemm_device"
    assert not in_progress(hass)


@both_sources
@pytest.mark.parametrize(("host", "mac"), [("127.0.0.8", MAC), (HOST, SECOND_MAC)])
async def test_pretends(
    hass: HomeAssistant, lan: Lan, source: str, host: str, mac: str
) -> None:
    """A CEMM that is not there, or is another one, is not offered."""
    result = await _shows_up(hass, source, host, mac)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_cemm_device"
    assert not in_progress(hass)


@both_sources
async def test_same_address(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, source: str
) -> None:
    """A CEMM that is where it was is not even asked."""
    await setup(hass, lan_entry)
    lan.simulators[0].requests.clear()
    result = await _shows_up(hass, source)
    assert result["reason"] == "already_configured"
    assert not lan.simulators[0].requests


@both_sources
async def test_new_address(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, source: str
) -> None:
    """The entry follows its CEMM."""
    await setup(hass, lan_entry)
    sim = lan.simulators[0]
    await lan.move(sim, "127.0.0.3")
    sim.requests.clear()

    result = await _shows_up(hass, source, "127.0.0.3")
    assert result["reason"] == "already_configured"
    await hass.async_block_till_done()
    assert lan_entry.data == {"connection": "local", "host": "127.0.0.3"}
    assert lan_entry.state is ConfigEntryState.LOADED
    assert "/open-api/v1/p1/realtime/" in {request.path for request in sim.requests}


@both_sources
@pytest.mark.parametrize("words", ["cemm.example", f"{HOST}:8080"])
async def test_the_users_own_words_for_the_address_stay(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, source: str, words: str
) -> None:
    """As long as the CEMM answers there."""
    await setup(hass, lan_entry)
    data = {**lan_entry.data, "host": words}
    hass.config_entries.async_update_entry(lan_entry, data=data)
    result = await _shows_up(hass, source)
    assert result["reason"] == "already_configured"
    assert lan_entry.data["host"] == words

    await hass.config_entries.async_unload(lan_entry.entry_id)
    result = await _shows_up(hass, source)
    assert result["reason"] == "already_configured"
    assert lan_entry.data["host"] == HOST


@both_sources
async def test_another_cemm_at_the_new_address(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, source: str
) -> None:
    """An entry follows nothing but its own CEMM."""
    await lan.add(SECOND, "127.0.0.3")
    await setup(hass, lan_entry)
    result = await _shows_up(hass, source, "127.0.0.3")
    assert result["reason"] == "not_cemm_device"
    assert lan_entry.data["host"] == HOST


@both_sources
async def test_remote_or_ignored_is_left_alone(
    hass: HomeAssistant,
    lan: Lan,
    sim: Simulator,
    remote_entry: MockConfigEntry,
    source: str,
) -> None:
    """Who wants a CEMM by its key, or not at all, is not asked again."""
    ignored = MockConfigEntry(domain=DOMAIN, unique_id=SECOND_MAC, source=SOURCE_IGNORE)
    remote_entry.add_to_hass(hass)
    ignored.add_to_hass(hass)
    data = dict(remote_entry.data)
    for mac in (MAC, SECOND_MAC):
        result = await _shows_up(hass, source, HOST, mac)
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "already_configured"
    assert remote_entry.data == data
    assert ignored.data == {}
    assert not lan.simulators[0].requests


async def test_back_at_the_same_address(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """An entry that waits for its CEMM is set up as soon as that is heard of."""
    await lan.simulators[0].stop()
    await setup(hass, lan_entry)
    assert lan_entry.state is ConfigEntryState.SETUP_RETRY
    await lan.move(lan.simulators[0], HOST)
    await _shows_up(hass, SOURCE_INTEGRATION_DISCOVERY)
    await hass.async_block_till_done()
    assert lan_entry.state is ConfigEntryState.LOADED


async def test_discovered_twice(hass: HomeAssistant, lan: Lan) -> None:
    """A CEMM is offered once, and not any more once it was added by hand."""
    await _shows_up(hass, SOURCE_INTEGRATION_DISCOVERY)
    result = await _shows_up(hass, SOURCE_DHCP)
    assert result["reason"] == "already_in_progress"
    form = await submit(hass, await start(hass, "local"), {"host": HOST})
    await finish(hass, form)
    assert not in_progress(hass)


def _choices(form: ConfigFlowResult) -> dict[str, str]:
    selector = form["data_schema"].schema["device"]
    return {option["value"]: option["label"] for option in selector.config["options"]}
