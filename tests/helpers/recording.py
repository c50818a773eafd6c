"""What the recorder makes of the counters, against the house that knows the truth."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import format_mac
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.client import REGISTERS
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.history.recorder import MINUTES, async_newest
from simulator import Fault, Simulator

from .common import poll
from .history import all_counters, finished, truth

type Amounts = dict[str, float]
"""kWh or m³ by counter."""

PERIOD = 300


class Recording:
    """One CEMM, and a recorder that writes down what it counts."""

    def __init__(
        self,
        hass: HomeAssistant,
        sim: Simulator,
        entry: MockConfigEntry,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        self.hass = hass
        self.sim = sim
        self.entry = entry
        self._freezer = freezer

    def of_another(self, sim: Simulator) -> Recording:
        """Return that of another CEMM, in the same Home Assistant."""
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="CEMM Plus",
            unique_id=format_mac(sim.house.mac),
            data={"connection": "local", "host": sim.base},
        )
        return Recording(self.hass, sim, entry, self._freezer)

    async def poll(self, seconds: float, step: float = 10) -> None:
        """Let time pass."""
        await poll(self.hass, self._freezer, seconds, step)

    async def go_on(self, periods: int) -> Amounts:
        """Let time pass, and the recorder compile its statistics of every five minutes.

        Returns what the counters really read when they were measured last before the end.
        """
        readings: Amounts = {}
        for _ in range(periods):
            now = dt_util.utcnow().timestamp()
            start = now // PERIOD * PERIOD
            # What is polled at the very end would count for the next five minutes.
            await self.poll((start + PERIOD - 1 - now) // 10 * 10)
            readings = self.readings()
            self._freezer.move_to(dt_util.utc_from_timestamp(start + PERIOD + 0.1))
            await async_wait_recording_done(self.hass)
            do_adhoc_statistics(self.hass, start=dt_util.utc_from_timestamp(start))
            await async_wait_recording_done(self.hass)
            await finished(self.entry)
        return readings

    def readings(self) -> Amounts:
        """Return what the counters really read when they were measured last."""
        data = self.entry.runtime_data.coordinator.data
        found: Amounts = {}
        for name, counter in all_counters(self.hass, self.entry).items():
            channels = data[counter.alias].channels
            at = max(channels[register].time for register in counter.registers) / 1000
            found[name] = truth(self.sim.house, counter, at)
        return found

    async def sums(self) -> Amounts:
        """Return the sums in the recorder's newest statistics."""
        counters = all_counters(self.hass, self.entry)
        rows = {
            name: await async_newest(self.hass, counter, MINUTES)
            for name, counter in counters.items()
        }
        return {name: row.sum for name, row in rows.items() if row}

    def has_asked_before(self, time: int) -> bool:
        """Tell whether the import has come to days before a Unix time."""
        return any(
            "/data/day" in request.path and int(request.query["time"]) < time
            for request in self.sim.requests
        )

    def all_read_zero(self) -> None:
        """Let every register of every meter read 0."""
        self.sim.faults += [
            Fault("zero", value=(alias, key))
            for alias in self.sim.house.meters
            for key in REGISTERS
        ]
