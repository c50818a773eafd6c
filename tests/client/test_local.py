"""Tests of the local API: each endpoint, and whatever else answers at an address."""

import asyncio
from datetime import datetime
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
import pytest

from custom_components.cemm.client import (
    AuthenticationError,
    Cemm3Error,
    CemmConnectionError,
    CemmInfo,
    CemmResponseError,
    CemmStatusError,
    CemmTimeoutError,
    LocalCemm,
    Measurement,
    Meter,
    NotCemmError,
    NotConnectedError,
    Period,
    Sample,
)
from custom_components.cemm.client.local import DOCUMENTED_ALIASES, USAGE
from simulator import Fault, Simulator
from tests.fixtures import load

from .conftest import Server, endless, http, http_json, late, silence

ROOT = "/open-api/v1/"
P1 = f"{ROOT}p1/realtime/"
CEMM_3 = "/api/v1/public/cemm"
HOME = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def cemm(server: Server, session: ClientSession) -> LocalCemm:
    return LocalCemm(server.host, session)


@pytest.fixture
def simulated(sim: Simulator, session: ClientSession) -> LocalCemm:
    return LocalCemm(sim.base, session)


class TestDocuments:
    """The examples of the documentation, at the documented paths."""

    async def test_info(self, server: Server, cemm: LocalCemm) -> None:
        server.serve({ROOT: load("local/info")})
        assert await cemm.info() == CemmInfo(
            "00:1e:c0:85:96:cc",
            "CEMM Basic",
            "E5AD649292BBBB51060F",
            "2.18.1.0",
            "1.24",
        )

    async def test_realtime(self, server: Server, cemm: LocalCemm) -> None:
        server.serve({P1: load("local/p1_realtime")})
        reading = await cemm.realtime("p1")
        assert reading.channels["t2"] == Measurement(1587565238000, 114467.5703125)
        assert "gas" not in reading.channels

    async def test_history(self, server: Server, cemm: LocalCemm) -> None:
        server.serve({f"{ROOT}p1/data/day/": load("local/p1_data_day")})
        history = await cemm.history("p1", Period.DAY, 1587420000)
        assert history.channels["electric_power"][0] == Sample(1587420000, 1000)
        assert str(server.requests[0].query_string) == "time=1587420000"


class TestSimulated:
    """The whole of a CEMM, which answers as the documents say."""

    async def test_info(self, sim: Simulator, simulated: LocalCemm) -> None:
        info = await simulated.info()
        assert info.mac == sim.house.mac.lower()
        assert info.name == sim.house.name

    async def test_meters(self, sim: Simulator, simulated: LocalCemm) -> None:
        listed = tuple(
            Meter(alias, meter.type) for alias, meter in sim.house.meters.items()
        )
        assert await simulated.meters(["mb9", "mb5"]) == (*listed, Meter(USAGE))
        assert simulated.lists_all_meters
        # Of the extra aliases only the unlisted one is asked for.
        assert [request.path for request in sim.requests] == [
            f"{ROOT}io/",
            f"{ROOT}{USAGE}/realtime/",
            f"{ROOT}mb9/realtime/",
        ]

    async def test_old_firmware(self, sim: Simulator, simulated: LocalCemm) -> None:
        sim.house.io_list = False
        found = await simulated.meters(["mb5"])
        assert found == tuple(
            Meter(alias) for alias in ("p1", "p1-gas", "s01", "pulse-2", USAGE, "mb5")
        )
        assert not simulated.lists_all_meters
        assert len(sim.requests) == 1 + len(DOCUMENTED_ALIASES) + 2

        sim.house.io_list = True
        await simulated.meters()
        assert simulated.lists_all_meters

    @pytest.mark.parametrize("kind", ["html", "empty", "broken_json"])
    async def test_an_alias_that_answers_junk_is_none(
        self, sim: Simulator, simulated: LocalCemm, kind: str
    ) -> None:
        sim.faults.append(Fault(kind, path=f"/{USAGE}/"))
        assert Meter(USAGE) not in await simulated.meters()

    async def test_what_breaks_off_costs_no_other_meter(
        self, sim: Simulator, simulated: LocalCemm
    ) -> None:
        """Two in a row may be the CEMM: the rest is asked later, and all listed stay."""
        sim.faults.append(Fault("drop", path="/mb|/usage/"))
        found = await simulated.meters(["mb7", "mb8", "mb9"])
        assert {meter.alias for meter in found} == set(sim.house.meters)
        assert sorted(simulated.odd) == ["mb7/", "usage/"]
        asked = {request.path for request in sim.requests}
        assert len(asked) == 3
        # What failed is asked again soon, it alone, and not by what lists the meters.
        assert await simulated.meters(["mb7", "mb8", "mb9"]) == found
        assert {request.path for request in sim.requests} == asked
        assert monotonic() < simulated.again_at <= monotonic() + 60

    async def test_a_cemm_that_breaks_off_always_has_no_meters(
        self, sim: Simulator, simulated: LocalCemm
    ) -> None:
        sim.faults.append(Fault("drop"))
        with pytest.raises(CemmConnectionError):
            await simulated.meters(["mb9"])
        assert len({request.path for request in sim.requests}) == 2

    async def test_realtime(self, sim: Simulator, simulated: LocalCemm) -> None:
        for alias in sim.house.meters:
            assert (await simulated.realtime(alias)).channels
        with pytest.raises(NotConnectedError):
            await simulated.realtime("mb9")

    @pytest.mark.parametrize(
        ("period", "count", "step"),
        [(Period.DAY, 1440, 60), (Period.MONTH, 31, 86_400), (Period.YEAR, 12, None)],
    )
    async def test_history(
        self, simulated: LocalCemm, period: Period, count: int, step: int | None
    ) -> None:
        start = int(datetime(2025, 1, 1, tzinfo=HOME).timestamp())
        history = await simulated.history("p1", period, start)
        for samples in history.channels.values():
            assert samples[0].start == start
            assert len(samples) == count
            if step:
                assert samples[1].start - samples[0].start == step

    async def test_totals_are_part_of_realtime(self, simulated: LocalCemm) -> None:
        assert simulated.totals_interval is None
        with pytest.raises(NotImplementedError):
            await simulated.totals("p1", 0)


