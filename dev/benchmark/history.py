"""How fast the past is imported, beside the recorder inserting the same rows by itself.

The rows go through the local API, month by month, into a recorder on disk; then they are
inserted once more under other names. The past is imported in three parts, and meanwhile the
event loop is watched. How long it is held is the CPU time of its longest step, in that part
where this was the least: what a busy machine adds differs from part to part. By the clock it
is longer, as for a process beside that does nothing but nap, and as Python's garbage collector
goes through all of Home Assistant now and then, whoever's turn it is.
"""

import asyncio
from datetime import UTC, datetime, timedelta
import time

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
from .loop import bystander, watched_loop
from .report import Figure, Options, Report, Target

_MAC = "00:1e:c0:00:00:01"
_CADENCE = 10
_DAYS_PER_MINUTE = 15
"""Days to import for each minute that the user wants to spend."""
_PARTS = 3


def measure(options: Options) -> Report:
    """Measure one import of several months of a fully equipped house."""
    return asyncio.run(_measure(round(options.minutes * _DAYS_PER_MINUTE)))


async def _measure(days: int) -> Report:
    today = datetime.now(UTC).date()
    with serving_houses({_CADENCE: _MAC}, 1) as houses, bystander() as overslept:
        async with running_home() as hass:
            entry = cemm_entry(houses.hosts[0], _MAC)
            await hass.config_entries.async_add(entry)
            await recorded(hass)
            seconds, parts = 0.0, []
            for part in range(1, _PARTS + 1):
                before = time.perf_counter()
                with watched_loop() as steps:
                    await entry.runtime_data.history.async_import(
                        today - timedelta(days=days * part // _PARTS)
                    )
                seconds += time.perf_counter() - before
                parts.append(steps)
            napped = overslept()
            copied, rows = await _copy(hass, entry)
    speed = {"import": rows / seconds, "recorder": rows / copied}
    held = {
        "import": max(part.held for part in parts),
        "collector": max(part.collected for part in parts),
        "bystander": napped,
    }
    return Report(
        [
            Figure("Rows (hours of counters)", "", {"import": rows, "recorder": rows}),
            Figure("Speed", "rows/s", speed),
            Figure("Held by the clock, longest", "ms", held),
        ],
        [Target("Event loop held (ms)", min(part.busy for part in parts), 50)],
    )


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
