"""Tests of the errors: one class per HTTP status, known by its number."""

import pytest

from custom_components.cemm.client import (
    AuthenticationError,
    BusyError,
    CemmError,
    CemmStatusError,
    GatewayError,
    NotConnectedError,
    PromiseError,
    UnsupportedAliasError,
)
from custom_components.cemm.client.errors import error_for_status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (202, PromiseError),
        (400, NotConnectedError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotConnectedError),
        (405, NotConnectedError),
        (408, GatewayError),
        (412, UnsupportedAliasError),
        (429, BusyError),
        (502, GatewayError),
        (503, BusyError),
        (500, CemmStatusError),
        (204, CemmStatusError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[CemmStatusError]) -> None:
    error = error_for_status(status)
    assert type(error) is kind
    assert isinstance(error, CemmError)
    assert error.status == status
    assert str(error) == f"HTTP status {status}"
