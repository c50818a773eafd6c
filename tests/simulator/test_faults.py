"""Tests of the faults: each does what its name says, and only where it should."""

import asyncio
from datetime import date
import json
import time
from typing import Any

from aiohttp import ClientPayloadError, ClientSession, ServerDisconnectedError
import pytest

from simulator import Clock, Fault, Simulator
from simulator.days import midnight

from .conftest import NOON, Get

P1_TOTALS = "cemm/00-1E-C0-85-96-CC/p1/totals/"


@pytest.fixture
def url(sim: Simulator) -> str:
    return f"http://{sim.base}/open-api/v1/p1/realtime/"


async def raw(session: ClientSession, url: str) -> tuple[int, str, bytes]:
    async with session.get(url, allow_redirects=False) as response:
        return response.status, response.content_type, await response.read()


async def test_latency(sim: Simulator, local: Get) -> None:
    sim.faults.append(Fault("latency", value=0.1))
    begin = time.monotonic()
    await local("")
    assert time.monotonic() - begin >= 0.1


@pytest.mark.parametrize("status", [403, 408, 412, 500, 502])
async def test_status(sim: Simulator, local: Get, remote: Get, status: int) -> None:
    sim.faults.append(Fault("status", api="remote", value=status))
    await remote("cemm/", status=status)
    await local("")


