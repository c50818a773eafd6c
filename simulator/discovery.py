"""The answer of a CEMM to the broadcast that looks for it."""

import asyncio
import json
import socket
from typing import Any

from .house import House

_QUERY = b"cemm_query"
_ANY = "0.0.0.0"  # noqa: S104  broadcasts reach only sockets that listen to any address


class Discovery(asyncio.DatagramProtocol):
    """Listens for queries, and answers each to where it came from.

    Bound to one address, it listens to broadcasts as well but answers from that address.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._host = ""
        self._transports: list[asyncio.DatagramTransport] = []

    async def start(self, host: str, port: int) -> int:
        """Listen on `port` (0: any) and return it. Raises OSError when it is taken."""
        self._host = host
        loop = asyncio.get_running_loop()
        # A port that is free at any address is free at this one, but not the reverse.
        for address in dict.fromkeys((_ANY, host)):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, sock=_bound(address, port)
            )
            self._transports.insert(0, transport)
            port = transport.get_extra_info("sockname")[1]
        return port

    def stop(self) -> None:
        """Close the sockets."""
        while self._transports:
            self._transports.pop().close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a query, from the first socket: the one with the address."""
        if data == _QUERY and self._transports:
            house = self._house
            answer = {
                "ip": self._host if self._host != _ANY else _address_towards(addr),
                "mac": house.mac,
                "version": house.core,
                "type": f"CEMM_{house.name.split()[-1].lower()}",
                "init_state": 1,
            }
            self._transports[0].sendto(json.dumps(answer).encode(), addr)


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Not before, where any port will do: it might be one that others reuse too.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _address_towards(peer: tuple[str | Any, int]) -> str:
    """Return this machine's address as `peer` sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(peer)
        address: str = sock.getsockname()[0]
        return address
