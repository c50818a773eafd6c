"""How long it takes to set up a fully equipped CEMM, and the bare sum of its requests.

Each time it is set up as one that was never seen, then anew as after a restart; then the same
requests are made once more, with nothing else around them.
"""

import time

from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .home import Cemm, recorded, running_home
from .report import Report
from .rivals import get
from .servers import equipped, mac, serving

_NAMES = ("First set-up", "Set-up after a restart")


async def measure(report: Report) -> None:
    """Measure set-ups, one after the other."""
    with serving(equipped, 1) as cemms:
        async with running_home() as hass:
            for repetition in range(-1, report.repetitions):
                cemm = Cemm(hass, cemms.hosts[0], mac(0), polled=False)
                entry_id = cemm.entry.entry_id
                again = hass.config_entries.async_setup(entry_id)
                for name, step in zip(_NAMES, (cemm.add(), again), strict=True):
                    cemms.requests()
                    start = time.perf_counter()
                    await step
                    whole = time.perf_counter() - start
                    await recorded(hass)
                    paths = cemms.requests()[0]
                    session = async_get_clientsession(hass)
                    start = time.perf_counter()
                    for path in paths:
                        await get(session, f"http://{cemm.host}{path}")
                    bare = time.perf_counter() - start
                    await hass.config_entries.async_unload(entry_id)
                    if repetition >= 0:  # the first time also imports
                        both = {"cemm": whole * 1000, "its requests": bare * 1000}
                        report.note(name, "ms", both)
                await hass.config_entries.async_remove(entry_id)
    for name in _NAMES:
        whole, bare = report.figures[name].values.values()
        report.target(f"{name}: ms beyond 1.3 x its requests", whole - 1.3 * bare, 100)
