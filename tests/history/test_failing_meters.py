"""Meters that fail or vanish, and the others."""

import asyncio
from collections import Counter
from datetime import date
from time import sleep
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.cemm.client import History, LocalCemm, Reading
from custom_components.cemm.days import midnight
from custom_components.cemm.history import Ledger, questions, reconciler
from simulator import Fault, House
from tests.helpers.history import small_house
from tests.helpers.past import Past


@pytest.fixture
def house() -> House:
    return small_house(date(2025, 10, 20), "p1-gas", "pulse-2")


async def test_a_meter_that_is_gone_does_not_stop_the_others(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been unplugged, or vanish from the CEMM's list while others are asked."""
    await past.settle()
    past.sim.faults.append(Fault("status", "/p1-gas/", value=404))
    history = past.history
    written = await history.async_import(date(2025, 11, 1))
    assert written["p1-gas"] == 0
    assert written["pulse-2"] > 24

    coordinator = past.coordinator
    rest = {"pulse-2": coordinator.data["pulse-2"]}
    counted = past.counters()
    with (
        patch.object(reconciler, "counters", return_value=counted.values()),
        patch.object(coordinator, "data", rest),
    ):
        again = await history.async_import(date(2025, 10, 31))
    assert again == {"p1-gas": 0, "pulse-2": 24}
    assert not [r for r in caplog.records if "history is tried" in r.getMessage()]


async def test_a_meter_that_fails_does_not_put_off_the_first_import(past: Past) -> None:
    """What the user asked for last was interrupted, and is wanted still."""
    await past.settle()
    past.sim.faults.append(Fault("status", "/p1-gas/data/year/", value=500))
    checkpoint = Ledger(past.hass, past.entry)
    await checkpoint.async_want((date(2025, 11, 4), None))
    past.wish()
    await past.hass.config_entries.async_reload(past.entry.entry_id)
    await past.finished()
    rows = await past.rows()
    assert rows["pulse-2_volume"][0].start == midnight(past.house.since)
    assert not rows["p1-gas_gas"]
    past.sim.faults.clear()
    await past.next_hour()
    rows = await past.rows()
    assert rows["p1-gas_gas"][0].start == midnight(past.house.since)


@pytest.mark.parametrize("path", ["/data/", "/data/year/", "/data/day/"])
async def test_a_meter_whose_connections_break_costs_no_other(
    past: Past, path: str
) -> None:
    """A firmware that crashes at the questions about one meter answers all others."""
    await past.setup()
    past.sim.faults.append(Fault("drop", f"/p1-gas{path}"))
    past.wish()
    await past.next_hour()
    rows = await past.rows()
    assert rows["pulse-2_volume"][0].start == midnight(past.house.since)
    past.sim.faults.clear()
    await past.next_hour()
    rows = await past.rows()
    assert rows["p1-gas_gas"][0].start == midnight(past.house.since)


async def test_what_was_imported_is_not_asked_for_again_with_what_was_not(
    past: Past,
) -> None:
    """The user's wish stays, for the meter that is not connected."""
    await past.settle()
    past.sim.faults.append(Fault("status", "/p1-gas/data/", value=404))
    past.sim.faults.append(Fault("status", "/p1-gas/realtime/", value=404))
    await past.history.async_import(date(2025, 11, 1))
    asked = len(past.sim.requests)
    await past.next_hour()
    later = list(past.sim.requests)[asked:]
    assert not [each for each in later if "/pulse-2/data/" in each.path]
    past.sim.faults.clear()
    await past.next_hour()
    assert (await past.rows())["p1-gas_gas"][0].start == midnight(date(2025, 11, 1))


@pytest.mark.parametrize("period", ["year", "day"])
async def test_others_are_imported_while_a_question_waits(
    past: Past, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    """It is asked again in some seconds, and costs no other meter that time."""
    await past.settle()
    monkeypatch.setattr(questions, "FIRST_PAUSE", 60.0)
    path = f"/p1-gas/data/{period}/"
    past.sim.faults.append(Fault("status", path, value=500, times=1))
    importing = asyncio.create_task(past.history.async_import())
    begin = midnight(past.house.since)
    while begin not in {row.start for row in (await past.rows())["pulse-2_volume"]}:
        await past.hass.async_add_executor_job(sleep, 0.01)
    assert not (await past.rows())["p1-gas_gas"]
    past.freezer.tick(61)
    async_fire_time_changed(past.hass)
    await importing
    assert (await past.rows())["p1-gas_gas"][0].start == begin


async def test_a_meter_that_reads_gas_too_is_asked_once(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same day tells of both."""
    realtime, history = LocalCemm.realtime, LocalCemm.history

    async def with_gas(client: LocalCemm, alias: str) -> Reading:
        reading = await realtime(client, alias)
        volume = reading.channels.get("volume")
        return Reading({**reading.channels, "gas": volume}) if volume else reading

    async def past_with_gas(client: LocalCemm, *asked: Any) -> History:
        found = await history(client, *asked)
        gas = found.channels.get("flow") or found.channels.get("volume", ())
        return History({**found.channels, "gas": gas})

    monkeypatch.setattr(LocalCemm, "realtime", with_gas)
    monkeypatch.setattr(LocalCemm, "history", past_with_gas)
    await past.settle()
    before = len(past.sim.requests)
    await past.history.async_import()
    rows = await past.rows()
    assert rows["pulse-2_gas"][0].start == midnight(past.house.since)
    asked = Counter(
        (request.path, request.query["time"])
        for request in list(past.sim.requests)[before:]
        if "/pulse-2/data/day/" in request.path
        # Today goes on: that is asked for anew.
        and int(request.query["time"]) < midnight(date(2025, 11, 5))
    )
    assert asked.total() > 10
    assert set(asked.values()) == {1}