async def test_wrong_bodies(sim: Simulator, session: ClientSession, url: str) -> None:
    kinds = ("broken_json", "html", "empty")
    sim.faults.extend(Fault(kind, times=1) for kind in kinds)
    broken, html, empty = [await raw(session, url) for _ in kinds]
    assert broken[:2] == (200, "application/json")
    assert broken[2].startswith(b'{"data"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken[2])
    assert html[:2] == (200, "text/html")
    assert empty == (200, "application/json", b"")
    assert json.loads((await raw(session, url))[2])["data"]


@pytest.mark.parametrize(
    ("value", "body"), [(b"\xff", b"\xff"), ({"data": 1}, b'{"data": 1}')]
)
async def test_body(
    sim: Simulator, session: ClientSession, url: str, value: Any, body: bytes
) -> None:
    sim.faults.append(Fault("body", value=value))
    assert await raw(session, url) == (200, "application/json", body)


async def test_redirect(sim: Simulator, session: ClientSession, url: str) -> None:
    sim.faults.append(Fault("redirect", value="http://127.0.0.2/"))
    async with session.get(url, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (
            302,
            "http://127.0.0.2/",
        )


async def test_drop(sim: Simulator, session: ClientSession, url: str) -> None:
    sim.faults.append(Fault("drop"))
    with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
        await raw(session, url)
    # A dropped GET is repeated once by aiohttp itself.
    assert len(sim.requests) == 2
    sim.faults.clear()
    assert (await raw(session, url))[0] == 200


async def test_drip(sim: Simulator, session: ClientSession) -> None:
    sim.faults.append(Fault("drip", value=2000))
    url = f"http://{sim.base}/open-api/v1/"
    begin = time.monotonic()
    _, _, body = await raw(session, url)
    assert json.loads(body)["data"]["name"] == "CEMM Basic"
    assert time.monotonic() - begin >= len(body) / 2000


async def test_endless(sim: Simulator, session: ClientSession, url: str) -> None:
    sim.faults.append(Fault("endless"))
    async with session.get(url) as response:
        assert len(await response.content.readexactly(2 << 20)) == 2 << 20
        # It ends with the simulator.
        async with asyncio.timeout(5):
            await sim.stop()
        with pytest.raises(ClientPayloadError):
            await response.read()


async def test_first_match_and_times(sim: Simulator, local: Get) -> None:
    sim.faults.append(Fault("status", path="^/open-api/v1/p1/", times=2, value=500))
    sim.faults.append(Fault("status", path="realtime", value=502))
    await local("")
    await local("s01/realtime", status=502)
    await local("p1/realtime", status=500)
    await local("p1/realtime", status=500)
    await local("p1/realtime", status=502)
    sim.faults.clear()
    await local("p1/realtime")


async def test_spoilt_channels(sim: Simulator, local: Get) -> None:
    good = await local("p1/realtime")
    sim.faults += [
        Fault("zero", value=("p1", "t1")),
        Fault("unmeasured", value=("p1", "t2")),
        Fault("value", value=("p1", "electric_power", "much")),
        Fault("offset", value=("p1", "gas", -1000.5)),
        Fault("latency", path="p1", value=0),
    ]
    stamp = good["data"]["t1"][0]
    bad = await local("p1/realtime")
    for group in ("data", "totals"):
        assert bad[group]["t1"] == [stamp, 0]
        assert bad[group]["t2"] == [0, 0]
        assert bad[group]["t3"] == good[group]["t3"]
        assert bad[group]["gas"][1] == round(good[group]["gas"][1] - 1000.5, 3)
    assert bad["data"]["electric_power"] == [stamp, "much"]
    assert await local("s01/realtime") == await local("s01/realtime/")


async def test_spoilt_for_one_poll(sim: Simulator, local: Get) -> None:
    good = await local("pulse-2/realtime")
    sim.faults.append(Fault("zero", value=("pulse-2", "volume"), times=1))
    await local("p1/realtime")
    assert (await local("pulse-2/realtime"))["totals"]["volume"][1] == 0
    assert await local("pulse-2/realtime") == good


async def test_frozen(sim: Simulator, local: Get, remote: Get, clock: Clock) -> None:
    before = await local("p1/realtime")
    sim.faults.append(Fault("frozen", value="p1"))
    clock.advance(600)
    assert await local("p1/realtime") == before
    assert await local("s01/realtime") != before
    assert (await remote(P1_TOTALS))["data"]["t1"][0] == (NOON - 30) * 1000
    sim.faults.clear()
    assert (await local("p1/realtime"))["data"]["t1"][0] == before["data"]["t1"][
        0
    ] + 600_000


async def test_old_totals_stay_good(sim: Simulator, remote: Get, clock: Clock) -> None:
    """A meter that is replaced today does not change what was noted yesterday."""
    yesterday = midnight(date(2025, 6, 17))
    good = [await remote(P1_TOTALS, time=day) for day in (yesterday, int(NOON))]
    sim.faults.append(Fault("offset", value=("p1", "t1", -500)))
    bad = [await remote(P1_TOTALS, time=day) for day in (yesterday, int(NOON))]
    assert bad[0] == good[0]
    assert bad[1]["data"]["t1"][1] == round(good[1]["data"]["t1"][1] - 500, 3)
    clock.advance(86_400)
    later = await remote(P1_TOTALS, time=int(NOON) + 86_400)
    assert later["data"]["t1"][1] < good[1]["data"]["t1"][1]


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="no such fault: drp"):
        Fault("drp")


async def test_hang(sim: Simulator, local: Get) -> None:
    sim.faults.append(Fault("hang", path="/p1/"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await local("p1/realtime/")
    await local("s01/realtime/")


async def test_other_firmware(sim: Simulator, local: Get) -> None:
    sim.faults.extend(
        [
            Fault("without", path="/io/", value=["alias"]),
            Fault("without", path="/p1/realtime/", value=["totals.gas", "rate"]),
            Fault("quoted", path="/p1/realtime/"),
            Fault(
                "renamed",
                path="/data/month/",
                value={"electric_energy_low": "electric_energy"},
            ),
        ]
    )
    listed = (await local("io/"))["data"]
    assert {tuple(io) for io in listed} == {("io_id", "port", "type")}
    answer = await local("p1/realtime/")
    assert "gas" in answer["data"]
    assert "gas" not in answer["totals"]
    assert "rate" not in answer["data"]
    assert float(answer["totals"]["t1"][1]) > 0
    assert isinstance(answer["totals"]["t1"][0], str)
    month = (await local("p1/data/month/"))["data"]
    assert month.keys() == {"electric_energy", "electric_energy_high"}
