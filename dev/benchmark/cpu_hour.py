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
from itertools import count
from statistics import mean, median
import time

from .home import Cemm, running_home
from .report import Report
from .rivals import Floor, Rest, twins
from .servers import houses, mac, serving

_LEARNING_SECONDS = 60
_TURNS = 3
_WINDOW = 10  # seconds
_PER_HOUR = 3600 / _WINDOW


async def measure(report: Report) -> None:
    """Measure each in turn for some minutes in all."""
    taken = defaultdict(list)
    with serving(houses, [_WINDOW], 1) as house:
        async with running_home() as hass:
            cemm = Cemm(hass, house.hosts[0], mac(_WINDOW))
            await cemm.add(every_sensor=False)
            sensors = await twins(cemm)
            await asyncio.sleep(_LEARNING_SECONDS)
            floor = Floor(cemm, sensors)
            rest = Rest(cemm, sensors, _WINDOW)
            rests = {"rest": rest.by_sensor, "rest by meter": rest.by_meter}
            tasks = {"floor": _spread, "states alone": _rewrite}
            rivals = ("nobody", "cemm", *rests, *tasks)
            windows = round(report.minutes * 60 / _TURNS / len(rivals) / _WINDOW)
            for name in rivals * _TURNS:
                await rest.load(rests.get(name, {}))
                # The preference that users have stops and starts its own polling.
                hass.config_entries.async_update_entry(
                    cemm.entry, pref_disable_polling=name != "cemm"
                )
                await cemm.read()
                work = tasks[name](floor) if name in tasks else asyncio.sleep(0)
                task = asyncio.create_task(work)
                await asyncio.sleep(_WINDOW)  # let the change settle
                for _ in range(max(windows, 1)):
                    house.requests()
                    whole, loop = time.process_time(), time.thread_time()
                    await asyncio.sleep(_WINDOW)
                    whole, loop = time.process_time() - whole, time.thread_time() - loop
                    taken[name].append((whole, loop, len(house.requests()[0])))
                task.cancel()
    anyway = [median(column) for column in zip(*taken.pop("nobody"), strict=True)]
    for name, found in taken.items():
        wholes, loops, requests = zip(*found, strict=True)
        cost = (median(wholes) - anyway[0]) * _PER_HOUR
        report.note("CPU per hour", "s", {name: cost})
        cost = (median(loops) - anyway[1]) * _PER_HOUR
        report.note("of which event loop", "s", {name: cost})
        report.note("Requests per hour", "", {name: mean(requests) * _PER_HOUR})
    costs = report.figures["CPU per hour"].values
    ratio = costs["cemm"] / costs["rest"]
    report.target("cemm / rest every 10 s, per hour", ratio, 0.2)


async def _spread(floor: Floor) -> None:
    """Read every meter each 10 s, but not all at once."""
    while True:
        floor.written.clear()
        for alias in floor.twins:
            await floor.read(alias)
            await asyncio.sleep(_WINDOW / len(floor.twins))


async def _rewrite(floor: Floor) -> None:
    """Write all that had changed in the last 10 s of `_spread` each 10 s."""
    for value in count():
        for twin in floor.written.values():
            floor.write(twin, value)
        await asyncio.sleep(_WINDOW)
