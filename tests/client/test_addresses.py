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
    ],
)
def test_base_url(host: str, url: str) -> None:
    assert str(base_url(host)) == url
    # What is stored leads to the same place.
    assert base_url(clean_host(host)) == base_url(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "  ", "/", ":", ":80", "http://", "https://cemm/", "ftp://cemm"),
        *("cemm:port", "cemm:99999", "cemm:-1", "cemm:80:90"),
        *("1:2:3", "[cemm]", "[", "[]@"),
        *("a b", "a/b", "a?b", "a#b", "a@b", ":a@b", "a\\b", "a%20b", "<a>", "*", "."),
        *("..", "-", "\ud800", "http://cemm/open-api/v1/"),
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
        *("", " ", "x", "open-api.cemm.nl/v1/", "//x/", "ftp://x/", "file:///etc/"),
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
