"""How fast the past is imported, beside the recorder inserting the same rows by itself.

The rows go through the local API, month by month, into a recorder on disk; then they are
inserted once more under other names. The past is imported in three parts, and meanwhile the
event loop is watched. How long it is held is the CPU time of its longest step, in that part
where this was the least: what a busy machine adds differs from part to part. By the clock it
is longer: that includes the turns of other processes, and Python's garbage collector, which
goes through all of Home Assistant now and then, whoever's turn it is.

The same past is imported once more from a CEMM that leaves 5 of 100 questions without an answer,
and each database that runs on this machine tells what a look at a healthy past costs (`look.py`).
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
import json
import sys
import time

from homeassistant.components.recorder.models import StatisticData, StatisticMetaData
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.dt import utc_from_timestamp

from simulator import Fault, Simulator

from .home import Cemm, recorded, running_home
from .loop import Steps, watched_loop
from .report import Report
from .servers import houses, mac, serving

_CADENCE = 10
_DAYS_PER_MINUTE = 15
"""Days to import for each minute that the user wants to spend."""
_PARTS = 3
_FAILING_CADENCE = 20
_FAILING = Fault("status", value=500, share=0.05)
_DATABASES = ("sqlite", "mariadb", "postgresql")
_CANNOT_RUN = 77


async def measure(report: Report) -> None:
    """Measure one import of several months of a typical house."""
    days = round(report.minutes * _DAYS_PER_MINUTE)
    today = datetime.now(UTC).date()
    with serving(_houses) as served:
        async with running_home() as hass:
            cemm = Cemm(hass, served.hosts[0], mac(_CADENCE))
            seconds, parts = await _import(cemm, today, days)
            copying, rows = await _copy(hass)
            failing = Cemm(hass, served.hosts[1], mac(_FAILING_CADENCE))
            longer, _ = await _import(failing, today, days)
    report.note("Rows (hours of counters)", "", {"cemm": rows, "recorder": rows})
    speed = {"cemm": rows / seconds, "recorder": rows / copying}
    report.note("Speed", "rows/s", speed)
    held = max(part.held for part in parts)
    collector = max(part.collected for part in parts)
    held_by = {"cemm": held, "collector": collector}
    report.note("Held by the clock, longest", "ms", held_by)
    report.target("Event loop held (ms)", min(part.busy for part in parts), 50)
    report.target("Import, 5 of 100 questions fail (x)", longer / seconds, 1.3)
    for database in _DATABASES:
        await _look(report, database)


def _houses() -> list[Simulator]:
    """Return the CEMM of a house, and that of the same one which often fails to answer."""
    healthy, failing = houses([_CADENCE, _FAILING_CADENCE], 1)
    failing.faults.append(_FAILING)
    return [healthy, failing]


async def _import(cemm: Cemm, today: date, days: int) -> tuple[float, list[Steps]]:
    """Add a CEMM and import its past in parts; return how long it took, and each part."""
    await cemm.add(every_sensor=False)
    await recorded(cemm.hass)
    seconds, parts = 0.0, []
    for part in range(1, _PARTS + 1):
        since = today - timedelta(days=days * part // _PARTS)
        before = time.perf_counter()
        with watched_loop() as steps:
            await cemm.entry.runtime_data.history.async_import(since)
        seconds += time.perf_counter() - before
        parts.append(steps)
    return seconds, parts


async def _look(report: Report, database: str) -> None:
    """Measure a look at a healthy past, in a process of its own, if the database can run."""
    command = [sys.executable, "-m", f"{__package__}.look"]
    if database != "sqlite":
        command = ["scripts/database", database, *command, "{}"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode == _CANNOT_RUN:
        return
    for name, (seconds, writes) in json.loads(said).items():
        report.note(f"Look at 8 years, {name}", "s", {database: seconds})
        report.note(f"Statements that wrote, {name}", "", {database: writes})
        if name == "hourly":
            report.target(f"Hourly look, {database} (s)", seconds, 0.5)
            report.target(f"Hourly look, {database} (writes)", writes, 0)


async def _copy(hass: HomeAssistant) -> tuple[float, int]:
    """Insert all rows under other names; return the seconds it took, and their number."""
    recorder = get_instance(hass)

    def read() -> list[tuple[StatisticMetaData, list[StatisticData]]]:
        known = get_metadata(hass, statistic_type="sum")
        found = statistics_during_period(
            hass, utc_from_timestamp(0), None, {*known}, "hour", None, {"state", "sum"}
        )
        return [
            (
                {**known[name][1], "statistic_id": f"{name}_copy"},
                [
                    StatisticData(
                        start=utc_from_timestamp(row["start"]),
                        state=row["state"] or 0,
                        sum=row["sum"] or 0,
                    )
                    for row in rows
                ],
            )
            for name, rows in found.items()
        ]

    copies = await recorder.async_add_executor_job(read)
    before = time.perf_counter()
    for metadata, rows in copies:
        async_import_statistics(hass, metadata, rows)
    await recorder.async_block_till_done()
    return time.perf_counter() - before, sum(len(rows) for _, rows in copies)
