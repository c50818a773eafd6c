"""What nobody expects: the coordinator must not make it worse."""

import asyncio
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.meters.meters import Meters


async def test_an_unexpected_error_is_followed_by_a_pause(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """In real time: the event loop would be busy with nothing else."""
    coordinator = loaded_entry.runtime_data.coordinator
    with patch.object(
        Meters, "find_stopped", side_effect=ZeroDivisionError
    ) as unexpected:
        coordinator._planned = 0
        await coordinator.async_refresh()
        await asyncio.sleep(0.3)
    assert unexpected.call_count == 1
