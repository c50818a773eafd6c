"""Queries of a real recorder."""

import asyncio
from datetime import date
from threading import Event
from time import sleep
from unittest.mock import patch

from homeassistant.components.recorder import Recorder
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.cemm.history import recorder
from tests.helpers.past import Past


async def test_a_query_ends_before_what_waits_for_it(past: Past) -> None:
    await past.setup()
    counter = next(iter(past.counters().values()))
    begun, ended, go_on = Event(), Event(), Event()

    def query(*_: object) -> dict[str, list[object]]:
        begun.set()
        go_on.wait(5)
        ended.set()
        return {}

    with patch.object(recorder, "statistics_during_period", query):
        waiting = asyncio.create_task(recorder.async_hours(past.hass, counter, 0))
        await past.hass.async_add_executor_job(begun.wait, 5)
        waiting.cancel()
        # The event loop's own clock stands still.
        await past.hass.async_add_executor_job(sleep, 0.05)
        assert not waiting.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()


async def test_a_query_ends_before_home_assistant_does(
    recorder_mock: Recorder, past: Past
) -> None:
    """Home Assistant does not wait for what it has cancelled, and closes the database."""
    await past.settle()
    begun, connected = Event(), []

    def query(*_: object) -> dict[str, list[object]]:
        begun.set()
        for _ in range(100):
            if recorder_mock.engine is None:
                break
            sleep(0.01)
        connected.append(recorder_mock.engine is not None)
        return {}

    with patch.object(recorder, "statistics_during_period", query):
        history = past.history
        asked_for = past.hass.async_create_task(history.async_import(date(2025, 11, 4)))
        await past.hass.async_add_executor_job(begun.wait, 5)
        history._async_tick()
        await past.hass.async_stop()
        history._async_tick()
    with pytest.raises(HomeAssistantError, match="interrupted"):
        await asked_for
    assert connected == [True]
