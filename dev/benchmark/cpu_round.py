"""CPU time to read a fully equipped CEMM once: 10 meters, 48 channels, 68 sensors.

All rivals run in turns in one Home Assistant with its recorder on. What they take includes
the recorder's thread; what the event loop alone takes is shown as well. Rivals are `rest`,
sensors of the platform rest, each with a request of its own; `rest by meter`, where those of
a meter share one; and `floor`, a bare GET, `json.loads` and a bare state per changed value.
"""

from collections.abc import Awaitable, Callable
import gc
import time

from homeassistant.core import HomeAssistant

from .home import Cemm, recorded, running_home
from .report import Report
from .rivals import Floor, Rest, twins
from .servers import equipped, mac, serving

_ROUNDS = 10

type Round = Callable[[], Awaitable[None]]


async def measure(report: Report) -> None:
    """Measure rounds in which all values change, and rounds in which none does."""
    with serving(equipped, 1) as cemms:
        async with running_home() as hass:
            cemm = Cemm(hass, cemms.hosts[0], mac(0), polled=False)
            await cemm.add()
            await hass.async_block_till_done()
            sensors = await twins(cemm)
            rest = Rest(cemm, sensors)
            await rest.load(rest.by_sensor | rest.by_meter)
            rivals: dict[str, Round] = {
                "cemm": cemm.read,
                "rest": rest.round_by_sensor,
                "rest by meter": rest.round_by_meter,
                "floor": Floor(cemm, sensors).round,
            }
            for rival, read in rivals.items():
                cemms.requests()
                await read()
                requests = len(cemms.requests()[0])
                report.note("Requests per round", "", {rival: requests})
            await _in_turns(hass, rivals, report, "all changing", 1.25)
            cemms.requests(then_freeze=True)
            await _in_turns(hass, rivals, report, "none changing", 1.5)


async def _in_turns(
    hass: HomeAssistant,
    rivals: dict[str, Round],
    report: Report,
    what: str,
    most: float,
) -> None:
    """Measure what a round of each costs: in all, and in the event loop."""
    for repetition in range(-1, report.repetitions):
        for rival, read in rivals.items():
            await recorded(hass)
            gc.collect()
            process, thread = time.process_time(), time.thread_time()
            for _ in range(_ROUNDS):
                await read()
            await recorded(hass)
            whole = (time.process_time() - process) * 1000 / _ROUNDS
            loop = (time.thread_time() - thread) * 1000 / _ROUNDS
            if repetition >= 0:  # the first time warms up
                report.note(f"CPU per round, {what}", "ms", {rival: whole})
                report.note(f"of which event loop, {what}", "ms", {rival: loop})
    costs = report.figures[f"CPU per round, {what}"].values
    for other, at_most in (("floor", most), ("rest", 0.4)):
        ratio = costs["cemm"] / costs[other]
        report.target(f"cemm / {other}, {what}", ratio, at_most)
