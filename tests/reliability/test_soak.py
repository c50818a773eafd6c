"""Thirty days with a fault every few hours: nothing is lost, and nothing is left behind.

`SOAK_DAYS` in the environment makes it as long as one likes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
import gc
import logging
import os
from random import Random
import re
import socket
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.sensor import ATTR_STATE_CLASS, SensorStateClass
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import issues, ours
from tests.helpers.history import all_counters
from tests.helpers.recording import Recording
from tests.helpers.table import Tried

pytestmark = pytest.mark.freeze_time("2026-03-10 12:00:07")

DAYS = int(os.environ.get("SOAK_DAYS", "30"))
HOUR = 3600
METERS = ("p1", "p1-gas", "s01", "mb5", "pulse-2")
WATCHED = ("p1", "mb5")
REGISTERS = {"p1": "t1", "p1-gas": "gas", "s01": "t2", "mb5": "t1", "pulse-2": "volume"}

OUTAGES: dict[str, Callable[[], Fault]] = {
    "answers come 20 s late": lambda: Fault("latency", value=20),
    "HTTP status 500": lambda: Fault("status", value=500),
    "half of the JSON": lambda: Fault("broken_json"),
    "a web page instead": lambda: Fault("html"),
    "empty answers": lambda: Fault("empty"),
    "connections are dropped": lambda: Fault("drop"),
    "answers without end": lambda: Fault("endless"),
    "two bytes per second": lambda: Fault("drip", value=2),
    "a redirect to another host": lambda: Fault("redirect", value="http://127.0.0.2/"),
    "JSON that means nothing": lambda: Fault("body", value=["nonsense"]),
}
OF_ONE_METER = ("HTTP status 500", "a web page instead", "empty answers")
GLITCHES: dict[str, Callable[[str], Fault]] = {
    "a counter reads 0": lambda alias: Fault("zero", value=(alias, REGISTERS[alias])),
    "a counter leaps": lambda alias: Fault(
        "value", value=(alias, REGISTERS[alias], 1e6)
    ),
    "a counter falls": lambda alias: Fault(
        "offset", value=(alias, REGISTERS[alias], -3)
    ),
    "a counter is missing": lambda alias: Fault(
        "unmeasured", value=(alias, REGISTERS[alias])
    ),
}
# What ends a line's trouble, by what begins it.
TROUBLES = {
    r"Error fetching CEMM Plus data: .*": "Fetching CEMM Plus data recovered",
    r"CEMM Plus: no data of meter (\S+): .*": r"CEMM Plus: meter \1 is back",
    r"CEMM Plus: meter (\S+) has stopped": r"CEMM Plus: meter \1 measures again",
}


class Sums:
    """What the recorder would have counted: every rise, and all of what follows a fall."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.of: dict[str, float] = defaultdict(float)
        self._last: dict[str, float] = {}
        for state in hass.states.async_all():
            self._count(state)
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._changed)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        if state := event.data["new_state"]:
            self._count(state)

    def _count(self, state: State) -> None:
        if state.attributes.get(ATTR_STATE_CLASS) != SensorStateClass.TOTAL_INCREASING:
            return
        try:
            value = float(state.state)
        except ValueError:
            return
        last = self._last.get(state.entity_id, value)
        self.of[state.entity_id] += value - last if value >= last else value
        self._last[state.entity_id] = value


