"""Simulated houses in a process of their own, measuring in real time."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

from simulator import Clock, House, Simulator

from .process import Served, served, stay


@contextmanager
def serving_houses(macs: Mapping[int, str], readers: int) -> Iterator[Served]:
    """Serve a house for each cadence (seconds) of the smart meter, and the CEMM's MAC.

    Every reader has a CEMM of its own in each house, all showing the same: at `hosts` are
    first those of the first house.
    """
    with served(_run, dict(macs), readers) as houses:
        yield houses


def _run(pipe: Connection, macs: Mapping[int, str], readers: int) -> None:
    async def serve() -> None:
        clock = Clock()
        houses = [House(mac=mac, cadence=cadence) for cadence, mac in macs.items()]
        simulators = [
            Simulator(house, clock) for house in houses for _ in range(readers)
        ]
        for simulator in simulators:
            await simulator.start(remote_port=None)
        await stay(
            pipe,
            [simulator.base for simulator in simulators],
            lambda: [_take_log(simulator) for simulator in simulators],
        )

    asyncio.run(serve())


def _take_log(simulator: Simulator) -> list[str]:
    paths = [request.path for request in simulator.requests]
    simulator.requests.clear()
    return paths
