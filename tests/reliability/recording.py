"""What the recorder makes of a counter, against the house that knows the truth."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.client import COUNTERS
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import async_newest_minutes
from simulator import Fault, House, Simulator
from tests.common import poll
from tests.history.common import all_counters, finished, truth

PERIOD = 300


def all_zero(sim: Simulator) -> list[Fault]:
    """Return the faults by which every counter of every meter reads 0."""
    return [
        Fault("zero", value=(alias, key))
        for alias in sim.house.meters
        for key in COUNTERS
    ]


async def record(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    house: House,
    freezer: FrozenDateTimeFactory,
    periods: int,
    step: float = 10,
) -> dict[str, float]:
    """Let time pass, and the recorder compile its statistics of every five minutes.

    Returns what each counter really read when it was measured last before the end.
    """
    true: dict[str, float] = {}
    for _ in range(periods):
        now = dt_util.utcnow().timestamp()
        start = now // PERIOD * PERIOD
        # What is polled at the very end would count for the next five minutes.
        steps = (start + PERIOD - 1 - now) // step
        await poll(hass, freezer, steps * step, step)
        true = readings(house, entry)
        freezer.move_to(dt_util.utc_from_timestamp(start + PERIOD + 0.1))
        await async_wait_recording_done(hass)
        do_adhoc_statistics(hass, start=dt_util.utc_from_timestamp(start))
        await async_wait_recording_done(hass)
        await finished(entry)
    return true


async def newest_sums(
    hass: HomeAssistant, counters: dict[str, Counter]
) -> dict[str, float]:
    """Return what each counter has counted by the recorder's newest statistics."""
    rows = {name: await async_newest_minutes(hass, c) for name, c in counters.items()}
    return {name: row.sum for name, row in rows.items() if row}


def readings(house: House, entry: MockConfigEntry) -> dict[str, float]:
    """Return what each counter really read when it was measured last."""
    coordinator = entry.runtime_data.coordinator
    found = {}
    for name, counter in all_counters(coordinator.hass, entry).items():
        channels = coordinator.data[counter.alias].channels
        at = max(channels[register].time for register in counter.registers) / 1000
        found[name] = truth(house, counter, at)
    return found
