"""Tests of adding a CEMM by its address."""

from collections.abc import AsyncIterator
import logging
from typing import Any
from unittest.mock import patch

from aiohttp.resolver import AsyncResolver
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import pytest_socket

from custom_components.cemm.const import DOMAIN
from simulator import Fault, Simulator
from tests.helpers.flows import finish, in_progress, start, submit

from .conftest import MAC

LOCAL = "custom_components.cemm.client.local"


@pytest.fixture
async def _resolver() -> AsyncIterator[None]:
    """Resolve names: the resolver that all tests share is closed after the first."""
    resolver = AsyncResolver()
    resolver.real_close = resolver.close
    with patch(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        return_value=resolver,
    ):
        yield


async def test_entry(hass: HomeAssistant, sim: Simulator) -> None:
    """An address is all it takes."""
    form = await start(hass, "local")
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "local"
    assert not form["errors"]

    entry = await finish(hass, await submit(hass, form, {"host": sim.base}))

    assert entry.title == sim.house.name
    assert entry.unique_id == MAC
    assert entry.data == {"connection": "local", "host": sim.base}
    assert entry.version == 1
    assert entry.state is ConfigEntryState.LOADED


async def test_history_is_imported_unless_declined(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Who just clicks on gets the past years."""
    form = await submit(hass, await start(hass, "local"), {"host": sim.base})
    result = await submit(hass, form, {})
    assert result["options"] == {"import_history": True}


@pytest.mark.usefixtures("_resolver")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  127.0.0.1:{port} ", "127.0.0.1:{port}"),
        ("http://127.0.0.1:{port}/", "127.0.0.1:{port}"),
        ("HTTP://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://127.0.0.1:{port}/open-api/v1/", "127.0.0.1:{port}"),
        ("https://127.0.0.1:{port}/?api_key=secret#x", "127.0.0.1:{port}"),
        ("\u200b\ufeff127.0.0.1:{port}/open-api/v1/io/\u00a0", "127.0.0.1:{port}"),
        ("127.0.0.1", "127.0.0.1"),
        ("LocalHost:{port}", "LocalHost:{port}"),
        ("[::ffff:127.0.0.1]:{port}", "[::ffff:127.0.0.1]:{port}"),
        ("http://[::ffff:127.0.0.1]:{port}/", "[::ffff:127.0.0.1]:{port}"),
        ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ],
)
async def test_spellings(
    hass: HomeAssistant, sim: Simulator, typed: str, stored: str
) -> None:
    """Names and addresses of both kinds are understood, also as pasted."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    with patch(f"{LOCAL}.DEFAULT_PORT", sim.port):
        form = await start(hass, "local")
        form = await submit(hass, form, {"host": typed.format(port=sim.port)})
        entry = await finish(hass, form)
    assert entry.data["host"] == stored.format(port=sim.port)
    assert entry.state is ConfigEntryState.LOADED


def _status(status: int) -> Fault:
    return Fault("status", value=status)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("drop"), "cannot_connect"),
        (Fault("latency", value=5), "cannot_connect"),
        (Fault("drip", value=10), "cannot_connect"),
        (_status(500), "cannot_connect"),
        (_status(403), "not_cemm"),
        (_status(404), "not_cemm"),
        (Fault("html"), "not_cemm"),
        (Fault("empty"), "not_cemm"),
        (Fault("broken_json"), "not_cemm"),
        (Fault("endless"), "not_cemm"),
        (Fault("redirect", value="http://192.0.2.1/"), "not_cemm"),
        (Fault("body", value=[]), "not_cemm"),
        (Fault("body", value={"data": {"mac": "no address"}}), "not_cemm"),
        (Fault("body", value={"data": {"name": "CEMM Basic"}}), "not_cemm"),
    ],
)
async def test_faults(
    hass: HomeAssistant, sim: Simulator, fault: Fault, error: str
) -> None:
    """Whatever answers, the user reads why it can't be, and goes on from there."""
    sim.faults.append(fault)
    form = await start(hass, "local")
    with patch(f"{LOCAL}.TIMEOUT", 0.5):
        form = await submit(hass, form, {"host": sim.base})
    await _goes_on(hass, sim, form, error, sim.base)


@pytest.mark.usefixtures("_resolver")
@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "http://",
        "192.168.1.20:99999",
        "192.168.1.20:port",
        "user@192.168.1.20",
        "my cemm",
        "::1::",
        "[::1",
        "\0",
        "x" * 300,
        "127.0.0.1:1",
    ],
)
async def test_junk(hass: HomeAssistant, sim: Simulator, host: str) -> None:
    """What is no address, or where nothing is, costs no more than another try."""
    form = await submit(hass, await start(hass, "local"), {"host": host})
    await _goes_on(hass, sim, form, "cannot_connect", host)


async def test_cemm_3(hass: HomeAssistant, sim: Simulator) -> None:
    """The newer generation is named as such."""
    sim.house.cemm_3 = True
    form = await submit(hass, await start(hass, "local"), {"host": sim.base})
    sim.house.cemm_3 = False
    await _goes_on(hass, sim, form, "cemm_3", sim.base)


async def test_unexpected(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of our own is logged with its place, and the user can go on."""
    form = await start(hass, "local")
    with patch("aiohttp.ClientSession.get", side_effect=RuntimeError("some value")):
        form = await submit(hass, form, {"host": sim.base})
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.name == "custom_components.cemm.flows.base"
    assert "RuntimeError" in record.message
    assert "http.py" in record.message
    assert "some value" not in caplog.text
    await _goes_on(hass, sim, form, "unknown", sim.base)


async def _goes_on(
    hass: HomeAssistant, sim: Simulator, form: Any, error: str, typed: str
) -> None:
    """Check that a form shows an error and what was typed, and leads to an entry."""
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "local"
    assert form["errors"] == {"base": error}
    [field] = form["data_schema"].schema
    assert field.description == {"suggested_value": typed}
    assert not hass.config_entries.async_entries(DOMAIN)

    sim.faults.clear()
    entry = await finish(hass, await submit(hass, form, {"host": sim.base}))
    assert entry.data == {"connection": "local", "host": sim.base}
    assert entry.state is ConfigEntryState.LOADED


async def test_already_configured(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A CEMM is added once, however it is reached, and stays as it was."""
    entry.add_to_hass(hass)
    data = dict(entry.data)
    result = await submit(
        hass, await start(hass, "local"), {"host": f"http://{sim.base}"}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]
    assert entry.data == data


async def test_ignored(hass: HomeAssistant, sim: Simulator) -> None:
    """Who ignored a discovered CEMM can still add it by hand."""
    MockConfigEntry(domain=DOMAIN, unique_id=MAC, source=SOURCE_IGNORE).add_to_hass(
        hass
    )
    form = await submit(hass, await start(hass, "local"), {"host": sim.base})
    entry = await finish(hass, form)
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


async def test_two_flows_at_once(hass: HomeAssistant, sim: Simulator) -> None:
    """The first to end wins, and the other one is closed."""
    first = await submit(hass, await start(hass, "local"), {"host": sim.base})
    second = await submit(hass, await start(hass, "local"), {"host": sim.base})
    assert len(in_progress(hass)) == 2

    entry = await finish(hass, second)

    assert not in_progress(hass)
    with pytest.raises(UnknownFlow):
        await submit(hass, first, {"import_history": True})
    assert hass.config_entries.async_entries(DOMAIN) == [entry]
