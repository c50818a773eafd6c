"""Tests of what is made of an answer to the broadcast, whatever it says."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.cemm.client import Answer
from custom_components.cemm.client.discovery import MAX_DATAGRAM, QUERY, parse_answer
from tests.helpers.client import EXAMPLE, MAC, answer_of

HOST = "192.168.2.115"


def test_example() -> None:
    assert parse_answer(EXAMPLE, HOST) == Answer(HOST, MAC)


def test_the_sender_counts_not_what_it_says() -> None:
    assert parse_answer(EXAMPLE, "10.0.0.7") == Answer("10.0.0.7", MAC)


@pytest.mark.parametrize(
    "data",
    [
        *(QUERY, b"", b"\x00", b"\xff\xfe", b"[", b"[" * MAX_DATAGRAM, b"null"),
        *(b"[]", b"1", b'"mac"', b"{}", b'{"mac": 1}', b'{"mac": null}'),
        *(b'{"mac": ["00:1E:C0:85:96:CC"]}', answer_of(""), answer_of("CEMM")),
    ],
)
def test_junk(data: bytes) -> None:
    assert parse_answer(data, HOST) is None


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860::1", "no address", ""])
def test_foreign_addresses(host: str) -> None:
    assert parse_answer(EXAMPLE, host) is None


@pytest.mark.parametrize("host", ["10.0.0.1", "172.16.0.1", "169.254.1.1"])
def test_addresses_of_a_house(host: str) -> None:
    assert parse_answer(EXAMPLE, host) == Answer(host, MAC)


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.just("mac") | st.text(), inner)
        ),
    ).map(lambda document: json.dumps(document).encode())
)
def test_anything(data: bytes) -> None:
    found = parse_answer(data, HOST)
    assert found is None or found.host == HOST
