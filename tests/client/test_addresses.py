"""Tests of what users type as an address: of a CEMM, and of the remote API."""

from ipaddress import ip_address

from aiohttp import ClientSession
from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.client import (
    DEFAULT_URL,
    CemmConnectionError,
    CemmError,
    InsecureUrlError,
    LocalCemm,
    RemoteCemm,
    base_url,
    check_url,
    clean_host,
    clean_key,
)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("192.168.1.5", "http://192.168.1.5/"),
        ("192.168.1.5:8080", "http://192.168.1.5:8080/"),
        ("fd00::5", "http://[fd00::5]/"),
        ("[fd00::5]", "http://[fd00::5]/"),
        ("[fd00::5]:81", "http://[fd00::5]:81/"),
        ("fe80::1%eth0", "http://[fe80::1%eth0]/"),
        ("cemm", "http://cemm/"),
        ("Cemm.local:81", "http://cemm.local:81/"),
        ("_cemm-1.local.", "http://_cemm-1.local./"),
        ("mètre.nl", "http://xn--mtre-5oa.nl/"),
        (" http://192.168.1.5/ ", "http://192.168.1.5/"),
        ("HTTP://cemm:80", "http://cemm/"),
        ("h:0", "http://h:0/"),
        # Whatever else was pasted with it.
        ("http://192.168.1.5/open-api/v1/", "http://192.168.1.5/"),
        ("192.168.1.5/open-api/v1/p1/realtime/?time=1#x", "http://192.168.1.5/"),
        ("https://cemm:81/", "http://cemm:81/"),
        ("//cemm//", "http://cemm/"),
        ("http://http://cemm", "http://cemm/"),
        ("http://[fd00::5]:81/open-api/v1", "http://[fd00::5]:81/"),
        ("cemm?api_key=secret", "http://cemm/"),
        ("cemm#a@b", "http://cemm/"),
        ("\u200b\ufeff 192.168.1.5\u2060\u00a0\r\n", "http://192.168.1.5/"),
        ("\u202ahttp://cemm/\u202c", "http://cemm/"),
    ],
)
def test_base_url(host: str, url: str) -> None:
    assert str(base_url(host)) == url
    # What is stored leads to the same place.
    assert base_url(clean_host(host)) == base_url(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "  ", "/", ":", ":80", "http://", "https:///x", "ftp://cemm"),
        *("cemm:port", "cemm:99999", "cemm:-1", "cemm:80:90"),
        *("1:2:3", "[cemm]", "[", "[]@"),
        *("a b", "a@b", ":a@b", "a\\b", "a%20b", "<a>", "*", "."),
        *("..", "-", "\ud800", "http://a@b/open-api/v1/", "\u200b", "a\u200bb"),
    ],
)
async def test_no_base_url(host: str, session: ClientSession) -> None:
    with pytest.raises(ValueError):
        base_url(host)
    with pytest.raises(CemmConnectionError, match="no host name or address"):
        LocalCemm(host, session)


@given(st.text() | st.text("[]:/@?#%.0123456789abf", max_size=20))
def test_base_url_of_anything(host: str) -> None:
    try:
        url = base_url(host)
    except ValueError:
        return
    assert url.scheme == "http"
    assert url == url.origin() / ""


UID = "FF-FF-FF-FF-FF-FF"


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        *((same, same) for same in ("4e4f657", "k+e y&%41=#/?é€", "d&uid=e", "")),
        (" 4e4f657\n", "4e4f657"),
        ("\u200b\ufeff4e4f657\u00ad\u2060\u00a0", "4e4f657"),
        ("?api_key=4e4f657", "4e4f657"),
        ("https://x/v1/cemm/?time=1&api_key=4e%2Bf&b=2#c", "4e+f"),
    ],
)
def test_keys(typed: str, key: str) -> None:
    assert clean_key(typed) == key


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (DEFAULT_URL, "https://open-api.cemm.nl/v1/"),
        ("https://open-api.cemm.nl/v1", "https://open-api.cemm.nl/v1/"),
        (" https://x:8443/a/b/ ", "https://x:8443/a/b/"),
        ("https://x/v1/?api_key=1&b=2#c", "https://x/v1/"),
        ("http://localhost:81/v1/", "http://localhost:81/v1/"),
        ("http://LOCALHOST/", "http://localhost/"),
        ("http://127.0.0.1:81/v1/", "http://127.0.0.1:81/v1/"),
        ("http://127.1.2.3/", "http://127.1.2.3/"),
        ("http://[::1]:81/", "http://[::1]:81/"),
        # Whatever else was pasted with it.
        ("open-api.cemm.nl/v1", "https://open-api.cemm.nl/v1/"),
        ("//open-api.cemm.nl/v1/", "https://open-api.cemm.nl/v1/"),
        ("x.nl:8443/v1", "https://x.nl:8443/v1/"),
        ("https://x/v1//", "https://x/v1/"),
        ("https://x//open-api//v1/cemm/?api_key=1", "https://x/open-api/v1/"),
        ("https://x/v1/CEMM", "https://x/v1/"),
        (f"https://x/V2/cemm/{UID}/p1/data/day/?time=1&api_key=1", "https://x/V2/"),
        ("\ufeffhttps://x/v1/\u200b", "https://x/v1/"),
        # Another server may have names of its own.
        ("https://x/cemm/v1/", "https://x/cemm/v1/"),
        ("https://x/a%20b/cemm", "https://x/a%20b/cemm/"),
    ],
)
def test_addresses_for_a_key(url: str, base: str) -> None:
    assert str(check_url(url)) == base


@pytest.mark.parametrize(
    "host",
    [
        *("open-api.cemm.nl", "192.168.1.5", "0.0.0.0", "[fd00::1]", "[::]"),
        *("127.evil.example", "localhost.evil.example", "evil-localhost", "localhost."),
        *("127.1", "2130706433", "0x7f.0.0.1", "127.0.0.1.example"),
    ],
)
async def test_no_key_over_plain_http(host: str, session: ClientSession) -> None:
    url = f"http://{host}/v1/"
    with pytest.raises(InsecureUrlError):
        check_url(url)
    with pytest.raises(InsecureUrlError):
        RemoteCemm(url, "key", "FF-FF-FF-FF-FF-FF", session)


@pytest.mark.parametrize(
    "url",
    [
        *("", " ", "/", "?api_key=1", "ftp://x/", "file:///etc/", "\u200b"),
        *("x", "localhost:81/v1", "4e4f657"),
        *("https://", "https:///v1/", "https://[", "https://[]@"),
        *("https://x:99999/", "https://x:y/"),
        *("https://open-api.cemm.nl@evil.example/", "http://localhost@evil.example/"),
        *("https://:secret@x/", "https://a:b@x/"),
    ],
)
def test_no_address(url: str) -> None:
    with pytest.raises(CemmConnectionError, match="no web address"):
        check_url(url)


@given(
    st.text()
    | st.text("[]:/@?#%.0127localhost", max_size=20).map(lambda rest: f"http://{rest}")
)
def test_addresses_of_anything(url: str) -> None:
    try:
        base = check_url(url)
    except CemmError:
        return
    assert base.query_string == base.fragment == ""
    assert not base.user
    assert base.host
    if base.scheme == "http":
        assert base.host == "localhost" or ip_address(base.host).is_loopback
