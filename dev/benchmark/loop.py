"""For how long the event loop is held."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import gc
import threading
import time
from unittest.mock import patch


@dataclass(slots=True)
class Steps:
    """The longest steps of the event loop, in ms, whoever's they were."""

    busy: float = 0
    """Of CPU, but for the garbage collector, which goes through all of Home Assistant.

    On a virtual machine that includes what other machines take of the CPU meanwhile.
    """
    held: float = 0
    """By the clock: that includes the collector, and the turns of other threads."""
    collected: float = 0
    """By the clock, of the collector alone."""


@contextmanager
def watched_loop() -> Iterator[Steps]:
    """Measure the steps of this thread's event loop."""
    steps = Steps()
    run = asyncio.Handle._run  # noqa: SLF001  what asyncio's debug mode times, at less cost
    collecting = since = 0.0

    def collect(phase: str, _: dict[str, int]) -> None:
        nonlocal collecting, since
        if threading.current_thread() is not threading.main_thread():
            return
        now, cpu = time.perf_counter(), time.thread_time()
        if phase == "start":
            since = now
            collecting -= cpu
        else:
            collecting += cpu
            steps.collected = max(steps.collected, (now - since) * 1000)

    def timed(handle: asyncio.Handle) -> None:
        nonlocal collecting
        collecting = 0
        start, busy = time.perf_counter(), time.thread_time()
        run(handle)
        used = time.thread_time() - busy - collecting
        steps.busy = max(steps.busy, used * 1000)
        steps.held = max(steps.held, (time.perf_counter() - start) * 1000)

    gc.callbacks.append(collect)
    try:
        with patch.object(asyncio.Handle, "_run", timed):
            yield steps
    finally:
        gc.callbacks.remove(collect)
