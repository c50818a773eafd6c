"""CEMMs in a process of their own, so that what they cost is not measured."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
import time
from typing import Any

from aiohttp import web

from simulator import Clock, House, Request, Simulator

_T = ("t1", "t2", "t3", "t4")
_NETS = ("electric_energy", "electric_energy_high")
_SMART = (*_T, "electric_power", "rate", "switch", "gas")

# The meters of a fully equipped CEMM, by alias: type, channels of its data, of its totals.
_METERS = {
    "p1": ("p1", _SMART, (*_NETS, *_T, "gas")),
    "emucs": ("emucs", _SMART, (*_NETS, *_T, "gas")),
    "p1-gas": ("gas", ("gas",), ("gas",)),
    "s01": ("solar_energy", ("electric_power",), (*_NETS, *_T)),
    "s02": ("electricity", ("electric_power",), _NETS),
    "mb5": ("electricity", ("electric_power",), (*_NETS, *_T[:2])),
    "mb6": ("electricity", (*_T, "electric_power"), (*_NETS, *_T)),
    "pulse-2": ("water", ("flow",), ("volume",)),
    "pulse-3": ("gas", ("flow",), ("volume",)),
    "usage": ("", ("electric_power",), ()),
}
_CONNECTED = [
    {"io_id": number, "port": number, "type": type_, "alias": alias}
    for number, (alias, (type_, _, _)) in enumerate(_METERS.items())
    if type_
]
_MINUTE = 60_000


def mac(number: int) -> str:
    """Return the MAC of a CEMM."""
    return f"00:1e:c0:00:00:{number:02x}"


def equipped(count: int) -> list[Equipped]:
    """Return fully equipped CEMMs, with MACs from `mac(0)` on."""
    return [Equipped(mac(number)) for number in range(count)]


def houses(cadences: Sequence[int], readers: int) -> list[Simulator]:
    """Return CEMMs of houses whose smart meters measure every so many seconds.

    The first ones are of the first house: one for each reader, all with `mac(cadence)`.
    """
    clock = Clock()
    built = [House(mac=mac(cadence), cadence=cadence) for cadence in cadences]
    return [Simulator(house, clock) for house in built for _ in range(readers)]


type _Make = Callable[..., Sequence[Equipped | Simulator]]


@contextmanager
def serving(make: _Make, *args: object) -> Iterator[Servers]:
    """Serve the `equipped` or the `houses` that `make(*args)` returns."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make, *args), daemon=True)
    process.start()
    try:
        yield Servers(ours)
    finally:
        process.terminate()
        process.join()


class Servers:
    """CEMMs that are being served."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.hosts: list[str] = pipe.recv()
        """Host and port of each."""

    def requests(self, *, then_freeze: bool = False) -> list[list[str]]:
        """Return for each CEMM the paths that were asked for since the last call.

        Values that are frozen then change no more.
        """
        self._pipe.send(then_freeze)
        paths: list[list[str]] = self._pipe.recv()
        return paths


def _serve(pipe: Connection, make: _Make, *args: object) -> None:
    """Serve until the parent ends, however it does."""

    async def serve() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        cemms = make(*args)

        def answer() -> None:
            try:
                Equipped.frozen |= pipe.recv()
            except EOFError:
                loop.remove_reader(pipe.fileno())
                ended.set()
                return
            pipe.send([[request.path for request in c.requests] for c in cemms])
            for cemm in cemms:
                cemm.requests.clear()

        for cemm in cemms:
            await cemm.start()
        pipe.send([cemm.base for cemm in cemms])
        loop.add_reader(pipe.fileno(), answer)
        await ended.wait()

    asyncio.run(serve())


class Equipped:
    """A fully equipped CEMM, whose values all change whenever it is asked for them."""

    frozen = False
    """Whether they do not, in any such CEMM."""

    def __init__(self, mac: str) -> None:
        self.base = ""
        self.requests: list[Request] = []
        self._mac = mac
        self._measurements: Counter[str] = Counter()
        self._start = int(time.time()) * 1000

    async def start(self) -> None:
        """Serve on any port."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"127.0.0.1:{runner.addresses[0][1]}"

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        self.requests.append(Request("local", request.path, {}))
        match request.path.strip("/").split("/")[2:]:
            case []:
                return web.json_response({"data": {"mac": self._mac, "core": "1.25"}})
            case ["io"]:
                return web.json_response({"data": _CONNECTED})
            case [alias, "realtime"] if alias in _METERS:
                return web.json_response(self._realtime(alias))
        return web.json_response({}, status=404)

    def _realtime(self, alias: str) -> dict[str, Any]:
        self._measurements[alias] += not self.frozen
        number = self._measurements[alias]
        time = self._start + number * _MINUTE
        _, data, totals = _METERS[alias]
        return {
            "data": {key: [time, _value(key, number)] for key in data},
            "totals": {key: [time, _value(key, number)] for key in totals},
        }


def _value(key: str, number: int) -> float:
    """Return the value of a channel in a meter's measurement, other than the one before."""
    match key:
        case "rate":
            return 1 + number % 2
        case "electric_power" | "switch":
            return 100 + number % 1000
        case "flow":
            return 1 + number % 100 / 100
    return round(1234.567 + number / 1000, 3)
