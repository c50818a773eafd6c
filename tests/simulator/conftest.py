"""A simulated CEMM to talk to, on a day in June."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import ClientSession
import pytest

from simulator import Clock, House, Simulator
from simulator.days import TIME_ZONE

NOON = datetime(2025, 6, 18, 12, 0, 30, tzinfo=TIME_ZONE).timestamp()

type Get = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let every test here use loopback."""


@pytest.fixture
def clock() -> Clock:
    return Clock(start=NOON, source=lambda: 0.0)


@pytest.fixture
def house() -> House:
    return House(seed=1)


@pytest.fixture
async def sim(house: House, clock: Clock) -> AsyncIterator[Simulator]:
    simulator = Simulator(house, clock)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
def local(sim: Simulator, session: ClientSession) -> Get:
    """Get a document of the local API."""

    async def get(path: str, status: int = 200, **query: Any) -> Any:
        url = f"http://{sim.base}/open-api/v1/{path}"
        async with session.get(url, params=query) as response:
            assert response.status == status
            assert response.content_type == "application/json"
            return await response.json()

    return get


@pytest.fixture
def remote(sim: Simulator, session: ClientSession) -> Get:
    """Get a document of the remote API."""

    async def get(
        path: str, status: int = 200, api_key: str = "demo", **query: Any
    ) -> Any:
        params = {"api_key": api_key} | query
        async with session.get(f"{sim.remote_url}{path}", params=params) as response:
            assert response.status == status
            return await response.json()

    return get
