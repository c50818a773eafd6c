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
import gc
from statistics import median
import time
import tracemalloc

from homeassistant.core import HomeAssistant

from .home import Cemm, recorded, running_home
from .loop import watched_loop
from .report import Report
from .servers import equipped, mac, serving

_TURNS = 3
# As many requests for each number of CEMMs.
_ROUNDS = {1: 50, 10: 5, 50: 1}

_CPU, _MEMORY = "CPU per round, per CEMM", "Memory per CEMM"
_SETTING_UP, _READING = "Event loop held, setting up", "Event loop held, reading"


def measure(report: Report) -> None:
    """Measure the three sizes in turns, each in a Home Assistant of its own."""
    names = {count: f"{count} CEMM{'s' if count > 1 else ''}" for count in _ROUNDS}
    for count in [*_ROUNDS] * _TURNS:
        asyncio.run(_measure(report, names[count], count))
    for count in _ROUNDS:
        kib = asyncio.run(_memory(count)) / 1024
        report.note(_MEMORY, "KiB", {names[count]: kib})
    for name in (_CPU, _MEMORY):
        one, _, fifty = report.figures[name].values.values()
        report.target(f"{name}: 50 / 1", fifty / one, 1.2)
    for name in (_SETTING_UP, _READING):
        for found in report.figures[name].samples.values():
            found[:] = [min(found)]
        report.target(f"{name} (ms)", max(report.figures[name].values.values()), 20)


async def _measure(report: Report, name: str, count: int) -> None:
    with serving(equipped, count) as servers:
        async with running_home() as hass:
            with watched_loop() as setting_up:
                cemms = await _add(hass, servers.hosts)
            await _round(cemms)
            await recorded(hass)
            gc.collect()
            costs = []
            with watched_loop() as reading:
                for _ in range(_TURNS):
                    start = time.process_time()
                    for _ in range(_ROUNDS[count]):
                        await _round(cemms)
                    await recorded(hass)
                    costs.append((time.process_time() - start) / _ROUNDS[count])
    report.note(_CPU, "ms", {name: median(costs) * 1000 / count})
    for held, steps in ((_SETTING_UP, setting_up), (_READING, reading)):
        report.note(held, "ms", {name: steps.busy})
        report.note(f"{held}, by the clock", "ms", {name: steps.held})


async def _memory(count: int) -> float:
    """Return the bytes that a CEMM takes."""
    with serving(equipped, count + 1) as servers:
        async with running_home() as hass:
            *hosts, other = servers.hosts
            await _round(await _add(hass, [other], first=count))  # what all share
            await recorded(hass)
            gc.collect()
            tracemalloc.start()
            await _round(await _add(hass, hosts))
            await recorded(hass)
            gc.collect()
            allocated, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return allocated / count


async def _add(hass: HomeAssistant, hosts: list[str], first: int = 0) -> list[Cemm]:
    cemms = []
    for number, host in enumerate(hosts, first):
        cemms.append(Cemm(hass, host, mac(number), polled=False))
        await cemms[-1].add()
        await hass.async_block_till_done()
    return cemms


async def _round(cemms: list[Cemm]) -> None:
    async with asyncio.TaskGroup() as group:
        for cemm in cemms:
            group.create_task(cemm.read())
