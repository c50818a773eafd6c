"""How old a value is when its state is written, and what that takes.

Two simulated houses are read in real time, one whose smart meter measures every 10 s like its
other meters, and one where it does so every second; by this integration and by coordinators
that poll at a fixed interval, all at the same time. Each has a minute to find its rhythm.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
import logging
from statistics import mean, quantiles

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util.dt import parse_datetime, utc_from_timestamp

from .home import Cemm, running_home
from .report import Report
from .rivals import get, url
from .servers import houses, mac, serving

_LEARNING_SECONDS = 60

# The meters of each house that have its cadence.
_ALIASES = {10: ("p1", "s01", "mb5", "pulse-2", "usage"), 1: ("p1",)}
_INTERVALS = {"every 5 s": 5, "every 10 s": 10}
_NAMES = ("cemm", *_INTERVALS)


async def measure(report: Report) -> None:
    """Measure ages for some minutes."""
    readers = [(cadence, name) for cadence in _ALIASES for name in _NAMES]
    ages: dict[tuple[int, str], list[float]] = {reader: [] for reader in readers}
    ages_by_entity: dict[str, list[float]] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        found = ages_by_entity.get(event.data["entity_id"])
        state = event.data["new_state"]
        if found is not None and state and (measured := parse_datetime(state.state)):
            found.append(state.last_changed_timestamp - measured.timestamp())

    with serving(houses, [*_ALIASES], len(_NAMES)) as cemms:
        async with running_home() as hass:
            hass.bus.async_listen(EVENT_STATE_CHANGED, note)
            for reader, host in zip(readers, cemms.hosts, strict=True):
                for entity_id in await _start(hass, host, *reader):
                    ages_by_entity[entity_id] = ages[reader]
            await asyncio.sleep(_LEARNING_SECONDS)
            for found in ages.values():
                found.clear()
            cemms.requests()
            await asyncio.sleep(report.minutes * 60)
            logs = dict(zip(readers, cemms.requests(), strict=True))
    for (cadence, name), found in ages.items():
        unit = f"cadence {cadence} s"
        paths = {f"/open-api/v1/{alias}/realtime" for alias in _ALIASES[cadence]}
        asked = sum(path.rstrip("/") in paths for path in logs[cadence, name])
        most = quantiles(found, n=20)[-1]
        each = asked / len(found)
        report.note(f"Mean age, {unit}", "s", {name: mean(found)})
        report.note(f"95 % are younger than, {unit}", "s", {name: most})
        report.note(f"Requests per new measurement, {unit}", "", {name: each})
        if (cadence, name) == (10, "cemm"):
            report.target(f"Mean age in s, {unit}", mean(found), 0.7)
            report.target(f"Requests per new measurement, {unit}", each, 1.1)


async def _start(
    hass: HomeAssistant, host: str, cadence: int, name: str
) -> Iterable[str]:
    """Have a reader begin; return the entities that show its newest times."""
    if name == "cemm":
        cemm = Cemm(hass, host, mac(cadence))
        await cemm.add()
        await hass.async_block_till_done()
        sensors = cemm.sensors()
        return [sensors[alias, "last_measurement"] for alias in _ALIASES[cadence]]

    session = async_get_clientsession(hass)
    seconds = _INTERVALS[name]
    entity_ids = {
        alias: f"sensor.fixed_{seconds}_{cadence}_{alias.replace('-', '_')}"
        for alias in _ALIASES[cadence]
    }

    async def update() -> None:
        times = {}
        for alias in entity_ids:
            data = (await get(session, url(host, alias)))["data"]
            times[alias] = max(time for time, _ in data.values()) / 1000
        for alias, time in times.items():
            state = utc_from_timestamp(time).isoformat()
            hass.states.async_set(entity_ids[alias], state)

    coordinator = DataUpdateCoordinator(
        hass,
        logging.getLogger(__name__),
        config_entry=None,
        name=name,
        update_interval=timedelta(seconds=seconds),
        update_method=update,
    )
    coordinator.async_add_listener(lambda: None)  # without one it rests
    await coordinator.async_refresh()
    return entity_ids.values()
