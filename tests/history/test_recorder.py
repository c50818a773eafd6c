"""Queries of a real recorder."""

import asyncio
from datetime import date
from threading import Event
from time import sleep
from unittest.mock import patch

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.db_schema import (
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.util import session_scope
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from sqlalchemy import select

from custom_components.cemm.days import HOUR
from custom_components.cemm.history import recorder, seams
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.rows import Row
from tests.helpers.history import NEWEST, write
from tests.helpers.past import Past

FIRST = NEWEST - 6 * HOUR


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
        waiting = asyncio.create_task(recorder.async_rows(past.hass, counter, 0))
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


async def test_home_assistant_may_be_told_to_stop_twice(past: Past) -> None:
    await past.settle()
    await past.history._async_stop()
    again = asyncio.create_task(past.history._async_stop())
    await asyncio.sleep(0)  # The clock stands still: a time-out would not help.
    assert again.done()


async def five_minutes(
    hass: HomeAssistant, counter: Counter, *rows: tuple[int, float, float]
) -> None:
    """Let short-term rows be there: start, state, and seconds until each was made."""

    def insert() -> None:
        with session_scope(hass=hass) as session:
            is_counter = StatisticsMeta.statistic_id == counter.entity_id
            key = session.scalar(select(StatisticsMeta.id).where(is_counter))
            session.add_all(
                StatisticsShortTerm(
                    metadata_id=key,
                    start_ts=start,
                    state=state,
                    sum=0,
                    created_ts=start + later,
                )
                for start, state, later in rows
            )

    await get_instance(hass).async_add_executor_job(insert)


async def test_an_hour_is_seen_to_its_end_or_not(past: Past) -> None:
    await past.setup()
    one, other, *_ = past.counters().values()
    _, seen, broken_off, repeated, corrected, in_use = range(FIRST, NEWEST, HOUR)
    for counter in (one, other):
        hours = [Row(start, 5.0, 1.0) for start in range(FIRST, NEWEST, HOUR)]
        await write(past.hass, counter, hours)
    await five_minutes(
        past.hass,
        one,
        (seen + 3000, 4, 310),
        (seen + 3300, 5, 310),
        (broken_off + 600, 4, 310),
        (broken_off + 900, 5, 310),
        (repeated + 900, 5, 310),
        (repeated + 3300, 5, 4000),
        (corrected + 900, 4, 310),
        (in_use + 900, 4, 310),
        (in_use + 3300, 5, 590),
    )
    await five_minutes(past.hass, other, (broken_off + 3300, 5, 310))

    assert set(await seams._async_unseen(past.hass, one)) == {broken_off, repeated}
    assert not await seams._async_unseen(past.hass, other)
