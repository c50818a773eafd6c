"""What each of 1, 10 and 50 fully equipped CEMMs in one Home Assistant costs.

CPU is that of rounds in which all values change, all CEMMs being read at once, recorder on.
Memory is what Python allocates for a CEMM that has been set up and read. The event loop is
watched while they are set up, one after the other, and during the rounds: how long it is held
is the CPU time of its longest step, whoever's that was, without the garbage collector, which
goes through all of Home Assistant; the least of some runs, as a step takes the same in each,
and what a busy machine adds does not. By the clock a step takes longer: that includes the
collector, and the turns of other threads and processes.
"""

import asyncio
from collections import defaultdict
import gc
from statistics import median
import time
import tracemalloc

from homeassistant.core import HomeAssistant

from custom_components.cemm.coordinator import CemmConfigEntry

from .answers import mac, serving
from .home import add_fully, cemm_entry, recorded, running_home
from .loop import watched_loop
from .report import Figure, Options, Report, Target

_COUNTS = (1, 10, 50)
_TURNS = 3
# As many requests for each number of CEMMs.
_ROUNDS = {1: 50, 10: 5, 50: 1}

_CPU, _MEMORY = "CPU per round, per CEMM", "Memory per CEMM"
_SETTING_UP, _READING = "Event loop held, setting up", "Event loop held, reading"


def measure(options: Options) -> Report:
    """Measure the three sizes in turns, each in a Home Assistant of its own."""
    figures: defaultdict[tuple[str, str], dict[int, list[float]]]
    figures = defaultdict(lambda: defaultdict(list))
    for _ in range(_TURNS):
        for count in _COUNTS:
            for key, value in asyncio.run(_measure(count)).items():
                figures[key][count].append(value)
    for count in _COUNTS:
        figures[_MEMORY, "KiB"][count] = [asyncio.run(_memory(count))]
    report = Report()
    for (name, unit), values_by_count in figures.items():
        typical = min if name in (_SETTING_UP, _READING) else median
        by_count = {count: typical(values_by_count[count]) for count in _COUNTS}
        values = {_label(count): value for count, value in by_count.items()}
        report.figures.append(Figure(name, unit, values))
        if name in (_CPU, _MEMORY):
            ratio = by_count[50] / by_count[1]
            report.targets.append(Target(f"{name}: 50 / 1", ratio, 1.2))
        if name in (_SETTING_UP, _READING):
            longest = max(by_count.values())
            report.targets.append(Target(f"{name} ({unit})", longest, 20))
    return report


def _label(count: int) -> str:
    return f"{count} CEMM{'s' if count > 1 else ''}"


async def _measure(count: int) -> dict[tuple[str, str], float]:
    with serving(count) as (cemms, _):
        async with running_home() as hass:
            with watched_loop() as setting_up:
                entries = await _add(hass, cemms.hosts)
            await _round(entries)
            await recorded(hass)
            gc.collect()
            costs = []
            with watched_loop() as reading:
                for _ in range(_TURNS):
                    start = time.process_time()
                    for _ in range(_ROUNDS[count]):
                        await _round(entries)
                    await recorded(hass)
                    costs.append((time.process_time() - start) / _ROUNDS[count])
            return {
                (_CPU, "ms"): median(costs) * 1000 / count,
                (_SETTING_UP, "ms"): setting_up.busy,
                (f"{_SETTING_UP}, by the clock", "ms"): setting_up.held,
                (_READING, "ms"): reading.busy,
                (f"{_READING}, by the clock", "ms"): reading.held,
            }


async def _memory(count: int) -> float:
    """Return the KiB that a CEMM takes."""
    with serving(count + 1) as (cemms, _):
        async with running_home() as hass:
            *hosts, other = cemms.hosts
            await _round([*await _add(hass, [other], first=count)])  # what all share
            await recorded(hass)
            gc.collect()
            tracemalloc.start()
            await _round(await _add(hass, hosts))
            await recorded(hass)
            gc.collect()
            allocated, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return allocated / 1024 / count


async def _add(
    hass: HomeAssistant, hosts: list[str], first: int = 0
) -> list[CemmConfigEntry]:
    entries = []
    for number, host in enumerate(hosts, first):
        entries.append(cemm_entry(host, mac(number), polled=False))
        await add_fully(hass, entries[-1])
    return entries


async def _round(entries: list[CemmConfigEntry]) -> None:
    async with asyncio.TaskGroup() as group:
        for entry in entries:
            group.create_task(entry.runtime_data.coordinator.async_refresh())
