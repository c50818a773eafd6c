"""Answers as a broken or hostile device gives them, from a seed."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from http import HTTPStatus
import json
from random import Random
from typing import Any, override
from urllib.parse import parse_qsl, urlsplit

from simulator import House
from simulator.local_api import LocalApi
from simulator.protocol import Answering, Refused
from simulator.remote_api import RemoteApi

_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 0.5, 2**31, 2**63, 10**400, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
    *("", "0", "12.5", "null", "\ud800", "\0", "é" * 300, "../../../x", "{name}%s"),
    *([], [0], [0, 0], [1, 2, 3], [[]], [None, None], [1e308, 1e308], {}, {"data": []}),
)
_ODD_KEYS = ("", "t1", "data", "totals", "\ud800", "a" * 40, "../x", "A_b-1", "mac")

_BREAKERS: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda body, rng: body[: rng.randrange(len(body) + 1)],
    lambda body, rng: body[rng.randrange(len(body) + 1) :],
    lambda body, rng: body + rng.randbytes(3),
    lambda body, rng: _flipped(body, rng),  # noqa: PLW0108  defined below
    lambda body, rng: b'{"data": ' + body + b"}",
    lambda body, rng: body.replace(b"{", b'{"data": 7, ', rng.randrange(1, 3)),
    lambda body, rng: body.replace(b"1", b"1" * rng.randrange(2, 6000), 1),
    lambda body, rng: b"[" * rng.randrange(1, 20_000) + body,
    lambda body, rng: b"\xef\xbb\xbf" + body,
    lambda body, rng: body.decode(errors="ignore").encode("utf-16"),
    lambda body, rng: b"<!DOCTYPE html><html>Log in</html>",
)

_CONTENT_TYPES = (
    "text/html",
    "application/octet-stream",
    "x",
    "text/plain; charset=no",
)
_STATUSES = (*HTTPStatus, 99, 299, 599, 999)
_LOCATIONS = ("/", "//[", "http://[]@", "?x", "http://127.0.0.2/", "\xff", "a" * 9000)


def spoilt(document: bytes, rng: Random) -> bytes:
    """Return a JSON document with odd values, or broken as a whole."""
    raw = json.loads(document)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        raw = _mutated(raw, rng)
    body = json.dumps(raw).encode()
    return rng.choice(_BREAKERS)(body, rng) if rng.random() < 0.3 else body


def _mutated(raw: Any, rng: Random) -> Any:
    """Replace, remove, repeat or add one part, as likely near the root as deep within."""
    part = {"": raw}
    parent: Any = part
    key: Any = ""
    while isinstance(parent[key], (dict, list)) and parent[key] and rng.random() < 0.75:
        parent = parent[key]
        key = rng.choice(
            list(parent) if isinstance(parent, dict) else range(len(parent))
        )
    match rng.randrange(6):
        case 0 if parent is not part:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[rng.choice(_ODD_KEYS)] = parent[key]
        case 2 if isinstance(parent, list):
            parent.extend(parent[:2000])
        case _:
            parent[key] = deepcopy(rng.choice(_ODD_VALUES))
    return part.get("")


def _flipped(body: bytes, rng: Random) -> bytes:
    spoilt = bytearray(body or b"0")
    spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def response(body: bytes, rng: Random) -> tuple[bytes, bool]:
    """Return what a web server sends, sometimes wrong too; and whether it then closes."""
    status, kind, length, extra = 200, "application/json", str(len(body)), ""
    chance = rng.random()
    if chance < 0.04:
        status = int(rng.choice(_STATUSES))
    elif chance < 0.06:
        status, extra = 302, f"Location: {rng.choice(_LOCATIONS)}\r\n"
    elif chance < 0.08:
        kind = rng.choice(_CONTENT_TYPES)
    elif chance < 0.10:
        length = rng.choice(("-1", "x", str(len(body) + 7), "9" * 30))
    elif chance < 0.12:
        extra = f"Content-Encoding: {rng.choice(('gzip', 'deflate', 'br', 'x'))}\r\n"
    elif chance < 0.13:
        return rng.randbytes(rng.randrange(200)), True
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
    )
    # A body where none may be, or of another length, spoils the connection's next answer.
    closes = chance < 0.12
    return f"{head}{extra}\r\n".encode("latin-1") + body, closes


class Liar:
    """Answers every question for a house at the Unix time `now()`, and often wrong."""

    def __init__(self, house: House, now: Callable[[], float], seed: str) -> None:
        self.share = 1.0
        """How many of the answers are wrong, from 0 to 1."""
        self.answers = 0
        """How many were wrong."""
        self._apis: dict[str, Answering] = {
            "open-api": LocalApi(house),
            "v1": RemoteApi([house], "demo"),
        }
        self._now = now
        self._rng = Random(seed)
        self._truths: dict[tuple[str, float], tuple[int, bytes]] = {}

    def answer(self, target: str) -> tuple[bytes, bool]:
        """Return what to send, and whether to close the connection after it."""
        if self._rng.random() < self.share:
            return response(self.body(target), self._rng)
        status, body = self._truth(target, self._now())
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body, False

    def body(self, target: str) -> bytes:
        """Return the spoilt document at a path with its query."""
        self.answers += 1
        key = (target, self._now())
        if (truth := self._truths.get(key)) is None:
            truth = self._truths[key] = self._truth(*key)
        return spoilt(truth[1], self._rng)

    def _truth(self, target: str, now: float) -> tuple[int, bytes]:
        url = urlsplit(target)
        path = url.path.strip("/")
        api = self._apis.get(path.split("/")[0], self._apis["open-api"])
        try:
            document = api.answer(path, dict(parse_qsl(url.query)), now, ())
        except Refused as refused:
            return refused.status, b"{}"
        return 200, json.dumps(document).encode()


class HostileServer:
    """Serves what `answer` returns for a path with its query, over connections kept open.

    `answer` returns bytes to send, and whether to close the connection after them.
    """

    def __init__(self, answer: Callable[[str], tuple[bytes, bool]]) -> None:
        self.answer = answer
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all connections."""
        self._server.close()
        self._server.close_clients()
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    def __init__(self, server: HostileServer) -> None:
        self._server = server
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            path = self._received.split(b" ", 2)[1].decode()
            self._received = b""
            answer, closes = self._server.answer(path)
            self._transport.write(answer)
            if closes:
                self._transport.close()
