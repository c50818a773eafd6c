"""A real recorder, where a test asks for one."""

from collections.abc import Iterator
from datetime import UTC, datetime
import logging
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

# Ten days after the clock was put back.
NOW = datetime(2025, 11, 5, 14, 20, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _custom_integration(request: pytest.FixtureRequest) -> Iterator[None]:
    """Load this integration, on loopback alone, at a fixed time.

    What is pure arithmetic needs no Home Assistant.
    """
    if "recorder_mock" not in request.fixturenames:
        yield
        return
    # Every statement would be logged: that takes longer than the import.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer: FrozenDateTimeFactory = request.getfixturevalue("freezer")
    freezer.move_to(NOW)
    for fixture in ("recorder_mock", "enable_custom_integrations", "socket_enabled"):
        request.getfixturevalue(fixture)
    with patch(
        "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
        return_value=set(),
    ):
        yield


@pytest.fixture
def persistent_database() -> bool:
    """Keep the database in a file, with connections of their own for readers."""
    return True