class Month:
    """Lets time pass for the simulated CEMM and for Home Assistant, together."""

    def __init__(
        self, hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
    ) -> None:
        self.rng = Random("soak")
        self.tried: dict[str, int] = defaultdict(int)
        self.lines = 0
        """How many lines the log must hold."""
        self._hass = hass
        self._faults = sim.faults
        self._freezer = freezer

    async def pass_by(self, seconds: float, step: float) -> None:
        """Let time pass in steps, and wait for the answers to each poll."""
        for _ in range(round(seconds / step)):
            self._freezer.tick(timedelta(seconds=step))
            async_fire_time_changed(self._hass)
            while any(t.get_name().endswith("refresh") for t in asyncio.all_tasks()):
                # A slow answer takes the time of the test, too.
                for _ in range(20):
                    await asyncio.sleep(0)
                self._freezer.tick(timedelta(seconds=0.2))
            await self._hass.async_block_till_done()

    async def suffer(
        self, what: str, fault: Fault, seconds: float, step: float
    ) -> None:
        """Let a fault last."""
        self.tried[what] += 1
        self._faults.append(fault)
        await self.pass_by(seconds, step)
        self._faults.clear()
        await self.pass_by(120, 60)

    async def day(self) -> None:
        """Have an outage of the CEMM, one of a meter, two glitches, and a meter that stops."""
        rng = self.rng
        what, outage = rng.choice(list(OUTAGES.items()))
        if rng.random() < 0.3:
            await self.suffer(what, outage(), 20, 10)
        else:
            await self.suffer(what, outage(), 4 * HOUR, 1200)
            self.lines += 2
        await self.pass_by(2 * HOUR, HOUR)

        what = rng.choice(OF_ONE_METER)
        fault = OUTAGES[what]()
        fault.path = f"/{rng.choice(METERS)}/realtime/"
        await self.suffer(what, fault, 2 * HOUR, 600)
        self.lines += 2
        await self.pass_by(2 * HOUR, HOUR)

        for what, glitch in rng.sample(list(GLITCHES.items()), 2):
            fault, seconds = glitch(rng.choice(METERS)), rng.choice((10, 60, 120))
            await self.suffer(what, fault, seconds, 10)
        await self.pass_by(4 * HOUR, 2 * HOUR)

        alias = rng.choice(METERS)
        await self.suffer("a meter stops", Fault("frozen", value=alias), HOUR, 300)
        self.lines += 2 if alias in WATCHED else 0
        await self.pass_by(8 * HOUR, 2 * HOUR)


def count_ours() -> int:
    """Return how many objects of the integration there are."""
    gc.collect()
    return sum(
        type(thing).__module__.startswith("custom_components.cemm")
        for thing in gc.get_objects()
    )


def open_sockets() -> int:
    return sum(
        isinstance(thing, socket.socket) and thing.fileno() != -1
        for thing in gc.get_objects()
    )


def untold(lines: list[str]) -> list[str]:
    """Return the troubles that have not ended; fails for any line that is no trouble."""
    ends: dict[str, str] = {}
    for line in lines:
        if line in ends:
            del ends[line]
            continue
        found = [
            match.expand(end)
            for begin, end in TROUBLES.items()
            if (match := re.fullmatch(begin, line))
        ]
        assert found and found[0] not in ends, line
        ends[found[0]] = line
    return list(ends.values())


@pytest.fixture
def _plain_log() -> Iterator[None]:
    """Log texts only: an exception in a record keeps all that its frames have seen."""
    factory = logging.getLogRecordFactory()

    def plain(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.msg, record.args = record.getMessage(), None
        return record

    logging.setLogRecordFactory(plain)
    yield
    logging.setLogRecordFactory(factory)


@pytest.mark.rest
@pytest.mark.usefixtures("_plain_log")
async def test_soak(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    *,
    tried: Tried,
) -> None:
    caplog.set_level("INFO", "custom_components.cemm")
    sockets, tasks = open_sockets(), asyncio.all_tasks()
    await setup(hass, local_entry)
    recording = Recording(hass, sim, local_entry, freezer)
    sums, first = Sums(hass), recording.readings()
    month = Month(hass, sim, freezer)

    await month.day()
    objects = count_ours()
    for _ in range(DAYS - 1):
        await month.day()

    last = recording.readings()
    for name, counter in all_counters(hass, local_entry).items():
        used = last[name] - first[name]
        assert sums.of[counter.entity_id] == pytest.approx(used, abs=1e-6), name
    assert not issues(hass)
    assert not untold(ours(caplog))
    assert len(ours(caplog)) == month.lines
    assert count_ours() <= objects * 1.02

    await hass.config_entries.async_unload(local_entry.entry_id)
    await month.pass_by(120, 10)
    assert asyncio.all_tasks() <= tasks | {asyncio.current_task()}
    assert open_sockets() <= sockets
    for what in sorted(month.tried):
        tried(f"{DAYS} days, {what}", month.tried[what])
