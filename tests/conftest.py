"""A real Home Assistant, and a simulated CEMM behind a real loopback socket."""

from collections.abc import AsyncIterator, Iterator, Sequence
import logging
from unittest.mock import patch

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from hypothesis import settings
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import pace
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.history import questions
from simulator import Clock, House, Simulator
from tests.helpers.database import know_frozen_time, new_database
from tests.helpers.flows import HOST, Lan, lan_with

# Home Assistant's own fixtures ask for every SQL statement.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

pytest_plugins = ["tests.helpers.table"]

# The same inputs each time: chance belongs into `--hypothesis-profile=default`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="all of what is a sample otherwise"
    )
    parser.addoption(
        "--renew", action="store_true", help="write the README's table of reliability"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rest: left out of the sample, see --all")
    if "pymysql" in config.getoption("dburl"):
        know_frozen_time()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what takes long and is much like the rest."""
    if not config.getoption("--all"):
        left = [item for item in items if item.get_closest_marker("rest")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


MAC = "00:1e:c0:85:96:cc"
UID = "00-1E-C0-85-96-CC"


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode to pytest's `--asyncio-debug`.

    Home Assistant's fixture of this name has it on in each test: to note the whole stack
    with each future takes longer than the rest of the test.
    """


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once what failed: nobody moves the clock meanwhile."""
    monkeypatch.setattr(questions, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.0)


@pytest.fixture
def needed() -> Sequence[str]:
    """Return the fixtures that every test needs, in this order.

    Storage is kept in memory, so that parallel tests share no files.
    """
    return "enable_custom_integrations", "socket_enabled", "hass_storage"


@pytest.fixture(autouse=True)
def _on_loopback(
    request: pytest.FixtureRequest, needed: Sequence[str]
) -> Iterator[None]:
    """Start what is needed, on loopback alone: no test broadcasts by accident."""
    for fixture in needed:
        request.getfixturevalue(fixture)
    with patch(
        "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
        return_value=set(),
    ):
        yield


@pytest.fixture
def recorder_db_url(
    hass_fixture_setup: list[bool],
    socket_enabled: None,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    persistent_database: bool,
) -> str:
    """Return the address of an empty database, in memory unless it is to persist."""
    assert not hass_fixture_setup
    server: str = pytestconfig.getoption("dburl")
    if not persistent_database:
        return "sqlite://"
    return new_database(server, "cemm", tmp_path_factory.mktemp("recorder"))


@pytest.fixture
async def recorder_mock(
    recorder_mock: Recorder, hass: HomeAssistant
) -> AsyncIterator[Recorder]:
    """Let the work on history end before the recorder does.

    So it is when Home Assistant stops; a query that outlives its connection crashes Python.
    """
    yield recorder_mock
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.state is not ConfigEntryState.NOT_LOADED:
            await hass.config_entries.async_unload(entry.entry_id)


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
    return _entry({"connection": "local", "host": sim.base}, title="CEMM Plus")


@pytest.fixture
def remote_entry(sim: Simulator) -> MockConfigEntry:
    """Return the entry of the same CEMM through the remote API, not yet added."""
    return _entry(
        {
            "connection": "remote",
            "api_key": "demo",
            "url": sim.remote_url,
            "uid": UID,
        }
    )


@pytest.fixture(params=["local", "remote"])
def entry(request: pytest.FixtureRequest) -> MockConfigEntry:
    """Return an entry of either API that does not import by itself."""
    found: MockConfigEntry = request.getfixturevalue(f"{request.param}_entry")
    return found


@pytest.fixture
async def lan(hass: HomeAssistant, house: House) -> AsyncIterator[Lan]:
    """Connect one CEMM to a network that can be searched."""
    async with lan_with(house) as lan:
        yield lan


@pytest.fixture
def lan_entry(lan: Lan) -> MockConfigEntry:
    """Return the entry of the CEMM in that network, not yet added."""
    return _entry({"connection": "local", "host": HOST})


@pytest.fixture
async def loaded_entry(
    hass: HomeAssistant, local_entry: MockConfigEntry
) -> MockConfigEntry:
    """Set up the CEMM in the same network."""
    return await setup(hass, local_entry)


@pytest.fixture
async def loaded_remote_entry(
    hass: HomeAssistant, remote_entry: MockConfigEntry
) -> MockConfigEntry:
    """Set up the same CEMM through the remote API."""
    return await setup(hass, remote_entry)


def _entry(data: dict[str, str], title: str = "CEMM") -> MockConfigEntry:
    """Return the entry of the house's CEMM, which imports no history."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        unique_id=MAC,
        data=data,
        options={"import_history": False},
    )


async def setup(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Add an entry and wait until it is loaded, or is not."""
    if entry.entry_id not in {e.entry_id for e in hass.config_entries.async_entries()}:
        entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry
