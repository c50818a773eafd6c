"""Tests of serving: the broadcast, outages, and the command."""

import asyncio
from collections.abc import AsyncIterator
import json
import signal
import socket
import sys

from aiohttp import ClientConnectionError, ClientSession
import pytest

from simulator import Clock, House, Simulator

from .conftest import Get


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.queue = asyncio.Queue[tuple[bytes, tuple[str, int]]]()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.queue.put_nowait((data, addr))


@pytest.fixture
async def udp() -> AsyncIterator[tuple[asyncio.DatagramTransport, _Answers]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("0.0.0.0", 0))
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, answers = await loop.create_datagram_endpoint(_Answers, sock=sock)
        yield transport, answers
        transport.close()


@pytest.mark.parametrize(
    ("bind", "target", "address"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.255.255.255", "127.0.0.2"),
        ("0.0.0.0", "127.255.255.255", "127.0.0.1"),
    ],
)
async def test_discovery(
    udp: tuple[asyncio.DatagramTransport, _Answers],
    house: House,
    *,
    bind: str,
    target: str,
    address: str,
) -> None:
    simulator = Simulator(house, Clock())
    await simulator.start(bind, remote_port=None, discovery_port=0)
    transport, answers = udp
    transport.sendto(b"something else", (target, simulator.discovery_port))
    transport.sendto(b"cemm_query", (target, simulator.discovery_port))
    async with asyncio.timeout(5):
        data, sender = await answers.queue.get()
    await simulator.stop()
    assert sender == (address, simulator.discovery_port)
    assert json.loads(data) == {
        "ip": address,
        "mac": "00:1E:C0:85:96:CC",
        "version": "1.25",
        "type": "CEMM_basic",
        "init_state": 1,
    }
    await asyncio.sleep(0.05)
    assert answers.queue.empty()


async def test_outage(
    sim: Simulator, session: ClientSession, local: Get, remote: Get
) -> None:
    ports = sim.port, sim.remote_port
    await local("")
    await sim.stop()
    await sim.stop()
    with pytest.raises(ClientConnectionError):
        await local("")
    await sim.start()
    assert (sim.port, sim.remote_port) == ports
    await local("")
    await remote("cemm/")


async def test_port_taken(sim: Simulator, house: House, clock: Clock) -> None:
    other = Simulator(house, clock)
    with pytest.raises(OSError, match="address already in use"):
        await other.start(remote_port=sim.port)
    # The port that it could have is free again.
    await other.start()
    await other.stop()


async def test_requests(sim: Simulator, local: Get, remote: Get) -> None:
    await local("io/")
    await remote("cemm/00-1E-C0-85-96-CC/p1/totals/", time=1750000000)
    assert list(sim.requests) == [
        ("local", "/open-api/v1/io/", {}),
        ("remote", "/v1/cemm/00-1E-C0-85-96-CC/p1/totals/", {"time": "1750000000"}),
    ]


async def _command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_command(session: ClientSession) -> None:
    process = await _command(
        "--port", "0", "--remote-port", "0", "--discovery-port", "0"
    )
    assert process.stdout
    async with asyncio.timeout(20):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("Simulated CEMM ready: local API http://127.0.0.1:")
    addresses = [word.rstrip(",\n") for word in line.split() if word.startswith("http")]
    async with session.get(addresses[0]) as response:
        assert (await response.json())["data"]["name"] == "CEMM Basic"
    async with session.get(f"{addresses[1]}cemm/?api_key=demo") as response:
        assert response.status == 202
    process.send_signal(signal.SIGTERM)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


async def test_command_when_the_port_is_taken(sim: Simulator) -> None:
    process = await _command("--port", str(sim.port))
    _, error = await process.communicate()
    assert process.returncode == 1
    assert error.startswith(b"Cannot serve on 127.0.0.1:")
    assert str(sim.port).encode() in error
    assert error.count(b"\n") == 1
