"""Tests of the local API: the documents that its specification shows."""

from datetime import date
from itertools import pairwise

from aiohttp import ClientSession
import pytest

from simulator import Clock, House, SimMeter, Simulator, Source
from simulator.days import midnight

from .conftest import NOON, Get

TODAY = date(2025, 6, 18)
MEASURED = (NOON - 7) * 1000
"""When the smart meter sent its last telegram."""


async def test_information(local: Get) -> None:
    assert await local("") == {
        "data": {
            "mac": "00:1E:C0:85:96:CC",
            "name": "CEMM Basic",
            "type": "E5AD649292BBBB51060F",
            "version": "2.26.0.0",
            "core": "1.25",
        }
    }


async def test_io(local: Get, house: House) -> None:
    listed = (await local("io/"))["data"]
    assert listed[0] == {"io_id": 1, "port": 3, "type": "p1", "alias": "p1"}
    assert [(io["alias"], io["type"]) for io in listed] == [
        ("p1", "p1"),
        ("p1-gas", "gas"),
        ("s01", "solar_energy"),
        ("mb5", "electricity"),
        ("pulse-2", "water"),
    ]
    house.io_list = False
    await local("io/", status=404)


async def test_smart_meter(local: Get, house: House) -> None:
    at = MEASURED / 1000

    def shown(*keys: str) -> dict[str, list[float]]:
        return {key: [MEASURED, house.reading("p1", key, at)] for key in keys}

    gas = house.reading("p1-gas", "gas", midnight(TODAY) + 12 * 3600)
    registers = shown("t1", "t2", "t3", "t4")
    assert await local("p1/realtime/") == {
        "data": registers
        | {
            "electric_power": [MEASURED, house.power("p1", at)],
            "rate": [MEASURED, 2],
            "gas": [MEASURED, gas],
        },
        "totals": shown("electric_energy", "electric_energy_high")
        | registers
        | {"gas": [MEASURED, gas]},
    }
    assert (await local("p1-gas/realtime"))["data"] == {
        "gas": [(NOON - 30) * 1000, gas]
    }


async def test_the_clock_moves_the_readings(
    local: Get, clock: Clock, house: House
) -> None:
    house.meters["p1"].cadence = 1
    first = await local("p1/realtime")
    clock.advance(1)
    second = await local("p1/realtime")
    assert second["data"]["t2"][0] - first["data"]["t2"][0] == 1000
    clock.advance(86_400 * 3.5)
    weekend = await local("p1/realtime")
    assert weekend["data"]["rate"][1] == 1
    assert weekend["data"]["t1"][1] > first["data"]["t1"][1]


async def test_single_register(local: Get, house: House) -> None:
    """A Modbus meter knows no tariffs; the CEMM splits what it counts."""
    answer = await local("mb5/realtime/")
    data, totals = answer["data"], answer["totals"]
    assert data["t1"][1] == round(totals["t1"][1] + totals["t2"][1], 3)
    assert data["t2"] == data["t3"] == data["t4"] == [0, 0]
    assert totals["t2"][1] == house.reading("mb5", "t2", NOON)
    assert "t3" not in totals


async def test_water_and_usage(local: Get, house: House) -> None:
    water = await local("pulse-2/realtime/")
    assert list(water["data"]) == ["flow"]
    assert list(water["totals"]) == ["volume"]
    usage = await local("usage/realtime")
    power = house.power("p1", NOON - 0.2) + house.power("s01", NOON - 0.2)
    assert usage["data"] == {
        "electric_power": [(NOON - 10) * 1000, pytest.approx(power, rel=0.5)]
    }
    assert usage["data"]["electric_power"][1] == house.power("usage", NOON - 10)


async def test_meters_come_and_go(local: Get, house: House) -> None:
    del house.meters["p1-gas"]
    assert (await local("p1/realtime"))["data"]["gas"] == [0, 0]
    await local("p1-gas/realtime", status=404)
    house.meters["s02"] = SimMeter(9, "electricity", Source.EV)
    assert list((await local("s02/realtime"))["totals"]) == [
        "electric_energy",
        "electric_energy_high",
    ]
    house.meters["pulse-3"] = SimMeter(10, "gas", Source.GAS)
    assert list((await local("pulse-3/realtime"))["totals"]) == ["volume"]
    assert list((await local("pulse-3/data/day"))["data"]) == ["flow"]
    assert list((await local("pulse-3/data/year"))["data"]) == ["volume"]
    assert len((await local("io"))["data"]) == 6


