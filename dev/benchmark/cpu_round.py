"""CPU time to read a fully equipped CEMM once: 10 meters, 48 channels, 68 sensors.

All rivals run in turns in one Home Assistant with its recorder on. What they take includes
the recorder's thread; what the event loop alone takes is shown as well. Rivals are `rest`,
sensors of the platform rest, each with a request of its own; `rest by meter`, where those of
a meter share one; and `floor`, a bare GET, `json.loads` and a bare state per changed value.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
import gc
from statistics import median
import time

from homeassistant.core import HomeAssistant

from .answers import mac, serving
from .home import add_fully, cemm_entry, recorded, running_home
from .report import Figure, Options, Report, Target
from .rivals import (
    Floor,
    load_rest,
    rest_by_meter,
    rest_by_sensor,
    round_by_meter,
    round_by_sensor,
    twins,
)

_ROUNDS = 10

type Round = Callable[[], Awaitable[None]]


def measure(options: Options) -> Report:
    """Measure rounds in which all values change, and rounds in which none does."""
    return asyncio.run(_measure(options))


async def _measure(options: Options) -> Report:
    report = Report()
    with serving() as (cemms, changing):
        async with running_home() as hass:
            rivals = await _rivals(hass, cemms.hosts[0])
            requests = {}
            for name, rival in rivals.items():
                cemms.requests()
                await rival()
                requests[name] = float(len(cemms.requests()[0]))
            report.figures.append(Figure("Requests per round", "", requests))
            for change, name, limit in (
                (True, "all changing", 1.25),
                (False, "none changing", 1.5),
            ):
                changing.value = change
                whole, loop = await _in_turns(hass, rivals, options.repetitions)
                report.figures += [
                    Figure(f"CPU per round, {name}", "ms", whole),
                    Figure(f"of which event loop, {name}", "ms", loop),
                ]
                for other, at_most in (("floor", limit), ("rest", 0.4)):
                    ratio = whole["cemm"] / whole[other]
                    report.targets.append(
                        Target(f"cemm / {other}, {name}", ratio, at_most)
                    )
    return report


async def _rivals(hass: HomeAssistant, host: str) -> dict[str, Round]:
    """Set all rivals up, and return how to have each of them do a round."""
    entry = cemm_entry(host, mac(0), polled=False)
    await add_fully(hass, entry)
    sensors = await twins(hass, entry)
    await load_rest(hass, rest_by_sensor(host, sensors) | rest_by_meter(host, sensors))
    return {
        "cemm": entry.runtime_data.coordinator.async_refresh,
        "rest": partial(round_by_sensor, hass),
        "rest by meter": partial(round_by_meter, hass),
        "floor": Floor(hass, host, sensors).round,
    }


async def _in_turns(
    hass: HomeAssistant, rivals: dict[str, Round], repetitions: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the medians of what a round of each costs: in all, and in the event loop."""
    whole, loop = defaultdict(list), defaultdict(list)
    for repetition in range(-1, repetitions):
        for name, rival in rivals.items():
            process, thread = await _cost(hass, rival)
            if repetition >= 0:  # the first time warms up
                whole[name].append(process)
                loop[name].append(thread)
    return (
        {name: median(costs) for name, costs in whole.items()},
        {name: median(costs) for name, costs in loop.items()},
    )


async def _cost(hass: HomeAssistant, rival: Round) -> tuple[float, float]:
    """Return the milliseconds of CPU that a round takes, all threads and this one."""
    await recorded(hass)
    gc.collect()
    process, thread = time.process_time(), time.thread_time()
    for _ in range(_ROUNDS):
        await rival()
    await recorded(hass)
    return (
        (time.process_time() - process) * 1000 / _ROUNDS,
        (time.thread_time() - thread) * 1000 / _ROUNDS,
    )
