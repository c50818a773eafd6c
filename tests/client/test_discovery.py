"""Tests of the broadcast, over real sockets: who answers, who floods, who lies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import socket
from time import monotonic
from typing import Any, override

import pytest

from custom_components.cemm.client import Answer, discover, discovery
from custom_components.cemm.client.discovery import (
    MAX_ANSWERS,
    MAX_DATAGRAM,
    QUERY,
    parse_answer,
)
from simulator import Clock, House, Simulator
from tests.helpers.client import EXAMPLE, MAC, answer_of


class Responder(asyncio.DatagramProtocol):
    """Answers each query with some datagrams."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.heard: list[bytes] = []

    @override
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        for answer in self.answers:
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def responder(
    *answers: bytes, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[Responder, int]]:
    """Serve answers on a port of their own, as long as the context lasts."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Responder(*answers), local_addr=(host, 0)
    )
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@pytest.fixture
def port() -> int:
    """Return a port that nobody uses, on any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        found: int = sock.getsockname()[1]
        return found


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Return the sockets that `discover` opens."""
    opened: list[socket.socket] = []

    class Recorded(socket.socket):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            opened.append(self)

    monkeypatch.setattr(socket, "socket", Recorded)
    return opened


async def test_simulator(port: int) -> None:
    simulator = Simulator(House(), Clock())
    # An address of its own, as a CEMM has: the port is the same on both sides.
    await simulator.start("127.0.0.2", discovery_port=port)
    try:
        found = await discover(["127.255.255.255"], port=port, duration=0.2)
    finally:
        await simulator.stop()
    assert found == (Answer("127.0.0.2", MAC),)


async def test_port_taken() -> None:
    """Whoever has the port does not share it: any other one will do."""
    async with responder(b"junk", EXAMPLE, host="0.0.0.0") as (cemm, port):
        found = await discover(["127.0.0.1"], port=port, duration=0.2)
    assert found == (Answer("127.0.0.1", MAC),)
    assert cemm.heard == [QUERY]


async def test_port_shared(port: int, sockets: list[socket.socket]) -> None:
    """Another program may listen for CEMMs too: both send from the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("", port))
        searching = asyncio.create_task(discover([], port=port, duration=0.05))
        await asyncio.sleep(0.01)
        assert sockets[-1].getsockname() == ("0.0.0.0", port)
        await searching


async def test_own_echo_is_ignored(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    def listen(data: bytes, host: str) -> Answer | None:
        heard.append(data)
        return parse_answer(data, host)

    monkeypatch.setattr(discovery, "parse_answer", listen)
    assert await discover(["127.255.255.255"], port=port, duration=0.2) == ()
    assert heard == [QUERY]


async def test_answers_to_the_well_known_port(port: int) -> None:
    """Some firmware may answer to the port instead of to the sender."""
    searching = asyncio.create_task(discover([], port=port, duration=0.2))
    await asyncio.sleep(0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(EXAMPLE, ("127.0.0.1", port))
    assert await searching == (Answer("127.0.0.1", MAC),)


async def test_the_first_answer_of_an_address_counts() -> None:
    async with responder(EXAMPLE, answer_of("00:00:00:00:00:01")) as (_, port):
        [found] = await discover(["127.0.0.1"], port=port, duration=0.2)
    assert found.mac == MAC


async def test_large_datagrams_are_ignored() -> None:
    large = EXAMPLE[:-1] + b" " * MAX_DATAGRAM + b"}"
    assert parse_answer(large, "127.0.0.1")
    async with responder(large) as (_, port):
        assert await discover(["127.0.0.1"], port=port, duration=0.2) == ()


async def send_all(
    count: int, make: Callable[[int], bytes], senders: list[socket.socket], port: int
) -> None:
    """Send datagrams as fast as they are read."""
    for number in range(count):
        senders[number % len(senders)].sendto(make(number), ("127.0.0.1", port))
        await asyncio.sleep(0)


@pytest.fixture
def senders() -> Any:
    """Return sockets with one loopback address each."""
    opened = []
    for number in range(1, 101):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((f"127.0.1.{number}", 0))
        opened.append(sock)
    yield opened
    for sock in opened:
        sock.close()


@pytest.mark.parametrize(
    ("make", "found"),
    [
        pytest.param(
            *(lambda number: b"\xff" * (number % 1400), 1),
            id="junk",
            marks=pytest.mark.rest,
        ),
        pytest.param(
            *(lambda number: b"[" * MAX_DATAGRAM, 1),
            id="brackets",
            marks=pytest.mark.rest,
        ),
        pytest.param(
            *(lambda number: answer_of(f"{number:012x}"), MAX_ANSWERS), id="answers"
        ),
    ],
)
async def test_flood(
    senders: list[socket.socket],  # first: none of them may get the port
    port: int,
    make: Callable[[int], bytes],
    found: int,
) -> None:
    """10,000 datagrams of 100 senders cost little, and hide no answer before them."""
    began = monotonic()
    searching = asyncio.create_task(discover([], port=port, duration=2))
    await asyncio.sleep(0.5)
    senders[0].sendto(EXAMPLE, ("127.0.0.1", port))
    await send_all(10_000, make, senders, port)
    answers = await searching
    assert answers[0] == Answer("127.0.1.1", MAC)
    assert len(answers) == found
    assert monotonic() - began < 6


async def test_unreachable_targets_are_skipped() -> None:
    async with responder(EXAMPLE) as (_, port):
        # Nobody may send to a broadcast address of another kind of network.
        targets = ["240.0.0.1", "127.0.0.1"]
        [found] = await discover(targets, port=port, duration=0.2)
    assert found.host == "127.0.0.1"


class TestSockets:
    async def test_closed_in_the_end(
        self, port: int, sockets: list[socket.socket]
    ) -> None:
        await discover(["127.0.0.1"], port=port, duration=0)
        await asyncio.sleep(0)
        assert [sock.fileno() for sock in sockets] == [-1]

    @pytest.mark.parametrize("seconds", [0.05, 0])
    async def test_closed_when_cancelled(
        self, port: int, sockets: list[socket.socket], seconds: float
    ) -> None:
        searching = asyncio.create_task(discover(["127.0.0.1"], port=port))
        await asyncio.sleep(seconds)
        assert [sock.fileno() for sock in sockets] != [-1]
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching
        await asyncio.sleep(0)
        assert [sock.fileno() for sock in sockets] == [-1]

    @pytest.mark.parametrize("method", ["bind", "setsockopt"])
    async def test_closed_when_it_cannot_be_used(
        self,
        port: int,
        sockets: list[socket.socket],
        monkeypatch: pytest.MonkeyPatch,
        method: str,
    ) -> None:
        def fail(*args: Any) -> None:
            raise PermissionError(method)

        monkeypatch.setattr(socket.socket, method, fail, raising=False)
        with pytest.raises(PermissionError, match=method):
            await discover(["127.0.0.1"], port=port)
        assert [sock.fileno() for sock in sockets] == [-1]

    async def test_none_to_be_had(
        self, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> None:
            raise OSError("too many open files")

        monkeypatch.setattr(socket, "socket", fail)
        with pytest.raises(OSError, match="too many"):
            await discover(["127.0.0.1"], port=port)
