"""A single meter whose every answer a test decides, and a recorder that books what it shows."""

from collections.abc import Callable, Mapping
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cemm.history.counters import Statistic, statistics
from custom_components.cemm.history.recorder import (
    MINUTES,
    async_newest,
    async_rows,
    async_stored,
)
from custom_components.cemm.history.rows import Row
from simulator import Fault, Simulator
from tests.conftest import setup

from .common import answered, only_meter
from .history import finished

PERIOD = 300

type Values = Mapping[str, float | None]
"""What each channel shows; None where it was never measured."""
type Answer = tuple[Values, Values | None]
"""What is in `data` and in `totals`."""
type Script = Callable[[float], Answer]
"""The answer at a Unix time."""


class Lab:
    """One CEMM with one meter, asked every ten seconds."""

    hass: HomeAssistant
    entry: MockConfigEntry

    def __init__(
        self,
        sim: Simulator,
        freezer: FrozenDateTimeFactory,
        alias: str,
        kind: str,
        question: str = "realtime",
    ) -> None:
        self.sim = sim
        self._freezer = freezer
        only_meter(sim, alias, kind, {"data": {}})
        self._fault = Fault("body", f"/{alias}/{question}/")
        sim.faults.insert(0, self._fault)
        self.script: Script = lambda _: ({}, None)
        self.cadence = 10.0
        """Seconds from one measurement to the next."""
        self.compiles = True
        """Whether there is a recorder that summarises what was recorded."""

    @property
    def now(self) -> float:
        return dt_util.utcnow().timestamp()

    async def start(self) -> None:
        self.answer()
        await setup(self.hass, self.entry)

    async def restart(self, after: float = 0) -> None:
        """Load the integration again, some seconds later."""
        await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.wait(after)
        self.answer()
        await setup(self.hass, self.entry)

    async def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is asked."""
        end = self.now + seconds
        while self.now < end:
            await self._tick(min(PERIOD, end - self.now))

    async def go_on(self, seconds: float) -> None:
        """Let time pass, the meter be asked and the recorder do its work."""
        end = self.now + seconds
        while self.now < end:
            await self._tick(10)
            self.answer()
            async_fire_time_changed(self.hass)
            await answered(self.hass)
            await finished(self.entry)

    async def _tick(self, seconds: float) -> None:
        """Let time pass; ten seconds after each five minutes these are summarised."""
        before = (self.now - 10) // PERIOD
        self._freezer.tick(seconds)
        after = (self.now - 10) // PERIOD
        if not self.compiles:
            return
        for period in range(int(before), int(after)):
            start = dt_util.utc_from_timestamp(period * PERIOD)
            get_instance(self.hass).queue_task(StatisticsTask(start, fire_events=False))
            await async_stored(self.hass)

    def answer(self) -> None:
        at = int((self.now - 1) // self.cadence * self.cadence)
        data, totals = self.script(at)
        self._fault.value = {"data": _measured(at, data)} | (
            {} if totals is None else {"totals": _measured(at, totals)}
        )

    def statistics(self) -> dict[str, Statistic]:
        """Return everything that has a sum, by key."""
        coordinator = self.entry.runtime_data.coordinator
        found = statistics(self.hass, coordinator.mac, coordinator.data)
        return {each.name.partition("_")[2]: each for each in found}

    async def sums(self) -> dict[str, float]:
        """Return the newest sum of each statistic, by key."""
        found = {
            key: await async_newest(self.hass, each, MINUTES)
            for key, each in self.statistics().items()
        }
        return {key: row.sum for key, row in found.items() if row}

    async def rows(self) -> dict[str, tuple[list[Row], list[Row]]]:
        """Return the hours and the five minutes of each statistic, by key."""
        await async_stored(self.hass)
        return {
            key: (
                await async_rows(self.hass, each, 0),
                await async_rows(self.hass, each, 0, table=MINUTES),
            )
            for key, each in self.statistics().items()
        }


def _measured(at: int, values: Values) -> dict[str, Any]:
    return {
        key: [0, 0] if value is None else [at * 1000, round(value, 3)]
        for key, value in values.items()
    }
