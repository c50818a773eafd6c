"""Queries of a real recorder."""

import asyncio
from threading import Event
from time import sleep
from unittest.mock import patch

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.history import recorder
from tests.conftest import setup

from .common import all_counters


async def test_a_query_ends_before_what_waits_for_it(
    recorder_mock: Recorder, hass: HomeAssistant, local_entry: MockConfigEntry
) -> None:
    await setup(hass, local_entry)
    counter = next(iter(all_counters(hass, local_entry).values()))
    begun, ended, go_on = Event(), Event(), Event()

    def query(*_: object) -> dict[str, list[object]]:
        begun.set()
        go_on.wait(5)
        ended.set()
        return {}

    with patch.object(recorder, "statistics_during_period", query):
        waiting = asyncio.create_task(recorder.async_hours(hass, counter, 0))
        await hass.async_add_executor_job(begun.wait, 5)
        waiting.cancel()
        # The event loop's own clock stands still.
        await hass.async_add_executor_job(sleep, 0.05)
        assert not waiting.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()
