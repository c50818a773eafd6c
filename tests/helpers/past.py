"""A CEMM whose past a real recorder is to get."""

from dataclasses import dataclass
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.cemm.client import CemmClient
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.history import HistoryManager
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.manager import INTERVAL
from simulator import House, Simulator
from tests.conftest import setup

from .history import Rows, all_counters, all_rows, finished

BOTH_APIS = pytest.mark.parametrize(
    "past", ["local", pytest.param("remote", marks=pytest.mark.rest)], indirect=True
)


@dataclass
class Past:
    """One house, its entry, and the time."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    house: House
    sim: Simulator
    entry: MockConfigEntry

    @property
    def history(self) -> HistoryManager:
        return self.entry.runtime_data.history

    @property
    def coordinator(self) -> CemmCoordinator:
        return self.entry.runtime_data.coordinator

    @property
    def client(self) -> CemmClient:
        return self.coordinator.client

    def wish(self) -> None:
        """Let all of the past be imported by itself, as it is where a user adds a CEMM."""
        if not self.hass.config_entries.async_get_entry(self.entry.entry_id):
            self.entry.add_to_hass(self.hass)
        self.hass.config_entries.async_update_entry(
            self.entry, options={"import_history": True}
        )

    async def setup(self) -> None:
        await setup(self.hass, self.entry)

    async def settle(self) -> None:
        """Set up, and wait until what begins then is done."""
        await self.setup()
        await self.finished()

    async def finished(self) -> None:
        await finished(self.entry)

    def counters(self) -> dict[str, Counter]:
        return all_counters(self.hass, self.entry)

    async def rows(self) -> Rows:
        return await all_rows(self.hass, self.entry)

    async def next_hour(self) -> None:
        """Let the time come at which holes are looked for."""
        self.freezer.tick(INTERVAL)
        async_fire_time_changed(self.hass)
        await self.hass.async_block_till_done()
        await self.finished()

    async def go_live(self, periods: int) -> None:
        """Let the recorder write some short-term rows, and hourly ones, by itself."""
        for _ in range(periods):
            now = dt_util.utcnow()
            start = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
            self.freezer.move_to(start + timedelta(minutes=4, seconds=58))
            await self.coordinator.async_refresh()
            await async_wait_recording_done(self.hass)
            self.freezer.move_to(start + timedelta(minutes=5, seconds=10))
            do_adhoc_statistics(self.hass, start=start)
            await async_wait_recording_done(self.hass)
            await self.finished()
        async_fire_time_changed(self.hass, dt_util.utcnow() + INTERVAL)
        await self.hass.async_block_till_done()
        await self.finished()
