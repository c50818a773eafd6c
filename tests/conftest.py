"""A real Home Assistant, and a simulated CEMM behind a real loopback socket."""

from collections.abc import AsyncIterator, Iterator
import logging
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from hypothesis import settings
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.const import DOMAIN
from simulator import Clock, House, Simulator

# Home Assistant's own fixtures ask for every SQL statement.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

pytest_plugins = ["tests.reliability.table"]

# The same inputs each time: chance belongs into `--hypothesis-profile=default`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

MAC = "00:1e:c0:85:96:cc"
UID = "00-1E-C0-85-96-CC"


@pytest.fixture(autouse=True)
def _custom_integration(
    enable_custom_integrations: None,
    socket_enabled: None,
    hass_storage: dict[str, Any],
) -> Iterator[None]:
    """Load this integration, on loopback alone: no test broadcasts by accident.

    Storage is kept in memory, so that parallel tests share no files.
    """
    with patch(
        "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
        return_value=set(),
    ):
        yield


@pytest.fixture
def house() -> House:
    return House(seed=1)


@pytest.fixture
def clock() -> Clock:
    """Follow the test's time, frozen or not."""
    return Clock()


@pytest.fixture
async def sim(
    hass: HomeAssistant, house: House, clock: Clock
) -> AsyncIterator[Simulator]:
    """Serve the house until the test and Home Assistant are done with it."""
    simulator = Simulator(house, clock)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
def local_entry(sim: Simulator) -> MockConfigEntry:
    """Return the entry of a CEMM in the same network, not yet added."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="CEMM Plus",
        unique_id=MAC,
        data={"connection": "local", "host": sim.base},
        options={"import_history": False},
    )


@pytest.fixture
def remote_entry(sim: Simulator) -> MockConfigEntry:
    """Return the entry of the same CEMM through the remote API, not yet added."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="CEMM",
        unique_id=MAC,
        data={
            "connection": "remote",
            "api_key": "demo",
            "url": sim.remote_url,
            "uid": UID,
        },
        options={"import_history": False},
    )


async def setup(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Add an entry and wait until it is loaded, or is not."""
    if entry.entry_id not in {e.entry_id for e in hass.config_entries.async_entries()}:
        entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry
