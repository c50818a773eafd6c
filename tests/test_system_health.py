"""Home Assistant's system information shows how the CEMMs are."""

import asyncio
from collections.abc import Coroutine
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from simulator import Fault, Simulator
from tests.helpers.common import poll

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def health(hass: HomeAssistant, server: str) -> dict[str, object]:
    """Return the information, with this server in the place of the real one."""
    with patch("custom_components.cemm.system_health.DEFAULT_URL", server):
        info = await get_system_health_info(hass, "cemm")
        pending = [key for key, value in info.items() if isinstance(value, Coroutine)]
        answers = await asyncio.gather(*(info[key] for key in pending))
    return info | dict(zip(pending, answers, strict=True))


async def test_system_health_tells_what_can_be_reached(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert await async_setup_component(hass, "system_health", {})
    await setup(hass, local_entry)
    await hass.async_block_till_done()
    assert await health(hass, sim.remote_url) == {
        "can_reach_server": "ok",
        "cemms": 1,
        "unreachable": 0,
    }

    ignored = MockConfigEntry(domain="cemm", source=SOURCE_IGNORE, unique_id="other")
    ignored.add_to_hass(hass)
    sim.faults.append(Fault("drop"))
    await poll(hass, freezer, 60)
    unreachable = {
        "can_reach_server": {"type": "failed", "error": "unreachable"},
        "cemms": 1,
        "unreachable": 1,
    }
    assert await health(hass, sim.remote_url) == unreachable

    await hass.config_entries.async_reload(local_entry.entry_id)
    assert await health(hass, sim.remote_url) == unreachable
