"""A home network of its own: Home Assistant and the browser here, CEMMs across a cable."""

import asyncio
from collections.abc import Coroutine
import os
import subprocess
import threading
from typing import Any, Self

HOME = "192.168.1.2"
CEMM, NEIGHBOUR, MOVED = "192.168.1.20", "192.168.1.21", "192.168.1.30"
HTTP_PORT, DISCOVERY_PORT = 80, 9777


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)


class Network:
    """Gives the CEMMs a network namespace of their own, joined to this process's by a cable.

    Namespaces belong to threads, so theirs is that of a thread with an event loop, where
    simulators run. This process must already be in a namespace made for the run: nothing
    here reaches the machine's own network, and all of it is gone when the process ends.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._joined = threading.Event()
        self._thread = threading.Thread(target=self._far_end, name="CEMM network")

    def __enter__(self) -> Self:
        """Lay the cable. Raises CalledProcessError without the right to."""
        _ip("link set lo up")
        self._thread.start()
        self._joined.wait()
        _ip(f"link add home type veth peer name cemm netns {self._thread.native_id}")
        _ip(f"address add {HOME}/24 broadcast + dev home")
        _ip("link set home up")
        # Broadcasts leave here, and Home Assistant takes the multicast's interface for its own.
        # There is no default route: what asks the internet learns at once that there is none.
        _ip("route add 255.255.255.255 dev home")
        _ip("route add 224.0.0.0/4 dev home")
        self.wait(self._plug_in())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what runs at the far end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` at the far end, and return its result."""
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        )

    def wait[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        """As `run`, from outside an event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _far_end(self) -> None:
        os.unshare(os.CLONE_NEWNET)
        self._joined.set()
        self._loop.run_forever()
        self._loop.close()

    async def _plug_in(self) -> None:
        for address in (CEMM, NEIGHBOUR, MOVED):
            _ip(f"address add {address}/24 broadcast + dev cemm")
        _ip("link set lo up")
        _ip("link set cemm up")
