"""The API that the maker of the CEMM serves for all of them."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from .clock import Clock
from .faults import Fault
from .house import House, SimMeter, Source
from .protocol import Refused, describe, wanted_time
from .readings import Readings

_ALIASES = ("p1", "han", "p1-gas", "s01", "s02", "s03")
_REALTIME = {
    Source.GRID: ("t1", "t2", "t3", "t4", "electric_power", "rate", "switch", "gas"),
    Source.GAS: ("gas",),
}
_TOTALS = {
    Source.GRID: (
        "t1",
        "t2",
        "t3",
        "t4",
        "electric_energy",
        "electric_energy_high",
        "gas",
    ),
    Source.GAS: ("gas",),
}
_NETS = ("electric_energy", "electric_energy_high")
_PROMISE_SECONDS = 10


class RemoteApi:
    """Answers for the houses that are linked to one key. Their list may be changed."""

    def __init__(self, houses: list[House], api_key: str) -> None:
        self.linked = houses
        self._api_key = api_key

    def answer(
        self, path: str, query: Mapping[str, str], now: float, faults: Sequence[Fault]
    ) -> Any:
        """Return the document at `path` at the time `now`. Raises Refused."""
        match path.split("/"):
            case ["v1", "cemm", *rest]:
                if query.get("api_key") != self._api_key:
                    raise Refused(403)
            case _:
                raise Refused(404)
        match rest:
            case []:
                return {"data": [{"uid": _uid(house)} for house in self.linked]}
            case [uid, *parts] if house := self._find(uid):
                return _answer(house, parts, query, now, faults)
            case _:
                raise Refused(403)

    def _find(self, uid: str) -> House | None:
        return next((house for house in self.linked if _uid(house) == uid), None)


class Promises:
    """What was promised, by resource: at first nothing but the promise is there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[str, float] = {}

    def make(self, resource: str) -> dict[str, str] | None:
        """Return a promise, or None when an earlier one can be kept now."""
        now = self._clock.real()
        self._made = {
            name: made
            for name, made in self._made.items()
            if now - made < _PROMISE_SECONDS
        }
        if resource in self._made:
            return None
        self._made[resource] = now
        return {"promise": sha256(f"{resource} {now}".encode()).hexdigest()[:32]}


def _uid(house: House) -> str:
    return house.mac.replace(":", "-").upper()


def _answer(
    house: House,
    parts: list[str],
    query: Mapping[str, str],
    now: float,
    faults: Sequence[Fault],
) -> dict[str, Any]:
    match parts:
        case ["io"]:
            return {"data": [_describe(meter) for meter in house.meters.values()]}
        case [alias, *_] if alias not in _ALIASES:
            raise Refused(412)
        case [alias, *endpoint] if meter := house.meters.get(alias):
            pass
        case _:
            raise Refused(404)
    readings = Readings(house, now, faults)
    match endpoint:
        case []:
            return {"data": [_describe(meter)]}
        case ["realtime"]:
            keys = _REALTIME.get(meter.source, ("electric_power",))
            newest = {key: readings.measurement(alias, meter, key) for key in keys}
            return {"io_id": meter.io_id, "data": newest}
    at = wanted_time(query, now)
    data: Mapping[str, object]
    match endpoint:
        case ["totals"]:
            keys = _TOTALS.get(meter.source, _NETS)
            data = {key: readings.total(alias, meter, key, at) for key in keys}
        case ["data", "day" | "month" | "year" as period]:
            data = readings.history(alias, meter, period, at)
        case _:
            raise Refused(404)
    return {"io_id": meter.io_id, "time": at * 1000, "data": data}


def _describe(meter: SimMeter) -> dict[str, Any]:
    # The number of the CEMM itself: meters on radio units of their own would have others.
    return describe(meter) | {"port_option": meter.port_option, "full_id": 16384}
