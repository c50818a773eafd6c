"""Imports into a real recorder, against the house that knows the truth."""

from datetime import date, timedelta
from itertools import pairwise
import time

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.history import HistoryManager
from simulator import House, Simulator

from .common import all_counters, all_rows, truth
from ..conftest import setup


async def test_range(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    manager = HistoryManager(hass, local_entry, local_entry.runtime_data.coordinator)
    await manager.async_start()
    today = date.today()
    t = time.time()
    hours = await manager.async_import(today - timedelta(days=40))
    print(hours, time.time() - t, len(sim.requests))
    rows = await all_rows(hass, local_entry)
    for counter in all_counters(hass, local_entry):
        found = rows[counter.name]
        print(counter.name, len(found), found[0], found[-1])
        worst = 0
        for a, b in pairwise(found):
            real = truth(house, counter, b.end) - truth(house, counter, a.end)
            if abs(b.sum - a.sum - real) > 0.002 + 0.01 * real:
                print(a, b, real)
                worst += 1
        print(worst)
    assert 0
