"""Going through flows as a user does, and a network in which CEMMs answer broadcasts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Address
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section
import pytest_socket
import voluptuous as vol

from custom_components.cemm.client.discovery import discover
from custom_components.cemm.const import DOMAIN
from simulator import Clock, House, Simulator

SECONDS = 0.2
"""How long a search takes on loopback."""
HOST = "127.0.0.2"
"""Where the CEMM of a network is."""
SECOND = House(seed=2, mac="D8:80:39:00:00:02")
SECOND_MAC = "d8:80:39:00:00:02"


async def start(hass: HomeAssistant, step: str) -> ConfigFlowResult:
    """Add a CEMM by hand, up to the given step."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "user"
    assert menu["menu_options"] == ["discover", "local", "remote"]
    return await choose(hass, menu, step)


async def choose(
    hass: HomeAssistant, menu: ConfigFlowResult, step: str
) -> ConfigFlowResult:
    """Click on a line of a menu."""
    return await submit(hass, menu, {"next_step_id": step})


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, user_input: dict[str, Any]
) -> ConfigFlowResult:
    """Fill in a form and send it."""
    return await hass.config_entries.flow.async_configure(form["flow_id"], user_input)


async def search(hass: HomeAssistant) -> ConfigFlowResult:
    """Search the network and wait for what comes of it."""
    return await found(hass, await start(hass, "discover"))


async def found(hass: HomeAssistant, progress: ConfigFlowResult) -> ConfigFlowResult:
    """Wait until a search is over."""
    assert progress["type"] is FlowResultType.SHOW_PROGRESS
    assert progress["step_id"] == progress["progress_action"] == "discover"
    await hass.async_block_till_done()
    return await hass.config_entries.flow.async_configure(progress["flow_id"])


async def finish(hass: HomeAssistant, form: ConfigFlowResult) -> ConfigEntry:
    """Answer the last question, and return the entry once it is set up."""
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "history"
    assert not form["errors"]
    result = await submit(hass, form, {"import_history": False})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    entry = result["result"]
    assert entry.options == {"import_history": False}
    return entry


def shown(schema: vol.Schema) -> dict[str, Any]:
    """Return what is in the fields of a form, as Home Assistant's frontend fills them."""
    values = {}
    for marker, field in schema.schema.items():
        if marker.description and "suggested_value" in marker.description:
            values[marker.schema] = marker.description["suggested_value"]
        elif not isinstance(marker.default, vol.Undefined):
            values[marker.schema] = marker.default()
        elif isinstance(field, section):
            values[marker.schema] = shown(field.schema)
    return values


def in_progress(hass: HomeAssistant) -> list[ConfigFlowResult]:
    """Return the flows that wait for the user."""
    return hass.config_entries.flow.async_progress()


class Lan:
    """A network whose CEMMs serve the same ports, each at its own loopback address."""

    def __init__(self) -> None:
        self.port = 0
        self.discovery_port = 0
        self.simulators: list[Simulator] = []

    async def add(self, house: House, host: str = HOST) -> Simulator:
        """Connect a CEMM."""
        simulator = Simulator(house, Clock())
        self.simulators.append(simulator)
        await simulator.start(host, self.port, None, self.discovery_port)
        self.port = simulator.port
        self.discovery_port = simulator.discovery_port or 0
        return simulator

    async def move(self, simulator: Simulator, host: str) -> None:
        """Give a CEMM another address."""
        await simulator.stop()
        await simulator.start(host, remote_port=None, discovery_port=0)

    @contextmanager
    def in_reach(self) -> Iterator[None]:
        """Let broadcasts, and addresses without a port, mean this network."""
        with (
            patch(
                "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
                return_value={IPv4Address("127.255.255.255")},
            ),
            patch("custom_components.cemm.client.local.DEFAULT_PORT", self.port),
            patch.dict(
                discover.__kwdefaults__, port=self.discovery_port, duration=SECONDS
            ),
        ):
            yield

    async def stop(self) -> None:
        for simulator in self.simulators:
            await simulator.stop()


@asynccontextmanager
async def lan_with(house: House) -> AsyncIterator[Lan]:
    """Provide a network with one CEMM, at `HOST`."""
    pytest_socket.socket_allow_hosts([f"127.0.0.{i}" for i in range(1, 9)])
    lan = Lan()
    try:
        await lan.add(house)
        with lan.in_reach():
            yield lan
    finally:
        await lan.stop()
