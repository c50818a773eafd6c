"""Tests of the one secret: an API key travels in every URL, and shows nowhere."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_address
import logging
from pathlib import Path
import ssl
import traceback
from unittest.mock import patch
from urllib.parse import quote, quote_plus

from aiohttp import ClientSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import pytest
from yarl import URL

from custom_components.cemm.client import (
    CemmConnectionError,
    CemmError,
    Period,
    RemoteApi,
    RemoteCemm,
    check_url,
)

from .conftest import Answer, Server, endless, http, silence

KEY = "4e4f657secret"
UID = "FF-FF-FF-FF-FF-FF"


def all_texts(error: BaseException) -> Iterator[str]:
    """Return all that an error says, and each error that it came from."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        found = left.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        left += [found.__cause__, found.__context__]
        if isinstance(found, BaseExceptionGroup):
            left += found.exceptions
        yield str(found)
        yield repr(found)
        yield repr(found.args)
        yield repr(vars(found))
        yield "".join(traceback.format_exception(found))


def always(answer: Answer) -> Callable[[URL], Answer]:
    return lambda _: answer


ANSWERS: dict[str, Callable[[URL], Answer]] = {
    **{
        f"{status} {status.phrase}": always(http(status=status))
        for status in HTTPStatus
        if status > HTTPStatus.OK
    },
    # Error pages quote what was asked for.
    "an echo": lambda url: http(f"<html>{url}</html>", Content_Type="text/html"),
    "an echo in JSON": lambda url: http(f'{{"error": "{url}", '),
    "an echo in a cookie": lambda url: http(Set_Cookie=f"{url}=\x01; expires=;;"),
    "an echo in a header": lambda url: http(Content_Length=str(url)),
    "silence": always(silence),
    "dropped": always(b""),
    "no HTTP": always(b"SSH-2.0-OpenSSH_10.0\r\n"),
    "half a body": always(http("{", Content_Length="99")),
    "broken chunks": always(http("zz\r\n", Transfer_Encoding="chunked")),
    "broken gzip": always(http("x", Content_Encoding="gzip")),
    "endless": always(endless(http(), b" " * 65536)),
    "redirect elsewhere": lambda url: http(
        status=302, Location=f"http://127.0.0.1:1{url.raw_path_qs}"
    ),
    "redirect to no URL": lambda url: http(
        status=302, Location=f"http://[{url.raw_path_qs}"
    ),
    "redirects without end": lambda url: http(status=302, Location=url.raw_path_qs),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.cemm.client.remote.TIMEOUT", 0.2)
    monkeypatch.setattr("custom_components.cemm.client.remote.PROMISE_RETRY_AFTER", 0)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Catch everything that anyone logs, the event loop's own notes included."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def check(
    error: BaseException, logged: pytest.LogCaptureFixture, key: str = KEY
) -> None:
    texts = [*all_texts(error), *(repr(vars(record)) for record in logged.records)]
    for form in (key, quote(key, safe=""), quote_plus(key), repr(key)[1:-1]):
        assert not [text for text in texts if form in text]
        assert form not in logged.text


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.rest] * (name == "silence"))
        for name in ANSWERS
    ],
)
async def test_failing_requests(
    server: Server,
    session: ClientSession,
    logged: pytest.LogCaptureFixture,
    name: str,
) -> None:
    asyncio.get_running_loop().set_debug(True)
    server.answer = ANSWERS[name]
    cemm = RemoteCemm(str(server.url), KEY, UID, session)
    for request in (
        cemm.info(),
        cemm.meters(),
        cemm.realtime("p1"),
        cemm.totals("p1", 1),
        cemm.history("p1", Period.DAY, 1),
    ):
        with pytest.raises(CemmError) as caught:
            await request
        check(caught.value, logged)
    # The key was there to be told.
    assert {url.query["api_key"] for url in server.requests} == {KEY}
    assert KEY not in repr(cemm)


async def test_nobody_there(
    server: Server, session: ClientSession, logged: pytest.LogCaptureFixture
) -> None:
    await server.stop()
    with pytest.raises(CemmConnectionError) as caught:
        await RemoteApi(str(server.url), KEY, session).uids()
    check(caught.value, logged)


async def test_no_name(
    session: ClientSession, logged: pytest.LogCaptureFixture
) -> None:
    api = RemoteApi(f"https://{'x' * 64}.example/", KEY, session)
    with (
        patch("socket.getaddrinfo", side_effect=UnicodeError(f"label of {KEY}")),
        pytest.raises(CemmConnectionError) as caught,
    ):
        await api.uids()
    check(caught.value, logged)


async def test_cancelled(
    server: Server, session: ClientSession, logged: pytest.LogCaptureFixture
) -> None:
    server.give(silence)
    request = asyncio.create_task(RemoteApi(str(server.url), KEY, session).uids())
    while not server.requests:
        await asyncio.sleep(0.01)
    request.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await request
    check(caught.value, logged)


@pytest.mark.parametrize(
    "key", ["k y&=#/%41+?", "clé€", "a\r\nX: b", "\x00", "x" * 9000]
)
async def test_odd_keys_arrive_and_show_nowhere(
    server: Server, session: ClientSession, logged: pytest.LogCaptureFixture, key: str
) -> None:
    server.give(http(status=302, Location="/there"), http(status=403))
    with pytest.raises(CemmError) as caught:
        await RemoteApi(str(server.url), key, session).uids()
    assert [url.query["api_key"] for url in server.requests] == [key, key]
    check(caught.value, logged, key)


@pytest.mark.parametrize(
    "url",
    [
        f"http://open-api.example/?api_key={KEY}",
        f"https://open-api.example:port/?api_key={KEY}",
        f"https://{KEY}@open-api.example/",
        f"https://[{KEY}/",
        KEY,
    ],
)
def test_a_key_in_the_address(logged: pytest.LogCaptureFixture, url: str) -> None:
    with pytest.raises(CemmError) as caught:
        check_url(url)
    check(caught.value, logged)


async def test_a_certificate_that_nobody_signed(
    session: ClientSession, logged: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    server = Server()
    await server.start(ssl=self_signed(tmp_path / "server.pem"))
    api = RemoteApi(f"https://{server.host}/v1/", KEY, session)
    with pytest.raises(CemmConnectionError, match="ClientConnectorCertificateError"):
        await api.uids()
    await server.stop()
    # It never heard the key.
    assert server.requests == []


def self_signed(path: Path) -> ssl.SSLContext:
    """Return what a server needs that claims to be 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