async def test_day_of_minutes(local: Get, house: House) -> None:
    start = midnight(TODAY)
    answer = await local("p1/data/day/", time=start)
    assert (answer["io_id"], answer["time"]) == ("1", start)
    samples = answer["data"]["electric_power"]
    assert samples[0] == [(start + 86_399) * 1000, None]
    assert samples[1][0] == (start + 12 * 3600 - 60) * 1000
    assert samples[-1] == [start * 1000, house.minutes("p1", start)[0]]
    assert len(samples) == 12 * 60 + 1
    assert await local("p1/data/day") == answer


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(date(2025, 3, 30), 1380), (date(2024, 10, 27), 1500), (date(2025, 2, 28), 1440)],
)
@pytest.mark.parametrize(
    ("alias", "channel", "total", "unit"),
    [
        (
            "p1",
            "electric_power",
            ("electric_energy_low", "electric_energy_high"),
            60_000,
        ),
        (
            "s01",
            "electric_power",
            ("electric_energy_low", "electric_energy_high"),
            60_000,
        ),
        (
            "usage",
            "electric_power",
            ("electric_energy_low", "electric_energy_high"),
            60_000,
        ),
        ("p1-gas", "gas", ("gas",), 1000),
        ("pulse-2", "flow", ("volume",), 1000),
    ],
)
async def test_day_month_and_year_agree(
    *,
    local: Get,
    alias: str,
    channel: str,
    total: tuple[str, ...],
    unit: int,
    day: date,
    minutes: int,
) -> None:
    start = midnight(day)
    samples = (await local(f"{alias}/data/day/", time=start))["data"][channel]
    assert len(samples) == minutes + 1
    amount = sum(value for _, value in samples[1:]) / unit

    month = (await local(f"{alias}/data/month/", time=midnight(day.replace(day=1))))[
        "data"
    ]
    of_day = [dict(map(tuple, month[key]))[start * 1000] for key in total]
    assert sum(of_day) == pytest.approx(amount, abs=1e-9)

    year = (await local(f"{alias}/data/year/", time=start))["data"]
    first = midnight(day.replace(day=1)) * 1000
    for key in total:
        of_month = dict(map(tuple, year[key]))[first]
        assert of_month == pytest.approx(
            sum(value for _, value in month[key]), abs=1e-9
        )
        assert len(year[key]) == 12


async def test_month_agrees_with_readings(local: Get, house: House) -> None:
    begin, end = midnight(date(2025, 4, 1)), midnight(date(2025, 5, 1))
    month = (await local("p1/data/month/", time=begin))["data"]["electric_energy_low"]
    counted = [house.reading("p1", "electric_energy", at) for at in (begin, end)]
    assert sum(value for _, value in month) == pytest.approx(
        counted[1] - counted[0], abs=1e-9
    )


async def test_future_and_past(local: Get) -> None:
    month = (await local("p1/data/month"))["data"]["electric_energy_high"]
    assert [value for _, value in month[:12]] == [0] * 12
    assert month[12][0] == midnight(TODAY) * 1000
    assert month[12][1] != 0
    year = (await local("p1/data/year", time=midnight(date(2024, 1, 1))))["data"]
    assert [value for _, value in year["electric_energy_low"][-3:]] != [0, 0, 0]
    assert [value for _, value in year["electric_energy_low"][-2:]] == [0, 0]
    before = await local("p1/data/day", time=midnight(date(2024, 2, 1)))
    assert before["data"] == {"electric_power": []}
    tomorrow = await local("p1/data/day", time=midnight(date(2025, 6, 19)))
    assert [value for _, value in tomorrow["data"]["electric_power"]] == [None]


async def test_hourly_gas(session: ClientSession, clock: Clock) -> None:
    """DSMR 4: cubic metres an hour, with a zero that ends the list."""
    house = House(dsmr=4)
    sim = Simulator(house, clock)
    await sim.start()
    async with session.get(
        f"http://{sim.base}/open-api/v1/p1-gas/data/day"
    ) as response:
        samples = (await response.json())["data"]["gas"]
    await sim.stop()
    start = midnight(TODAY)
    assert samples[0] == [(start + 86_399) * 1000, 0]
    assert len(samples) == 13
    gas = [house.reading("p1-gas", "gas", start + 3600 * hour) for hour in range(13)]
    assert [value for _, value in samples[:0:-1]] == pytest.approx(
        [after - before for before, after in pairwise(gas)]
    )


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("s02/realtime", {}, 404),
        ("p1", {}, 404),
        ("p1/data/week", {}, 404),
        ("p1/data/day", {"time": "now"}, 400),
        ("p1/data/day", {"time": "99999999999"}, 400),
    ],
)
async def test_refused(
    local: Get, path: str, query: dict[str, str], status: int
) -> None:
    await local(path, status=status, **query)


async def test_only_get(sim: Simulator, session: ClientSession) -> None:
    async with session.post(f"http://{sim.base}/open-api/v1/") as response:
        assert response.status == 405


async def test_newer_generation(
    sim: Simulator, session: ClientSession, local: Get
) -> None:
    url = f"http://{sim.base}/api/v1/public"
    async with session.get(f"{url}/cemm") as response:
        assert response.status == 404
    sim.house.cemm_3 = True
    await local("", status=404)
    async with session.get(f"{url}/cemm") as response:
        information = await response.json()
    assert information["mac"] == sim.house.mac
    assert set(information) == {
        *("id", "name", "mac", "local_ip", "version", "timezone", "modules"),
    }
    async with session.get(f"{url}/meters") as response:
        assert len(await response.json()) == 5
