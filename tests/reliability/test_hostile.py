"""Thousands of wrong answers to each question: none raises what nobody expects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
import json
from random import Random
import socket
from typing import Any

from aiohttp import ClientSession, ClientTimeout
import pytest
from yarl import URL

from custom_components.cemm.client import (
    Answer,
    CemmClient,
    CemmError,
    LocalCemm,
    Period,
    RemoteCemm,
    discover,
    http,
)
from custom_components.cemm.client.discovery import parse_answer
from simulator import Clock, House, Simulator
from tests.conftest import MAC, UID
from tests.helpers.hostile import HostileServer, Liar, spoilt
from tests.helpers.table import Tried

# Half an hour after midnight: the lists of minutes are long enough, and quick to make.
NOW = datetime(2026, 6, 9, 22, 30, 7, tzinfo=UTC).timestamp()
THROUGH_THE_SOCKET = 1_000
ANSWERS = 10_000

QUESTIONS: dict[str, Callable[[CemmClient], Awaitable[Any]]] = {
    "information": lambda cemm: cemm.info(),
    "list of meters": lambda cemm: cemm.meters(),
    "realtime": lambda cemm: cemm.realtime("p1"),
    "day": lambda cemm: cemm.history("p1", Period.DAY, int(NOW)),
    "month": lambda cemm: cemm.history("p1", Period.MONTH, int(NOW)),
    "year": lambda cemm: cemm.history("p1", Period.YEAR, int(NOW)),
    "totals": lambda cemm: cemm.totals("p1", int(NOW)),
}


DATAGRAM = json.dumps({"ip": "10.0.0.1", "mac": UID, "version": "1.24"}).encode()


@pytest.fixture
def needed() -> Sequence[str]:
    """Need no Home Assistant, and do not wait for what is only promised."""
    return "socket_enabled", "no_pauses"


def clients(session: ClientSession, host: str) -> dict[str, CemmClient]:
    return {
        "local": LocalCemm(host, session),
        "remote": RemoteCemm(f"http://{host}/v1/", "demo", UID, session),
    }


async def ask(
    question: Callable[[CemmClient], Awaitable[Any]], cemm: CemmClient
) -> None:
    """Ask, and see to it that what comes back can be stored and shown."""
    with suppress(CemmError):
        result = await question(cemm)
        text = json.dumps(result, default=_plain, allow_nan=False)
        assert len(text.encode()) < 100_000


def _plain(value: Any) -> list[Any]:
    """Return the fields of a dataclass, or what is in a set."""
    if isinstance(value, frozenset):
        return sorted(value)
    return [getattr(value, name) for name in value.__slots__]


@pytest.mark.parametrize(
    ("api", "name"),
    [
        pytest.param(
            *(api, name),
            # Both parse the past with the same functions.
            marks=[pytest.mark.rest] * (api == "local" or name != "day")
            if name in Period
            else [],
        )
        for api in ("local", "remote")
        for name in QUESTIONS
        if (api, name) != ("local", "totals")
    ],
)
async def test_answers(
    api: str, name: str, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    """Most answers skip the socket: they are read all the same."""
    question = QUESTIONS[name]
    liar = Liar(House(seed=1), lambda: NOW, f"{api} {name}")
    server = HostileServer(liar.answer)
    await server.start()
    async with ClientSession() as session:
        cemm = clients(session, f"127.0.0.1:{server.port}")[api]
        while liar.answers < THROUGH_THE_SOCKET:
            await ask(question, cemm)

        async def get(_: ClientSession, url: URL, __: ClientTimeout) -> bytes:
            return liar.body(url.raw_path_qs)

        monkeypatch.setattr(http, "_get", get)
        while liar.answers < ANSWERS:
            await ask(question, cemm)
    await server.stop()
    tried(f"Wrong answers of the {api} API: {name}", ANSWERS)


async def test_datagrams(tried: Tried) -> None:
    """Junk from one address does not hide the CEMM at another."""
    rng = Random("datagrams")
    simulator = Simulator(House(seed=1), Clock())
    await simulator.start("127.0.0.2", discovery_port=0)
    port = simulator.discovery_port or 0
    search = asyncio.create_task(discover(["127.255.255.255"], port=port, duration=1.5))
    await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.3", 0))
        for _ in range(ANSWERS):
            datagram = spoilt(DATAGRAM, rng)
            answer = parse_answer(datagram, "127.0.0.3")
            assert answer is None or len(answer.mac) == len(MAC)
            sender.sendto(datagram[:65_000], ("127.0.0.1", port))
            await asyncio.sleep(0)
    found = await search
    await simulator.stop()
    assert Answer("127.0.0.2", MAC) in found
    assert {answer.host for answer in found} == {"127.0.0.2", "127.0.0.3"}
    tried("Wrong datagrams while searching", ANSWERS)
