"""CPU time per hour of a typical house: 5 meters and the usage, the sensors enabled by default.

The simulated house is read in real time. In turns nobody reads it, this integration does, and
the rest platform does every 10 s, and `floor` does: a bare GET, `json.loads` and bare states of
one meter after the other, spread over 10 s. `states alone` writes as many states as those, all
at once every 10 s, and asks for nothing: no reader whose values are recorded can take less.

What Home Assistant takes anyway is subtracted. Figures are medians of windows as long as both
the cadence of the meters and the interval of rest: what happens now and then, such as the
recorder's statistics, is in none of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from statistics import mean, median
import time
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.cemm.coordinator import CemmConfigEntry

from .home import cemm_entry, running_home
from .houses import serving_houses
from .process import Served
from .report import Figure, Options, Report, Target
from .rivals import Floor, load_rest, rest_by_meter, rest_by_sensor, twins

_LEARNING_SECONDS = 60
_TURNS = 3
_WINDOW = 10  # seconds
_MAC = "00:1e:c0:00:00:01"
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a window took: seconds of CPU of all threads and of this one, and requests."""

    process: float
    thread: float
    requests: int


def measure(options: Options) -> Report:
    """Measure each in turn for some minutes in all."""
    return asyncio.run(_measure(options))


async def _measure(options: Options) -> Report:
    with serving_houses({10: _MAC}, readers=1) as houses:
        async with running_home() as hass:
            host = houses.hosts[0]
            entry = cemm_entry(host, _MAC)
            await hass.config_entries.async_add(entry)
            sensors = await twins(hass, entry)
            await asyncio.sleep(_LEARNING_SECONDS)
            rivals = {
                "nobody": _NOTHING,
                "cemm": _NOTHING,
                "rest": rest_by_sensor(host, sensors, _WINDOW),
                "rest by meter": rest_by_meter(host, sensors, _WINDOW),
                "floor": _NOTHING,
                "states alone": _NOTHING,
            }
            floor = Floor(hass, host, sensors)
            background = {"floor": _spread, "states alone": _rewrite}
            windows = options.minutes * 60 / _TURNS / len(rivals) / _WINDOW
            samples = defaultdict(list)
            for _ in range(_TURNS):
                for name, config in rivals.items():
                    await load_rest(hass, config)
                    await _poll(hass, entry, on=name == "cemm")
                    work = asyncio.create_task(background.get(name, _rest)(floor))
                    await asyncio.sleep(_WINDOW)  # let the change settle
                    for _ in range(max(round(windows), 1)):
                        samples[name].append(await _window(houses))
                    work.cancel()
    return _report(samples)


def _report(samples: Mapping[str, list[_Sample]]) -> Report:
    per_hour = 3600 / _WINDOW
    process, thread = (
        {name: median(map(of, found)) * per_hour for name, found in samples.items()}
        for of in (attrgetter("process"), attrgetter("thread"))
    )
    net = {name: cost - process["nobody"] for name, cost in process.items()}
    net_loop = {name: cost - thread["nobody"] for name, cost in thread.items()}
    asked = {
        name: mean(sample.requests for sample in found) * per_hour
        for name, found in samples.items()
    }
    for figures in (net, net_loop, asked):
        del figures["nobody"]
    return Report(
        [
            Figure("CPU per hour", "s", net),
            Figure("of which event loop", "s", net_loop),
            Figure("Requests per hour", "", asked),
        ],
        [Target("cemm / rest every 10 s, per hour", net["cemm"] / net["rest"], 0.2)],
    )


async def _poll(hass: HomeAssistant, entry: CemmConfigEntry, *, on: bool) -> None:
    """Start or stop the integration's own polling, by the preference that users have."""
    hass.config_entries.async_update_entry(entry, pref_disable_polling=not on)
    await entry.runtime_data.coordinator.async_refresh()


async def _rest(_: Floor) -> None:
    """Do nothing."""


async def _spread(floor: Floor) -> None:
    """Read every meter each 10 s, but not all at once."""
    while True:
        floor.forget_writing()
        for alias in floor.meters:
            await floor.read(alias)
            await asyncio.sleep(_WINDOW / len(floor.meters))


async def _rewrite(floor: Floor) -> None:
    """Write all that had changed in the last 10 s of `_spread` each 10 s."""
    for value in count():
        floor.write(value)
        await asyncio.sleep(_WINDOW)


async def _window(houses: Served) -> _Sample:
    """Return what one window takes."""
    houses.requests()
    process, thread = time.process_time(), time.thread_time()
    await asyncio.sleep(_WINDOW)
    return _Sample(
        time.process_time() - process,
        time.thread_time() - thread,
        len(houses.requests()[0]),
    )
