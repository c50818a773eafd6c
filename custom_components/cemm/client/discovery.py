"""The UDP broadcast that CEMMs answer."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
import json
import socket
from typing import override

from .models import normalize_mac

PORT = 9777
QUERY = b"cemm_query"
DURATION = 5.0

MAX_ANSWERS = 32
MAX_DATAGRAM = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """What claims to be a CEMM; not to be believed before its `info` agrees."""

    host: str
    """The address that the answer came from, whatever the answer itself says."""
    mac: str


class _Listener(asyncio.DatagramProtocol):
    """Collects answers: one per address, and no more than a house can hold."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        host = addr[0]
        if (
            len(data) <= MAX_DATAGRAM
            and host not in self.answers
            and len(self.answers) < MAX_ANSWERS
            and (answer := parse_answer(data, host))
        ):
            self.answers[host] = answer


def parse_answer(data: bytes, host: str) -> Answer | None:
    """Return what a datagram from `host` says; None when it is no CEMM's answer.

    Our own broadcast, which we hear too, is none, and neither is anything
    from the internet.
    """
    try:
        raw = json.loads(data)
        if not isinstance(raw, dict) or ip_address(host).is_global:
            return None
        return Answer(host, normalize_mac(raw["mac"]))
    except KeyError, TypeError, ValueError:
        return None


async def discover(
    targets: Iterable[str], *, port: int = PORT, duration: float = DURATION
) -> tuple[Answer, ...]:
    """Broadcast to the targets' UDP port and collect answers for some seconds.

    Raises OSError when no socket can be had.
    """
    transport, listener = await _listen(port)
    try:
        for target in targets:
            transport.sendto(QUERY, (target, port))
        await asyncio.sleep(duration)
    finally:
        transport.close()
    return tuple(listener.answers.values())


async def _listen(port: int) -> tuple[asyncio.DatagramTransport, _Listener]:
    """Bind the well-known port, where some firmware may answer, or any other."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            sock.bind(("", port))
        except OSError:
            sock.bind(("", 0))
        return await loop.create_datagram_endpoint(_Listener, sock=sock)
    except BaseException:
        sock.close()
        raise
