"""How long it takes to set up a fully equipped CEMM, and the bare sum of its requests.

Each time it is set up as one that was never seen, then anew as after a restart; then the same
requests are made once more, with nothing else around them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
import json
from statistics import median
import time

from aiohttp import ClientSession
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from custom_components.cemm.coordinator import CemmConfigEntry

from .answers import mac, serving
from .home import cemm_entry, every_sensor_enabled, recorded, running_home
from .process import Served
from .report import Figure, Options, Report, Target

_FIRST, _AGAIN = "First set-up", "Set-up after a restart"


def measure(options: Options) -> Report:
    """Measure set-ups, one after the other."""
    return asyncio.run(_measure(options))


async def _measure(options: Options) -> Report:
    times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with serving() as (cemms, _):
        async with running_home() as hass:
            for repetition in range(-1, options.repetitions):
                entry = cemm_entry(cemms.hosts[0], mac(0), polled=False)
                first = await _compare(hass, cemms, _add(hass, entry))
                await hass.config_entries.async_unload(entry.entry_id)
                again = await _compare(hass, cemms, _restart(hass, entry))
                if repetition >= 0:  # the first time also imports
                    for name, (whole, bare) in ((_FIRST, first), (_AGAIN, again)):
                        times[name, "cemm"].append(whole)
                        times[name, "its requests"].append(bare)
                await hass.config_entries.async_remove(entry.entry_id)
    report = Report()
    for name in (_FIRST, _AGAIN):
        values = {
            rival: median(times[name, rival]) for rival in ("cemm", "its requests")
        }
        report.figures.append(Figure(name, "ms", values))
        report.targets.append(
            Target(
                f"{name}: ms beyond 1.3 x its requests",
                values["cemm"] - 1.3 * values["its requests"],
                100,
            )
        )
    return report


async def _add(hass: HomeAssistant, entry: CemmConfigEntry) -> None:
    with every_sensor_enabled():
        await hass.config_entries.async_add(entry)


async def _restart(hass: HomeAssistant, entry: CemmConfigEntry) -> None:
    await hass.config_entries.async_setup(entry.entry_id)


async def _compare(
    hass: HomeAssistant, cemms: Served, step: Awaitable[None]
) -> tuple[float, float]:
    """Return the milliseconds that a set-up takes, and those of its requests alone."""
    cemms.requests()
    start = time.perf_counter()
    await step
    whole = time.perf_counter() - start
    await recorded(hass)
    paths = cemms.requests()[0]
    session = async_get_clientsession(hass)
    start = time.perf_counter()
    for path in paths:
        await _get(session, f"http://{cemms.hosts[0]}{path}")
    return whole * 1000, (time.perf_counter() - start) * 1000


async def _get(session: ClientSession, url: str) -> None:
    async with session.get(url) as response:
        json.loads(await response.read())
