"""How old a value is when its state is written, and what that takes.

Two simulated houses are read in real time, one whose smart meter measures every 10 s like its
other meters, and one where it does so every second; by this integration and by coordinators
that poll at a fixed interval, all at the same time. Each has a minute to find its rhythm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
import logging
from statistics import mean, quantiles
from typing import override

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util.dt import parse_datetime, utc_from_timestamp

from .home import add_fully, cemm_entry, running_home
from .houses import serving_houses
from .report import Figure, Options, Report, Target
from .rivals import get

_LEARNING_SECONDS = 60

# The meters of each house that have its cadence.
_ALIASES = {10: ("p1", "s01", "mb5", "pulse-2", "usage"), 1: ("p1",)}
_MACS = {10: "00:1e:c0:00:00:0a", 1: "00:1e:c0:00:00:01"}
_INTERVALS = {"every 5 s": 5, "every 10 s": 10}
_NAMES = ("cemm", *_INTERVALS)

type Reader = tuple[int, str]
"""A cadence in seconds and a name."""


def measure(options: Options) -> Report:
    """Measure ages for some minutes."""
    return asyncio.run(_measure(options))


async def _measure(options: Options) -> Report:
    readers = [(cadence, name) for cadence in _ALIASES for name in _NAMES]
    with serving_houses(_MACS, len(_NAMES)) as houses:
        async with running_home() as hass:
            probe = _Probe(hass)
            for reader, host in zip(readers, houses.hosts, strict=True):
                probe.watch(reader, await _start(hass, reader, host))
            await asyncio.sleep(_LEARNING_SECONDS)
            probe.ages.clear()
            houses.requests()
            await asyncio.sleep(options.minutes * 60)
            requests = {
                reader: _questions(log, _ALIASES[reader[0]])
                for reader, log in zip(readers, houses.requests(), strict=True)
            }
            return _report(probe.ages, requests)


async def _start(hass: HomeAssistant, reader: Reader, host: str) -> list[str]:
    """Have a reader begin; return the entities that show its newest times."""
    cadence, name = reader
    if name in _INTERVALS:
        fixed = _FixedInterval(hass, host, cadence, _INTERVALS[name])
        fixed.async_add_listener(fixed.write)
        await fixed.async_refresh()
        return list(fixed.entity_ids.values())
    entry = cemm_entry(host, _MACS[cadence])
    await add_fully(hass, entry)
    wanted = {
        f"{_MACS[cadence]}_{alias}_last_measurement" for alias in _ALIASES[cadence]
    }
    sensors = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return [sensor.entity_id for sensor in sensors if sensor.unique_id in wanted]


class _FixedInterval(DataUpdateCoordinator[dict[str, float]]):
    """Polls at a fixed interval, and writes the times of the measurements as states."""

    def __init__(
        self, hass: HomeAssistant, host: str, cadence: int, interval: int
    ) -> None:
        super().__init__(
            hass,
            logging.getLogger(__name__),
            config_entry=None,
            name=f"every {interval} s",
            update_interval=timedelta(seconds=interval),
        )
        self._host = host
        self._session = async_get_clientsession(hass)
        self.entity_ids = {
            alias: f"sensor.fixed_{interval}_{cadence}_{alias.replace('-', '_')}"
            for alias in _ALIASES[cadence]
        }

    @override
    async def _async_update_data(self) -> dict[str, float]:
        times = {}
        for alias in self.entity_ids:
            answer = await get(self._session, self._host, alias)
            times[alias] = max(time for time, _ in answer["data"].values()) / 1000
        return times

    @callback
    def write(self) -> None:
        """Write what is new."""
        for alias, time in self.data.items():
            state = utc_from_timestamp(time).isoformat()
            self.hass.states.async_set(self.entity_ids[alias], state)


class _Probe:
    """Notes how old each new measurement is when its state is written."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.ages: defaultdict[Reader, list[float]] = defaultdict(list)
        """In seconds."""
        self._readers: dict[str, Reader] = {}
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._note)

    def watch(self, reader: Reader, entity_ids: Iterable[str]) -> None:
        """Watch entities whose states are the times of the newest measurements."""
        self._readers |= dict.fromkeys(entity_ids, reader)

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        reader = self._readers.get(event.data["entity_id"])
        state = event.data["new_state"]
        if reader and state and (measured := parse_datetime(state.state)):
            age = state.last_changed_timestamp - measured.timestamp()
            self.ages[reader].append(age)


def _questions(log: Iterable[str], aliases: Iterable[str]) -> int:
    """Return how often these meters were asked."""
    paths = {f"/open-api/v1/{alias}/realtime" for alias in aliases}
    return sum(path.rstrip("/") in paths for path in log)


def _report(ages: dict[Reader, list[float]], requests: dict[Reader, int]) -> Report:
    report = Report()
    for cadence in _ALIASES:
        of = {name: ages[cadence, name] for name in _NAMES}
        means = {name: mean(all_) for name, all_ in of.items()}
        latest = {name: quantiles(all_, n=20)[-1] for name, all_ in of.items()}
        costs = {name: requests[cadence, name] / len(of[name]) for name in _NAMES}
        unit = f"cadence {cadence} s"
        report.figures += [
            Figure(f"Mean age, {unit}", "s", means),
            Figure(f"95 % are younger than, {unit}", "s", latest),
            Figure(f"Requests per new measurement, {unit}", "", costs),
        ]
        if cadence == 10:
            report.targets += [
                Target(f"Mean age in s, {unit}", means["cemm"], 0.7),
                Target(f"Requests per new measurement, {unit}", costs["cemm"], 1.1),
            ]
    return report
