"""CPU time per hour of a typical house: 5 meters and the usage, the sensors enabled by default.

The simulated house is read in real time. In turns nobody reads it, this integration does, and
the rest platform does every 10 s, and `floor` does: a bare GET, `json.loads` and bare states of
one meter after the other, spread over 10 s. What Home Assistant takes anyway is subtracted.
Figures are medians of windows as long as both the cadence of the meters and the interval of
rest: what happens now and then, such as the recorder's statistics, is in none of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from statistics import mean, median
import time
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.cemm.coordinator import CemmConfigEntry

from .home import cemm_entry, running_home
from .houses import serving_houses
from .report import Figure, Options, Report, Target
from .rivals import Floor, load_rest, rest_by_meter, rest_by_sensor, twins

_LEARNING_SECONDS = 60
_TURNS = 3
_WINDOW = 10  # seconds
_MAC = "00:1e:c0:00:00:01"
_NOTHING: Mapping[str, Any] = {}


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
            }
            floor = Floor(hass, host, sensors)
            costs = defaultdict(list)
            requests = defaultdict(list)
            for _ in range(_TURNS):
                for name, config in rivals.items():
                    await load_rest(hass, config)
                    await _poll(hass, entry, on=name == "cemm")
                    reading = asyncio.create_task(_spread(floor, on=name == "floor"))
                    await asyncio.sleep(_WINDOW)  # let the change settle
                    houses.requests()
                    windows = options.minutes * 60 / _TURNS / len(rivals) / _WINDOW
                    for _ in range(max(round(windows), 1)):
                        costs[name].append(await _window())
                        requests[name].append(len(houses.requests()[0]))
                    reading.cancel()
    hour = {name: median(values) * 3600 / _WINDOW for name, values in costs.items()}
    nobody = hour.pop("nobody")
    net = {name: cost - nobody for name, cost in hour.items()}
    asked = {name: mean(requests[name]) * 3600 / _WINDOW for name in net}
    return Report(
        [Figure("CPU per hour", "s", net), Figure("Requests per hour", "", asked)],
        [Target("cemm / rest every 10 s, per hour", net["cemm"] / net["rest"], 0.2)],
    )


async def _poll(hass: HomeAssistant, entry: CemmConfigEntry, *, on: bool) -> None:
    """Start or stop the integration's own polling, by the preference that users have."""
    hass.config_entries.async_update_entry(entry, pref_disable_polling=not on)
    await entry.runtime_data.coordinator.async_refresh()


async def _spread(floor: Floor, *, on: bool) -> None:
    """Read every meter each 10 s, but not all at once."""
    while on:
        for alias in floor.meters:
            await floor.read(alias)
            await asyncio.sleep(_WINDOW / len(floor.meters))


async def _window() -> float:
    """Return the seconds of CPU that one window takes."""
    start = time.process_time()
    await asyncio.sleep(_WINDOW)
    return time.process_time() - start
