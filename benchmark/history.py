"""How fast the past is imported, beside the recorder inserting the same rows by itself.

The rows go through the local API, month by month, into a recorder on disk; then they are
inserted once more under other names. Meanwhile the event loop is watched.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
import gc
import time
from typing import Self

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    async_import_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.cemm.coordinator import CemmConfigEntry
from custom_components.cemm.history.counters import counters
from custom_components.cemm.history.recorder import async_hours, async_stored
from custom_components.cemm.history.rows import Row

from .home import cemm_entry, recorded, running_home
from .houses import serving_houses
from .report import Figure, Options, Report, Target

_MAC = "00:1e:c0:00:00:01"
_CADENCE = 10
_DAYS_PER_MINUTE = 15
"""Days to import for each minute that the user wants to spend."""
_TICK = 0.001


def measure(options: Options) -> Report:
    """Measure one import of several months of a fully equipped house."""
    return asyncio.run(_measure(round(options.minutes * _DAYS_PER_MINUTE)))


async def _measure(days: int) -> Report:
    start = datetime.now(UTC).date() - timedelta(days=days)
    with serving_houses({_CADENCE: _MAC}, 1) as houses:
        async with running_home() as hass:
            entry = cemm_entry(houses.hosts[0], _MAC)
            await hass.config_entries.async_add(entry)
            await recorded(hass)
            async with LoopWatch() as watch:
                seconds = await _import(entry, start)
            copied, rows = await _copy(hass, entry)
    speed = {"import": rows / seconds, "recorder": rows / copied}
    return Report(
        [
            Figure("Rows (hours of counters)", "", {"import": rows, "recorder": rows}),
            Figure("Speed", "rows/s", speed),
            Figure("Garbage collection, longest", "ms", {"": watch.garbage * 1000}),
        ],
        [Target("Loop held besides, longest (ms)", watch.longest * 1000, 50)],
    )


class LoopWatch(AbstractAsyncContextManager["LoopWatch"]):
    """Measures for how long the event loop was held at most.

    When Python collects garbage everything stands still, for as long as the heap
    of the whole Home Assistant takes: that is measured by itself.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        """In seconds, without the garbage collections meanwhile."""
        self.garbage = 0.0
        """The longest garbage collection, in seconds."""
        self._collecting = 0.0
        self._collected = 0.0

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        gc.callbacks.append(self._on_garbage)
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        self._task.cancel()
        gc.callbacks.remove(self._on_garbage)

    def _on_garbage(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
            return
        seconds = time.perf_counter() - self._collecting
        self._collected += seconds
        self.garbage = max(self.garbage, seconds)

    async def _watch(self) -> None:
        while True:
            before, collected = time.perf_counter(), self._collected
            await asyncio.sleep(_TICK)
            late = time.perf_counter() - before - _TICK
            self.longest = max(self.longest, late - (self._collected - collected))


async def _import(entry: CemmConfigEntry, start: date) -> float:
    """Return how many seconds it takes to import everything since a day."""
    before = time.perf_counter()
    await entry.runtime_data.history.async_import(start)
    return time.perf_counter() - before


async def _copy(hass: HomeAssistant, entry: CemmConfigEntry) -> tuple[float, int]:
    """Insert all rows under other names; return the seconds it took, and their number."""
    copies: list[tuple[StatisticMetaData, list[StatisticData]]] = []
    coordinator = entry.runtime_data.coordinator
    for counter in counters(hass, coordinator.mac, coordinator.data):
        rows = await async_hours(hass, counter, 0)
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=f"{counter.entity_id}_copy",
            unit_class=STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].UNIT_CLASS,
            unit_of_measurement=counter.unit,
        )
        copies.append((metadata, [_data(row) for row in rows]))
    before = time.perf_counter()
    for metadata, copy in copies:
        async_import_statistics(hass, metadata, copy)
    await async_stored(hass)
    return time.perf_counter() - before, sum(len(copy) for _, copy in copies)


def _data(row: Row) -> StatisticData:
    return StatisticData(
        start=dt_util.utc_from_timestamp(row.start), state=row.state, sum=row.sum
    )
