"""Fully equipped CEMMs in a process of their own, whose values all change, or none."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
import time
from typing import Any

from aiohttp import web

from .process import CONTEXT, Served, served, stay

_T = ("t1", "t2", "t3", "t4")
_NETS = ("electric_energy", "electric_energy_high")
_SMART = (*_T, "electric_power", "rate", "switch", "gas")

# Alias: type, channels of its data, channels of its totals.
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
_MINUTE = 60_000


def mac(number: int) -> str:
    """Return the MAC of the CEMM at `hosts[number]`."""
    return f"00:1e:c0:00:00:{number:02x}"


@contextmanager
def serving(count: int = 1) -> Iterator[tuple[Served, Synchronized[bool]]]:
    """Serve `count` CEMMs, and yield them with the switch between changing and not."""
    changing = CONTEXT.Value("b", 1)
    with served(_run, count, changing) as cemms:
        yield cemms, changing


def _run(pipe: Connection, count: int, changing: Synchronized[bool]) -> None:
    async def serve() -> None:
        cemms = [_Cemm(mac(number), changing) for number in range(count)]
        hosts = []
        for cemm in cemms:
            runner = web.ServerRunner(web.Server(cemm.handle, access_log=None))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            hosts.append(f"127.0.0.1:{runner.addresses[0][1]}")
        await stay(pipe, hosts, lambda: [cemm.take_log() for cemm in cemms])

    asyncio.run(serve())


class _Cemm:
    def __init__(self, mac: str, changing: Synchronized[bool]) -> None:
        self._mac = mac
        self._changing = changing
        self._log: list[str] = []
        self._measurements: Counter[str] = Counter()
        self._start = int(time.time()) * 1000

    def take_log(self) -> list[str]:
        log, self._log = self._log, []
        return log

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self._log.append(request.path)
        match request.path.strip("/").split("/")[2:]:
            case []:
                return web.json_response({"data": {"mac": self._mac, "core": "1.25"}})
            case ["io"]:
                return web.json_response({"data": _connected()})
            case [alias, "realtime"] if alias in _METERS:
                return web.json_response(self._realtime(alias))
        return web.json_response({}, status=404)

    def _realtime(self, alias: str) -> dict[str, Any]:
        self._measurements[alias] += self._changing.value
        number = self._measurements[alias]
        _, data, totals = _METERS[alias]
        time = self._start + number * _MINUTE
        return {
            "data": {key: [time, _value(key, number)] for key in data},
            "totals": {key: [time, _value(key, number)] for key in totals},
        }


def _connected() -> list[dict[str, Any]]:
    return [
        {"io_id": number, "port": number, "type": type_, "alias": alias}
        for number, (alias, (type_, _, _)) in enumerate(_METERS.items())
        if type_
    ]


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
