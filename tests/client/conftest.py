"""A web server that says anything, also what no web server should."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
import json
from typing import Any

from aiohttp import ClientSession
import pytest
from yarl import URL

from simulator import Clock, House, Simulator

type Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
type Answer = bytes | Raw


def http(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    """Return an answer of which the length is known only by its end."""
    lines = [f"HTTP/1.1 {status} X", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    return head + (body.encode() if isinstance(body, str) else body)


def http_json(document: Any, status: int = 200) -> bytes:
    return http(json.dumps(document), status, Content_Type="application/json")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the other side gives up."""
    await reader.read()


def endless(head: bytes, piece: bytes, pause: float = 0) -> Raw:
    """Answer `head`, and `piece` again and again."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


def late(answer: bytes, pause: float) -> Raw:
    """Answer after a pause, in seconds."""

    async def slowly(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await asyncio.sleep(pause)
        writer.write(answer)

    return slowly


class Time:
    """The time by which a client knows what is due again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.start = self.now = 1000.0
        for module in ("aliases", "remote"):
            monkeypatch.setattr(
                f"custom_components.cemm.client.{module}.monotonic", lambda: self.now
            )


class Server:
    """Answers one request per connection, as `answer` says."""

    def __init__(self) -> None:
        self.requests: list[URL] = []
        self.answer: Callable[[URL], Answer] = lambda _: http(status=404)
        self.open = 0
        self.most_open = 0

    async def start(self, **kwargs: Any) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, **kwargs
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        self._server.close_clients()
        await self._server.wait_closed()
        while self.open:
            await asyncio.sleep(0.01)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> URL:
        return URL(f"http://{self.host}/")

    @property
    def paths(self) -> list[str]:
        return [url.path for url in self.requests]

    def give(self, *answers: Answer) -> None:
        """Give these answers one after the other, and then the last one again."""
        left = list(answers)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def serve(self, documents: Mapping[str, Any]) -> None:
        """Serve JSON by path, and 404 elsewhere."""
        self.answer = lambda url: (
            http_json(documents[url.path])
            if url.path in documents
            else http(status=404)
        )

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            url = URL(head.split(b" ", 2)[1].decode(), encoded=True)
            self.requests.append(url)
            answer = self.answer(url)
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(reader, writer)
            await writer.drain()
        except ConnectionError, asyncio.IncompleteReadError:
            pass  # The client has left.
        finally:
            writer.close()
            self.open -= 1


@pytest.fixture
def needed() -> Sequence[str]:
    """Let every test here use loopback; none needs Home Assistant."""
    return ("socket_enabled",)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    simulator = Simulator(House(seed=1), Clock())
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
