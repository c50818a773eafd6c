"""A CEMM in a process: a believable house, both APIs, the broadcast, and all that can fail.

It needs nothing but aiohttp:

    simulator = Simulator(House(seed=1), Clock(speed=60), api_key="demo")
    await simulator.start()
"""

from .clock import Clock
from .faults import Fault
from .house import House, SimMeter, Source
from .server import Request, Simulator

__all__ = ["Clock", "Fault", "House", "Request", "SimMeter", "Simulator", "Source"]