async def test_the_same_answer_is_the_same_reading(
    server: Server, cemm: LocalCemm
) -> None:
    answer = load("local/p1_realtime")
    server.give(http_json(answer), http_json(answer), http(b""), http_json(answer))
    first = await cemm.realtime("p1")
    assert await cemm.realtime("p1") is first
    with pytest.raises(CemmResponseError):
        await cemm.realtime("p1")
    assert await cemm.realtime("p1") is first

    server.give(http_json({"data": {"t1": [1000, 1]}}))
    assert await cemm.realtime("p1") != first


NOT_THERE = {400, 404, 405, 410, 412, 499}
OTHER = {202, 204, 399, 401, 403, 408, 429, 500, 502, 503}


@pytest.mark.parametrize("status", sorted(NOT_THERE | OTHER))
async def test_a_4xx_that_says_nothing_else_means_not_connected(
    server: Server, cemm: LocalCemm, status: int
) -> None:
    server.give(http(status=status))
    with pytest.raises(CemmStatusError) as caught:
        await cemm.realtime("p1")
    assert isinstance(caught.value, NotConnectedError) is (status in NOT_THERE)
    # There is no key that could be refused.
    assert not isinstance(caught.value, AuthenticationError)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "answer",
    [
        http(status=404),
        http(status=401),
        http("<html>A router</html>", Content_Type="text/html"),
        http(),
        http_json([]),
        http_json({"data": {"mac": "?"}}),
        http(status=302, Location="http://router.example/login"),
        http(status=302, Location="/"),
        endless(http(), b" " * 65536),
    ],
    ids=[
        "404",
        "401",
        "HTML",
        "empty",
        "list",
        "no MAC",
        "redirect",
        "loop",
        "endless",
    ],
)
async def test_something_else_answers(
    server: Server, cemm: LocalCemm, answer: Any
) -> None:
    server.give(answer)
    with pytest.raises(NotCemmError) as caught:
        await cemm.info()
    assert not isinstance(caught.value, Cemm3Error)
    assert CEMM_3 in server.paths


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", CemmConnectionError),
        (silence, CemmTimeoutError),
        (http(status=500), CemmStatusError),
    ],
    ids=["dropped", "silent", "500"],
)
async def test_a_fault_is_no_other_device(
    server: Server,
    cemm: LocalCemm,
    answer: Any,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.cemm.client.local.TIMEOUT", 0.1)
    server.give(answer)
    with pytest.raises(error) as caught:
        await cemm.info()
    assert not isinstance(caught.value, NotCemmError)
    assert CEMM_3 not in server.paths


async def test_cemm_3(sim: Simulator, simulated: LocalCemm) -> None:
    sim.house.cemm_3 = True
    with pytest.raises(Cemm3Error):
        await simulated.info()


@pytest.mark.parametrize(
    "document", [[], {}, {"id": 1, "mac": "?"}, "id mac version", None]
)
async def test_no_cemm_3(server: Server, cemm: LocalCemm, document: Any) -> None:
    server.serve({CEMM_3: document})
    with pytest.raises(NotCemmError) as caught:
        await cemm.info()
    assert not isinstance(caught.value, Cemm3Error)


async def test_one_request_at_a_time(server: Server, cemm: LocalCemm) -> None:
    server.give(late(http_json(load("local/p1_realtime")), 0.02))
    await asyncio.gather(*(cemm.realtime("p1") for _ in range(5)))
    assert len(server.requests) == 5
    assert server.most_open == 1


async def test_a_failure_does_not_block_the_next(
    server: Server, cemm: LocalCemm
) -> None:
    server.give(http(), http_json(load("local/p1_realtime")))
    with pytest.raises(CemmResponseError):
        await cemm.realtime("p1")
    assert (await cemm.realtime("p1")).channels


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.cemm.client.turns.PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_what_hangs_is_left_behind(server: Server, cemm: LocalCemm) -> None:
    """All others then go one after the other again, and the past waits its turn."""
    good = late(http_json(load("local/p1_realtime")), 0.01)
    server.answer = lambda url: silence if "/data/" in url.path else good
    past = asyncio.create_task(cemm.history("p1", Period.DAY, 0))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        await asyncio.gather(*(cemm.realtime("p1") for _ in range(5)))
        assert server.most_open == 2
        await cemm.realtime("s01")
    past.cancel()


async def test_who_asks_one_after_the_other_goes_on_before_the_past(
    server: Server, cemm: LocalCemm
) -> None:
    """Also where others have given up waiting for their turn."""
    server.give(late(http_json(load("local/p1_realtime")), 0.01))
    row = asyncio.create_task(_in_a_row(cemm, "p1", "s01", "s02", "s03"))
    await asyncio.sleep(0)
    past = asyncio.create_task(cemm.history("p1", Period.DAY, 0))
    for gives_up in (cemm.realtime("mb1"), cemm.history("mb1", Period.DAY, 0)):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await gives_up
    await asyncio.gather(row, past)
    asked = [path.split("/")[3] for path in server.paths]
    assert asked == ["p1", "s01", "s02", "s03", "p1"]


async def _in_a_row(cemm: LocalCemm, *aliases: str) -> None:
    for alias in aliases:
        await cemm.realtime(alias)


@pytest.mark.usefixtures("impatient")
async def test_a_cemm_that_bears_one_connection_gets_no_other_for_long(
    server: Server, cemm: LocalCemm
) -> None:
    """What broke off beside a question that hangs is asked again after its end."""
    good = http_json(load("local/p1_realtime"))
    past = late(http_json(load("local/p1_data_day")), 0.3)
    server.answer = lambda url: (
        past if "/data/" in url.path else good if server.open == 1 else b""
    )
    for most_open in (2, 1):
        server.most_open = 0
        asked = asyncio.create_task(cemm.history("p1", Period.DAY, 0))
        await asyncio.sleep(0.02)
        readings = await asyncio.gather(*(cemm.realtime(a) for a in ("p1", "s01")))
        assert all(reading.channels for reading in readings)
        assert asked.done()
        assert server.most_open == most_open


@pytest.mark.usefixtures("impatient")
async def test_what_is_slow_is_waited_for(server: Server, cemm: LocalCemm) -> None:
    """Many that wait are no reason: each of them gets its time."""
    server.give(late(http_json(load("local/p1_realtime")), 0.03))
    await asyncio.gather(*(cemm.realtime("p1") for _ in range(6)))
    assert server.most_open == 1


async def test_what_has_timed_out_is_asked_beside_the_others(
    server: Server, cemm: LocalCemm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.cemm.client.local.TIMEOUT", 0.1)
    good = http_json(load("local/p1_realtime"))
    server.answer = lambda url: silence if "/mb5/" in url.path else good
    with pytest.raises(CemmTimeoutError):
        await cemm.realtime("mb5")
    again = asyncio.create_task(cemm.realtime("mb5"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(0.05):
        await cemm.realtime("p1")
    with pytest.raises(CemmTimeoutError):
        await again
    server.answer = lambda url: good
    await cemm.realtime("mb5")
    assert server.most_open == 2
