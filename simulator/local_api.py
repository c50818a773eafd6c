"""The API that a CEMM serves in its own network."""

from collections.abc import Mapping, Sequence
from typing import Any

from .days import period_start
from .faults import NEVER_MEASURED, Fault
from .house import House, SimMeter, Source
from .protocol import Refused, describe, wanted_time
from .readings import Readings

_NETS = ("electric_energy", "electric_energy_high")
_REGISTERS = ("t1", "t2", "t3", "t4")


class LocalApi:
    """Answers for one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def answer(
        self, path: str, query: Mapping[str, str], now: float, faults: Sequence[Fault]
    ) -> Any:
        """Return the document at `path` at the time `now`. Raises Refused."""
        house = self._house
        match path.split("/"):
            case ["api", "v1", "public", "cemm"] if house.cemm_3:
                return _information_3(house)
            case ["api", "v1", "public", "meters"] if house.cemm_3:
                return [describe(meter) for meter in house.meters.values()]
            case ["open-api", "v1", *rest] if not house.cemm_3:
                return self._open_api(rest, query, now, faults)
            case _:
                raise Refused(404)

    def _open_api(
        self,
        parts: list[str],
        query: Mapping[str, str],
        now: float,
        faults: Sequence[Fault],
    ) -> Any:
        house = self._house
        match parts:
            case []:
                return {"data": _information(house)}
            case ["io"] if house.io_list:
                return {
                    "data": [
                        describe(meter) | {"alias": alias}
                        for alias, meter in house.meters.items()
                    ]
                }
        meter = house.find(parts[0])
        if meter is None:
            raise Refused(404)
        readings = Readings(house, now, faults)
        match parts:
            case [alias, "realtime"]:
                return _realtime(alias, meter, readings)
            case [alias, "data", "day" | "month" | "year" as period]:
                at = wanted_time(query, now)
                return {
                    "io_id": str(meter.io_id),
                    "time": at if "time" in query else period_start(period, at),
                    "data": readings.history(alias, meter, period, at),
                }
            case _:
                raise Refused(404)


def _information(house: House) -> dict[str, str]:
    return {
        "mac": house.mac,
        "name": house.name,
        "type": house.type,
        "version": house.version,
        "core": house.core,
    }


def _information_3(house: House) -> dict[str, Any]:
    return {
        "id": house.mac.replace(":", "").lower(),
        "name": "CEMM 3.0",
        "mac": house.mac,
        "local_ip": "127.0.0.1",
        "version": "3.0.1",
        "timezone": "Europe/Amsterdam",
        "modules": [],
    }


def _realtime(alias: str, meter: SimMeter, readings: Readings) -> dict[str, Any]:
    keys, total_keys = _channels(alias, meter)
    data = {key: readings.measurement(alias, meter, key) for key in keys}
    if meter.single_register:
        whole = readings.whole_count(alias, meter)
        data = {"t1": whole, **dict.fromkeys(_REGISTERS[1:], NEVER_MEASURED), **data}
    totals = {key: readings.measurement(alias, meter, key) for key in total_keys}
    return {"data": data} | ({"totals": totals} if totals else {})


def _channels(alias: str, meter: SimMeter) -> tuple[Sequence[str], Sequence[str]]:
    """Return the channels in a meter's data and in its totals."""
    match meter.source:
        case Source.GAS if alias.endswith("-gas"):
            return ("gas",), ("gas",)
        case Source.GAS | Source.WATER:
            return ("flow",), ("volume",)
        case Source.GRID:
            return (*_REGISTERS, "electric_power", "rate", "gas"), (
                *_NETS,
                *_REGISTERS,
                "gas",
            )
        case Source.USAGE:
            return ("electric_power",), ()
    if meter.type == "solar_energy":
        return ("electric_power",), (*_NETS, *_REGISTERS)
    return ("electric_power",), (
        *_NETS,
        *(_REGISTERS[:2] if meter.single_register else ()),
    )
