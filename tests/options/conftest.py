"""A recorder, and a house whose past is soon told."""

import logging

from homeassistant.components.recorder import Recorder
import pytest

from simulator import House
from tests.helpers.menu import days_ago


@pytest.fixture
def enable_custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Start the recorder before anything else."""
    # Every statement would be logged: that takes longer than the import.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


@pytest.fixture
def house() -> House:
    """Return a house whose past is soon told."""
    return House(seed=1, since=days_ago(5))
