"""Tests of one request: whatever a network can answer, in bounded time and memory."""

import asyncio
from collections.abc import Iterator
import gzip
import socket
from time import monotonic
import tracemalloc
from typing import Any

from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
import pytest
from yarl import URL

from custom_components.cemm.client import (
    AuthenticationError,
    CemmConnectionError,
    CemmResponseError,
    CemmTimeoutError,
)
from custom_components.cemm.client.http import MAX_BODY, MAX_REDIRECTS, get_json

from .conftest import Answer, Server, endless, http, http_json, silence


async def get(session: ClientSession, url: URL, timeout: float = 5) -> Any:
    return await get_json(session, url, timeout=timeout)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"data": {}}', {"data": {}}),
        (b"[1, 2]", [1, 2]),
        ("\ufeff{}".encode(), {}),
        ('"ü"'.encode("utf-16"), "ü"),
        (b'"' + b"x" * (MAX_BODY - 2) + b'"', "x" * (MAX_BODY - 2)),
    ],
    ids=["object", "list", "byte order mark", "UTF-16", "as large as may be"],
)
async def test_json(
    server: Server, session: ClientSession, body: bytes, document: Any
) -> None:
    # The content type is of no interest: a CEMM's may be anything.
    server.give(http(body, Content_Type="text/plain"))
    assert await get(session, server.url) == document


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html></html>",
        b"",
        b'{"data": ',
        b'{"data": "\xff\xfe"}',
        b"[" * 500_000,
        b"9" * 10_000,
        b"\x00" * 64,
    ],
    ids=["HTML", "empty", "broken", "no UTF-8", "deep", "a huge number", "zeros"],
)
async def test_no_json(server: Server, session: ClientSession, body: bytes) -> None:
    server.give(http(body, Content_Type="application/json"))
    with pytest.raises(CemmResponseError, match="the answer is no JSON"):
        await get(session, server.url)


@pytest.mark.parametrize(
    "answer",
    [
        silence,
        endless(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", pause=0.02),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" ", pause=0.02),
        endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\n \r\n",
            pause=0.02,
        ),
    ],
    ids=["silence", "headers", "a slow body", "slow chunks"],
)
async def test_slow_answers_time_out(
    server: Server, session: ClientSession, answer: Answer
) -> None:
    server.give(answer)
    began = monotonic()
    with pytest.raises(CemmTimeoutError):
        await get(session, server.url, timeout=0.2)
    assert monotonic() - began < 1


@pytest.fixture
def deaf() -> Iterator[int]:
    """Return a port where connections are never accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


async def test_connecting_times_out(session: ClientSession, deaf: int) -> None:
    with pytest.raises(CemmTimeoutError):
        await get(session, URL(f"http://127.0.0.1:{deaf}/"), timeout=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01",
        b"SSH-2.0-OpenSSH_10.0\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all",
        b"HTTP/1.1 99999 OK\r\n\r\n",
    ],
    ids=[
        "nothing",
        "TLS",
        "SSH",
        "a large header",
        "negative length",
        "half a body",
        "broken chunks",
        "broken gzip",
        "no status",
    ],
)
async def test_broken_http(
    server: Server, session: ClientSession, answer: bytes
) -> None:
    server.give(answer)
    with pytest.raises(CemmConnectionError) as caught:
        await get(session, server.url)
    assert not isinstance(caught.value, CemmTimeoutError)


async def test_refused_connection(server: Server, session: ClientSession) -> None:
    await server.stop()
    with pytest.raises(CemmConnectionError, match="ClientConnectorError"):
        await get(session, server.url)


@pytest.mark.parametrize("error", [OSError, UnicodeError], ids=["unknown", "no name"])
async def test_name_that_does_not_resolve(error: type[Exception]) -> None:
    class Resolver(AbstractResolver):
        async def resolve(self, *args: Any, **kwargs: Any) -> list[ResolveResult]:
            raise error("label too long")

        async def close(self) -> None:
            pass

    connector = TCPConnector(resolver=Resolver())
    async with ClientSession(connector=connector) as session:
        with pytest.raises(CemmConnectionError):
            await get(session, URL("http://cemm.example/"))


def gzip_bomb() -> bytes:
    return http(gzip.compress(bytes(100 * MAX_BODY)), Content_Encoding="gzip")


@pytest.mark.parametrize(
    "answer",
    [
        http(b" " * (MAX_BODY + 1), Content_Length=str(MAX_BODY + 1)),
        http(b" " * (MAX_BODY + 1)),
        endless(http(Content_Length=str(10**15)), b" " * 65536),
        endless(
            http(Transfer_Encoding="chunked"), b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        ),
        gzip_bomb(),
    ],
    ids=["with length", "without length", "petabyte", "endless chunks", "gzip bomb"],
)
async def test_large_bodies_are_refused(
    server: Server, session: ClientSession, answer: Answer
) -> None:
    server.give(answer)
    tracemalloc.start()
    try:
        with pytest.raises(CemmResponseError, match="more than 1 MiB"):
            await get(session, server.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MAX_BODY


async def test_status_counts_whatever_the_body(
    server: Server, session: ClientSession
) -> None:
    server.give(endless(http(status=403), b" " * 65536))
    with pytest.raises(AuthenticationError):
        await get(session, server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_on_the_same_host(
    server: Server, session: ClientSession, status: int
) -> None:
    server.give(http(status=status, Location="/there"), http_json(1))
    assert await get(session, server.url / "here" % {"api_key": "k&y", "time": 1}) == 1
    # The query is kept, and with it the key.
    assert server.paths == ["/here", "/there"]
    assert server.requests[1].query == {"api_key": "k&y", "time": "1"}


async def test_redirect_with_a_query_of_its_own(
    server: Server, session: ClientSession
) -> None:
    server.give(http(status=302, Location=f"{server.url}there?a=2"), http_json(1))
    assert await get(session, server.url % {"a": 1}) == 1
    assert server.requests[1].query == {"a": "2"}


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{other}/",
        "//127.0.0.1:{other}/",
        "http://localhost:{same}/",
        "https://127.0.0.1:{same}/",
        "http://127.0.0.1:{same}@127.0.0.1:{other}/",
        "mailto:someone@example.com",
        "file:///etc/passwd",
        "http://[",
        "http://[]@",
        "http://127.0.0.1:99999/",
    ],
)
async def test_redirects_elsewhere_are_refused(
    server: Server, session: ClientSession, location: str
) -> None:
    other = Server()
    await other.start()
    target = location.format(same=server.port, other=other.port)
    server.give(http(status=302, Location=target))
    with pytest.raises(CemmResponseError, match="a redirect to another host"):
        await get(session, server.url % {"api_key": "secret"})
    await other.stop()
    assert len(server.requests) == 1
    assert other.requests == []


@pytest.mark.parametrize(
    "headers", [{"Location": "/"}, {}], ids=["to itself", "nowhere"]
)
async def test_redirects_without_end(
    server: Server, session: ClientSession, headers: dict[str, str]
) -> None:
    server.give(http(status=302, **headers))
    with pytest.raises(CemmResponseError, match="too many redirects"):
        await get(session, server.url)
    assert len(server.requests) == MAX_REDIRECTS + 1


async def test_cancelling_closes_the_connection(
    server: Server, session: ClientSession
) -> None:
    server.give(silence)
    request = asyncio.create_task(get(session, server.url))
    while not server.open:
        await asyncio.sleep(0.01)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    async with asyncio.timeout(1):
        while server.open:
            await asyncio.sleep(0.01)
