"""A real recorder, where a test asks for one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from simulator import House, Simulator
from tests.helpers.past import Past

# Ten days after the clock was put back.
NOW = datetime(2025, 11, 5, 14, 20, 30, tzinfo=UTC)


@pytest.fixture
async def freezer(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """Let the loop run what is due exactly now.

    It waits until a timer is over by a nanosecond, which is less than the 0.24 µs that a
    frozen clock can tell apart. So it would look for what is due now without a pause until
    the clock is moved, and take most of a core from the recorder's thread.
    """
    asyncio.get_running_loop()._clock_resolution = 1e-6  # type: ignore[attr-defined]
    return freezer


@pytest.fixture
def needed(request: pytest.FixtureRequest) -> Sequence[str]:
    """Return what a test with a recorder needs, at a fixed time.

    What is pure arithmetic needs no Home Assistant.
    """
    # Every statement would be logged: that takes longer than the import.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    if "recorder_mock" in request.fixturenames:
        freezer: FrozenDateTimeFactory = request.getfixturevalue("freezer")
        freezer.move_to(NOW)
        return "recorder_mock", "enable_custom_integrations", "socket_enabled"
    if "async_test_recorder" in request.fixturenames:
        return "socket_enabled", "hass_storage"
    return ()


@pytest.fixture
def enable_missing_statistics(request: pytest.FixtureRequest) -> bool:
    """Let a recorder that is started again make up for the time that it did not run."""
    return "recorder_mock" not in request.fixturenames


@pytest.fixture
def persistent_database() -> bool:
    """Keep the database in a file, with connections of their own for readers."""
    return True


@pytest.fixture
def past(
    request: pytest.FixtureRequest,
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    sim: Simulator,
) -> Past:
    """Return a house and its entry, that of the local API unless the test says otherwise."""
    api = getattr(request, "param", "local")
    entry = request.getfixturevalue(f"{api}_entry")
    return Past(hass, freezer, house, sim, entry)
