"""The client for CEMMs that others wrote and published reads the simulator."""

from collections.abc import AsyncIterator
import socket
from typing import Any

from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from cemm import CEMM, Connection, Device
import pytest

from simulator import House, Simulator

from .conftest import NOON


class _PortOf(AbstractResolver):
    """Leads every host name to the simulator: the client knows port 80 only."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        simulator = self._simulator
        return [
            ResolveResult(
                hostname=host,
                host=simulator.host,
                port=simulator.port,
                family=socket.AF_INET,
                proto=0,
                flags=0,
            )
        ]

    async def close(self) -> None: ...


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[CEMM]:
    async with ClientSession(connector=TCPConnector(resolver=_PortOf(sim))) as session:
        yield CEMM(host="cemm.test", session=session)


async def test_device(client: CEMM, house: House) -> None:
    assert await client.device() == Device(
        model="CEMM Basic", mac=house.mac, version="2.26.0.0", core="1.25"
    )


async def test_connections(client: CEMM) -> None:
    connections = await client.all_connections()
    assert connections[0] == Connection(io_id=1, io_type="p1", alias="p1")
    assert len(connections) == 5


def readings(house: House, alias: str, at: float, **keys: str) -> dict[str, Any]:
    return {name: house.reading(alias, key, at) for name, key in keys.items()}


async def test_smart_meter(client: CEMM, house: House) -> None:
    at = NOON - 7
    assert vars(await client.smartmeter("p1")) == readings(
        *(house, "p1", at),
        energy_consumption_low="t1",
        energy_consumption_high="t2",
        energy_returned_low="t3",
        energy_returned_high="t4",
        billed_energy_low="electric_energy",
        billed_energy_high="electric_energy_high",
    ) | {
        "power_flow": house.power("p1", at),
        "gas_consumption": house.reading("p1", "gas", NOON - 30),
        "energy_tariff_period": 2,
    }


async def test_water_meter(client: CEMM, house: House) -> None:
    at = NOON - 2
    assert vars(await client.watermeter("pulse-2")) == {
        "flow": house.flow("pulse-2", at),
        "volume": house.reading("pulse-2", "volume", at),
    }


async def test_solar_panel(client: CEMM, house: House) -> None:
    at = NOON - 4
    read = readings(
        *(house, "s01", at),
        gross_production_low="t1",
        gross_production_high="t2",
        device_consumption_low="t3",
        device_consumption_high="t4",
        net_production_low="electric_energy",
        net_production_high="electric_energy_high",
    )
    totals = {
        total: round(read[f"{total}_low"] + read[f"{total}_high"], 2)
        for total in ("gross_production", "device_consumption", "net_production")
    }
    expected = read | {f"{name}_total": value for name, value in totals.items()}
    solar = vars(await client.solarpanel("s01"))
    assert solar.pop("power_flow") == house.power("s01", at)
    assert solar == expected
    assert solar["gross_production_total"] > 0
