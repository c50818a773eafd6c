"""A real recorder, where a test asks for one."""

from collections.abc import Sequence
from datetime import UTC, datetime
import logging

from freezegun.api import FrozenDateTimeFactory
import pytest

# Ten days after the clock was put back.
NOW = datetime(2025, 11, 5, 14, 20, 30, tzinfo=UTC)


@pytest.fixture
def needed(request: pytest.FixtureRequest) -> Sequence[str]:
    """Return what a test with a recorder needs, at a fixed time.

    What is pure arithmetic needs no Home Assistant.
    """
    if "recorder_mock" not in request.fixturenames:
        return ()
    # Every statement would be logged: that takes longer than the import.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer: FrozenDateTimeFactory = request.getfixturevalue("freezer")
    freezer.move_to(NOW)
    return "recorder_mock", "enable_custom_integrations", "socket_enabled"


@pytest.fixture
def persistent_database() -> bool:
    """Keep the database in a file, with connections of their own for readers."""
    return True
