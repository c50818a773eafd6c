"""Tests of the remote API: the documents that its specification shows."""

from datetime import date

from aiohttp import ClientSession
import pytest

from simulator import Clock, House, Simulator
from simulator.days import midnight

from .conftest import NOON, Get

UID = "00-1E-C0-85-96-CC"
MEASURED = (NOON - 7) * 1000


async def test_linked(remote: Get, sim: Simulator) -> None:
    sim.linked.append(House(2, mac="FF:FF:FF:FF:FF:01"))
    assert await remote("cemm/") == {
        "data": [{"uid": UID}, {"uid": "FF-FF-FF-FF-FF-01"}]
    }
    first = await remote(f"cemm/{UID}/s01/totals/")
    assert first != await remote("cemm/FF-FF-FF-FF-FF-01/s01/totals/")
    sim.linked.clear()
    assert await remote("cemm") == {"data": []}
    await remote(f"cemm/{UID}/io/", status=403)


async def test_io(remote: Get) -> None:
    p1 = {"io_id": 1, "port": 3, "type": "p1", "port_option": "p1_in", "full_id": 16384}
    listed = (await remote(f"cemm/{UID}/io/"))["data"]
    assert listed[0] == p1
    assert [io["io_id"] for io in listed] == [1, 2, 3, 4, 5]
    assert await remote(f"cemm/{UID}/p1/") == {"data": [p1]}


async def test_realtime(remote: Get, house: House) -> None:
    at = MEASURED / 1000
    p1 = await remote(f"cemm/{UID}/p1/realtime/")
    assert p1["io_id"] == 1
    assert list(p1["data"]) == [
        *("t1", "t2", "t3", "t4", "electric_power", "rate", "switch", "gas"),
    ]
    assert p1["data"]["t3"] == [MEASURED, house.reading("p1", "t3", at)]
    assert p1["data"]["switch"] == [0, 0]
    s01 = await remote(f"cemm/{UID}/s01/realtime/")
    power = house.power("s01", NOON - 4)
    assert s01 == {"io_id": 3, "data": {"electric_power": [(NOON - 4) * 1000, power]}}
    assert list((await remote(f"cemm/{UID}/p1-gas/realtime/"))["data"]) == ["gas"]


@pytest.mark.parametrize(
    ("alias", "keys"),
    [
        (
            "p1",
            ["t1", "t2", "t3", "t4", "electric_energy", "electric_energy_high", "gas"],
        ),
        ("p1-gas", ["gas"]),
        ("s01", ["electric_energy", "electric_energy_high"]),
    ],
)
async def test_totals(remote: Get, house: House, alias: str, keys: list[str]) -> None:
    """Meter readings are noted every five minutes; the day's last one is told."""
    wanted = midnight(date(2025, 3, 30)) + 12_345
    answer = await remote(f"cemm/{UID}/{alias}/totals/", time=wanted)
    noted = midnight(date(2025, 3, 31)) - 300
    assert answer["time"] == wanted * 1000
    assert answer["data"] == {
        key: [noted * 1000, house.reading(alias, key, noted)] for key in keys
    }
    today = await remote(f"cemm/{UID}/{alias}/totals/", time=int(NOON))
    assert today["data"][keys[0]][0] == (NOON - 30) * 1000
    for nothing in (date(2024, 2, 29), date(2025, 6, 19)):
        empty = await remote(f"cemm/{UID}/{alias}/totals/", time=midnight(nothing))
        assert empty["data"] == {key: [0, 0] for key in keys}


async def test_a_cemm_without_power_notes_nothing(remote: Get, house: House) -> None:
    """Its meters count on, and the month data is made of their readings."""
    day = midnight(date(2025, 5, 7))
    path = f"cemm/{UID}/p1"
    month = await remote(f"{path}/data/month/", time=day)
    house.blackouts.append((day + 82_830, day + 90_030))
    for start, missing in ((day, range(1380, 1440)), (day + 86_400, range(61))):
        answer = await remote(f"{path}/data/day/", time=start)
        samples = answer["data"]["electric_power"][:0:-1]
        assert [n for n, (_, mean) in enumerate(samples) if mean is None] == list(
            missing
        )
    totals = await remote(f"{path}/totals/", time=day)
    assert totals["data"]["t1"][0] == (day + 82_800) * 1000
    assert await remote(f"{path}/data/month/", time=day) == month


@pytest.mark.parametrize("period", ["day", "month", "year"])
@pytest.mark.parametrize("alias", ["p1", "p1-gas", "s01"])
async def test_history_is_that_of_the_local_api(
    remote: Get, local: Get, alias: str, period: str
) -> None:
    wanted = int(NOON) - 40 * 86_400
    answer = await remote(f"cemm/{UID}/{alias}/data/{period}/", time=wanted)
    same = await local(f"{alias}/data/{period}/", time=wanted)
    assert answer["data"] == same["data"]
    assert answer["time"] == wanted * 1000
    assert str(answer["io_id"]) == same["io_id"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("cemm/11-11-11-11-11-11/io/", 403),
        (f"cemm/{UID}/mb5/realtime/", 412),
        (f"cemm/{UID}/pulse-2/", 412),
        (f"cemm/{UID}/s02/realtime/", 404),
        (f"cemm/{UID}/", 404),
        (f"cemm/{UID}/p1/data/week/", 404),
        ("meters/", 404),
    ],
)
async def test_refused(remote: Get, path: str, status: int) -> None:
    await remote(path, status=status)


async def test_key(remote: Get, sim: Simulator, session: ClientSession) -> None:
    await remote("cemm/", status=403, api_key="wrong")
    async with session.get(f"{sim.remote_url}cemm/") as response:
        assert response.status == 403
    # What is noted of requests is free of keys.
    assert [request.query for request in sim.requests] == [{}, {}]


async def test_promise(session: ClientSession) -> None:
    real = [NOON]
    sim = Simulator(House(), Clock(source=lambda: real[0]))
    sim.promises = True
    await sim.start()

    async def get(path: str, **query: int) -> tuple[int, str]:
        params = {"api_key": "demo"} | {key: str(value) for key, value in query.items()}
        async with session.get(f"{sim.remote_url}{path}", params=params) as response:
            return response.status, next(iter(await response.json()))

    totals = f"cemm/{UID}/p1/totals/"
    assert await get("cemm/") == (202, "promise")
    assert await get(totals, time=1) == (202, "promise")
    assert await get(totals, time=2) == (202, "promise")
    real[0] += 9
    assert await get("cemm/") == (200, "data")
    assert await get(totals, time=1) == (200, "io_id")
    real[0] += 2
    assert await get("cemm/") == (202, "promise")
    assert (await get(f"cemm/{UID}/mb5/realtime/"))[0] == 412
    await sim.stop()
