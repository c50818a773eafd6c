"""Imports that are interrupted, by whatever it is, and still end with every row."""

import asyncio
from datetime import date
import gc
from hashlib import sha256
from itertools import pairwise
from random import Random
from time import sleep
from unittest.mock import patch

from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.cemm.client import (
    CemmConnectionError,
    CemmError,
    History,
    Period,
)
from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.healing import Healer
from simulator import Fault, House
from tests.helpers.history import NEWEST, SINCE, assert_seamless, keep, truth
from tests.helpers.past import Past

# A digest: interrupted or not, the import of that house writes the same.
ROWS_OF_THAT_IMPORT = "5dc8f1016181dcc3"


@pytest.fixture
def house(request: pytest.FixtureRequest) -> House:
    return House(seed=1, since=getattr(request, "param", SINCE))


@pytest.mark.parametrize("interruptions", [pytest.param(0, marks=pytest.mark.rest), 20])
@pytest.mark.parametrize("house", [date(2025, 10, 12)], indirect=True)
async def test_an_import_goes_on_after_interruptions(
    past: Past, interruptions: int
) -> None:
    """It ends with the very rows that an uninterrupted one has."""
    keep(past.house, "p1-gas", "pulse-2")
    rng = Random(7)
    past.wish()
    for _ in range(interruptions):
        await past.setup()
        seen, wanted = len(past.sim.requests), rng.randrange(25)
        while len(past.sim.requests) < seen + wanted and any(
            "history" in task.get_name() for task in past.entry._background_tasks
        ):
            # The loop's own clock is frozen.
            await past.hass.async_add_executor_job(sleep, 0.001)
        await past.hass.config_entries.async_unload(past.entry.entry_id)
    await past.settle()
    rows = await past.rows()
    hours = (NEWEST - midnight(past.house.since)) // HOUR
    assert {name: len(found) for name, found in rows.items()} == {
        "p1-gas_gas": hours,
        "pulse-2_volume": hours,
    }
    for name, counter in past.counters().items():
        assert_seamless(rows[name])
        for a, b in pairwise(rows[name]):
            used = truth(past.house, counter, b.end) - truth(past.house, counter, a.end)
            assert b.sum - a.sum == pytest.approx(used, rel=0.01, abs=0.002)
    # All sums are moved together with each month that is added: that makes float noise.
    told = [
        (name, row.start, round(row.state, 4), round(row.sum, 4))
        for name, found in rows.items()
        for row in found
    ]
    assert sha256(repr(told).encode()).hexdigest()[:16] == ROWS_OF_THAT_IMPORT


async def test_what_the_user_asked_for_is_finished_after_a_restart(past: Past) -> None:
    keep(past.house, "p1-gas", "pulse-2")
    await past.setup()
    past.sim.faults.append(Fault("latency", path="/data/day", value=0.05))
    task = past.hass.async_create_task(past.history.async_import(date(2025, 11, 3)))
    while not any("/data/day" in request.path for request in past.sim.requests):
        await past.hass.async_add_executor_job(sleep, 0.001)
    past.sim.faults.clear()
    await past.hass.config_entries.async_reload(past.entry.entry_id)
    with pytest.raises(HomeAssistantError) as interrupted:
        await task
    assert interrupted.value.translation_key == "import_interrupted"
    await past.finished()
    rows = await past.rows()
    assert {found[0].start for found in rows.values()} == {midnight(date(2025, 11, 3))}


async def test_who_stops_waiting_does_not_end_the_import(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even one that fails."""
    keep(past.house, "pulse-2")
    await past.settle()
    past.sim.faults.append(Fault("status", "/day/", value=500))
    waiting = asyncio.create_task(past.history.async_import(date(2025, 11, 3)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(CemmError):
        await past.finished()
    assert any("/data/day" in request.path for request in past.sim.requests)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_an_outage_in_the_middle_loses_nothing_that_was_asked_for(
    past: Past,
) -> None:
    keep(past.house, "p1")
    await past.setup()
    await past.go_live(1)
    november = midnight(date(2025, 11, 1))
    real = past.client.history

    async def history(alias: str, period: Period, start: int) -> History:
        if period is not Period.YEAR and start < november:
            raise CemmConnectionError("gone")
        return await real(alias, period, start)

    with (
        patch.object(past.client, "history", history),
        pytest.raises(CemmConnectionError),
    ):
        await past.history.async_import()
    rows = await past.rows()
    assert {found[0].end for found in rows.values()} == {november}
    # There is a live sum: the dashboard shows no fall in what there is so far.
    sums = [found[0].sum for found in rows.values()]
    assert sums == pytest.approx([0] * len(rows), abs=1e-6)

    await past.history.async_import()
    for name, counter in past.counters().items():
        found = (await past.rows())[name]
        assert found[0].start == midnight(SINCE)
        assert_seamless(found)
        assert found[-1].state == pytest.approx(
            truth(past.house, counter, NEWEST), abs=0.01
        )


async def test_an_unexpected_error_is_logged_and_does_not_end_the_work(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(Healer, "async_run", side_effect=ZeroDivisionError("odd")) as run:
        await past.settle()
        await past.next_hour()
    assert run.call_count == 2
    assert caplog.text.count("ZeroDivisionError: odd") == 2
    assert "history is tried again later" in caplog.text
