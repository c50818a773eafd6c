"""A real recorder, where a test asks for one."""

from collections.abc import Iterator
import logging
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def _custom_integration(request: pytest.FixtureRequest) -> Iterator[None]:
    """Load this integration, on loopback alone; the recorder must be there first.

    What is pure arithmetic needs no Home Assistant.
    """
    if "recorder_mock" not in request.fixturenames:
        yield
        return
    # Every statement would be logged: that takes longer than the import.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    for fixture in ("recorder_mock", "enable_custom_integrations", "socket_enabled"):
        request.getfixturevalue(fixture)
    with patch(
        "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
        return_value=set(),
    ):
        yield
