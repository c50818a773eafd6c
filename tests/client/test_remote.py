"""Tests of the remote API: each endpoint, errors, promises, and how much at once."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
import pytest
from yarl import URL

from custom_components.cemm.client import (
    AuthenticationError,
    BusyError,
    CemmInfo,
    CemmResponseError,
    CemmStatusError,
    ForbiddenError,
    GatewayError,
    Measurement,
    Meter,
    NotConnectedError,
    Period,
    PromiseError,
    RemoteApi,
    RemoteCemm,
    Sample,
    UnsupportedAliasError,
)
from custom_components.cemm.client.remote import ALIASES, AT_ONCE, PROMISE_RETRIES
from simulator import House, Simulator
from tests.fixtures import load

from .conftest import Answer, Server, Time, http, http_json, late, silence

UID = "FF-FF-FF-FF-FF-FF"
ROOT = f"/v1/cemm/{UID}/"
KEY = "k+e y&%41=#/?é€"
HOME = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def cemm(server: Server, session: ClientSession) -> RemoteCemm:
    return RemoteCemm(f"{server.url}v1", KEY, UID, session)


@pytest.fixture
async def simulated(sim: Simulator, session: ClientSession) -> RemoteCemm:
    [uid] = await RemoteApi(sim.remote_url, "demo", session).uids()
    sim.requests.clear()
    return RemoteCemm(sim.remote_url, "demo", uid, session)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let promises be asked for without a pause."""
    monkeypatch.setattr("custom_components.cemm.client.remote.PROMISE_RETRY_AFTER", 0)


class TestDocuments:
    """The examples of the documentation, at the documented paths."""

    async def test_uids(self, server: Server, session: ClientSession) -> None:
        server.serve({"/v1/cemm/": load("remote/cemm")})
        api = RemoteApi(f"{server.url}v1/", KEY, session)
        assert await api.uids() == ("00-00-00-00-00-00", UID)
        # It arrives as it is, whatever is in it.
        assert server.requests[0].query == {"api_key": KEY}

    async def test_info(self, server: Server, cemm: RemoteCemm) -> None:
        server.serve({"/v1/cemm/": load("remote/cemm")})
        assert await cemm.info() == CemmInfo("ff:ff:ff:ff:ff:ff")

    async def test_info_of_a_cemm_not_linked_any_more(
        self, server: Server, cemm: RemoteCemm
    ) -> None:
        server.serve({"/v1/cemm/": {"data": [{"uid": "00-00-00-00-00-00"}]}})
        with pytest.raises(AuthenticationError):
            await cemm.info()

    async def test_meters(self, server: Server, cemm: RemoteCemm) -> None:
        server.serve(
            {
                f"{ROOT}io/": load("remote/io"),
                f"{ROOT}p1/": load("remote/p1"),
                f"{ROOT}s01/": {"data": []},
            }
        )
        assert await cemm.meters(["mb5"]) == (Meter("p1", "p1"),)
        assert sorted(server.paths[1:]) == sorted(f"{ROOT}{a}/" for a in ALIASES)

    async def test_no_meter_of_an_alias(self, server: Server, cemm: RemoteCemm) -> None:
        """The documented list of aliases leaves han out: it may be one too many."""
        answers = {
            f"{ROOT}io/": http_json(load("remote/io")),
            f"{ROOT}han/": http(status=412),
            f"{ROOT}s02/": http(status=404),
        }
        server.answer = lambda url: answers.get(url.path, http_json(load("remote/p1")))
        aliases = [meter.alias for meter in await cemm.meters()]
        assert aliases == ["p1", "p1-gas", "s01", "s03"]

    async def test_realtime(self, server: Server, cemm: RemoteCemm) -> None:
        server.serve({f"{ROOT}p1/realtime/": load("remote/p1_realtime")})
        reading = await cemm.realtime("p1")
        assert reading.channels["electric_power"] == Measurement(1496326765000, -1607)
        assert "switch" not in reading.channels

    async def test_totals(self, server: Server, cemm: RemoteCemm) -> None:
        server.serve({f"{ROOT}p1/totals/": load("remote/p1_totals")})
        reading = await cemm.totals("p1", 1496242535)
        assert reading.channels["gas"] == Measurement(1496242500000, 2616.8449707031)
        assert server.requests[0].query == {"time": "1496242535", "api_key": KEY}

    @pytest.mark.parametrize(
        ("period", "first"),
        [
            (Period.DAY, Sample(1496181600, 0.0009765625)),
            (Period.MONTH, Sample(1493589600, 0.0029296875)),
            (Period.YEAR, Sample(1483225200, 281.623046875)),
        ],
    )
    async def test_history(
        self, server: Server, cemm: RemoteCemm, period: Period, first: Sample
    ) -> None:
        path = f"{ROOT}p1-gas/data/{period}/"
        server.serve({path: load(f"remote/p1-gas_data_{period}")})
        history = await cemm.history("p1-gas", period, 1496242535)
        assert history.channels["gas"][0] == first
        assert server.requests[0].query == {"time": "1496242535", "api_key": KEY}


class TestSimulated:
    """The whole API, which answers as the documents say."""

    async def test_everything(self, sim: Simulator, simulated: RemoteCemm) -> None:
        assert (await simulated.info()).mac == sim.house.mac.lower()
        meters = await simulated.meters()
        assert [meter.alias for meter in meters] == ["p1", "p1-gas", "s01"]
        start = int(datetime(2025, 6, 1, tzinfo=HOME).timestamp())
        for meter in meters:
            assert (await simulated.realtime(meter.alias)).channels
            assert (await simulated.totals(meter.alias, start)).channels
            for period in Period:
                history = await simulated.history(meter.alias, period, start)
                assert all(history.channels.values())

    async def test_several_cemms(self, session: ClientSession, sim: Simulator) -> None:
        sim.linked.append(House(mac="00:1E:C0:00:00:02"))
        api = RemoteApi(sim.remote_url, "demo", session)
        assert len(await api.uids()) == 2
        sim.linked.clear()
        assert await api.uids() == ()

    async def test_aliases_are_asked_for_when_the_ios_change(
        self, sim: Simulator, simulated: RemoteCemm
    ) -> None:
        before = await simulated.meters()
        assert len(sim.requests) == 1 + len(ALIASES)
        assert await simulated.meters() == before
        assert len(sim.requests) == 2 + len(ALIASES)

        del sim.house.meters["s01"]
        assert len(await simulated.meters()) == len(before) - 1
        assert len(sim.requests) == 3 + 2 * len(ALIASES)

    async def test_promises(
        self, sim: Simulator, simulated: RemoteCemm, at_once: None
    ) -> None:
        sim.promises = True
        assert (await simulated.realtime("p1")).channels
        assert len(sim.requests) == 2

    async def test_refusals(
        self, sim: Simulator, simulated: RemoteCemm, session: ClientSession
    ) -> None:
        with pytest.raises(NotConnectedError):
            await simulated.realtime("han")
        with pytest.raises(UnsupportedAliasError):
            await simulated.realtime("mb5")
        with pytest.raises(AuthenticationError):
            await RemoteCemm(sim.remote_url, "demo", UID, session).realtime("p1")
        with pytest.raises(AuthenticationError):
            await RemoteApi(sim.remote_url, "", session).uids()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, NotConnectedError),
        (404, NotConnectedError),
        (408, GatewayError),
        (412, UnsupportedAliasError),
        (429, BusyError),
        (502, GatewayError),
        (500, CemmStatusError),
    ],
)
async def test_statuses(
    server: Server, cemm: RemoteCemm, status: int, error: type[CemmStatusError]
) -> None:
    server.give(http(status=status))
    with pytest.raises(CemmStatusError) as caught:
        await cemm.realtime("p1")
    assert type(caught.value) is error
    assert caught.value.status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("cemm_status", "error"),
    [
        (200, ForbiddenError),
        (403, AuthenticationError),
        # What does not answer does not refuse either.
        (404, ForbiddenError),
        (502, ForbiddenError),
    ],
)
async def test_cemm_decides_what_a_403_means(
    server: Server, cemm: RemoteCemm, cemm_status: int, error: type[CemmStatusError]
) -> None:
    server.answer = lambda url: (
        http_json(load("remote/cemm"), cemm_status)
        if url.path == "/v1/cemm/"
        else http(status=403)
    )
    answers = await asyncio.gather(
        *(cemm.realtime(alias) for alias in ALIASES), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {error}
    # Many at once, and whatever comes within a minute, need to ask but once.
    if cemm_status == 200:
        with pytest.raises(ForbiddenError):
            await cemm.totals("p1", 0)
        assert server.paths.count("/v1/cemm/") == 1


async def test_a_key_that_lists_other_cemms_is_refused(
    server: Server, cemm: RemoteCemm
) -> None:
    server.answer = lambda url: (
        http_json({"data": [{"uid": "00-00-00-00-00-00"}]})
        if url.path == "/v1/cemm/"
        else http(status=403)
    )
    with pytest.raises(AuthenticationError):
        await cemm.realtime("p1")


@pytest.mark.parametrize("promised", [1, PROMISE_RETRIES])
async def test_promise_is_redeemed(
    server: Server, cemm: RemoteCemm, at_once: None, promised: int
) -> None:
    promise = http_json({"promise": "57a0"}, status=202)
    server.give(*[promise] * promised, http_json(load("remote/p1_totals")))
    assert (await cemm.totals("p1", 1496242535)).channels
    # It is redeemed by the very same request.
    assert len(server.requests) == promised + 1
    assert len(set(server.requests)) == 1


async def test_promise_expires(server: Server, cemm: RemoteCemm, at_once: None) -> None:
    server.give(http_json({"promise": "57a0"}, status=202))
    with pytest.raises(PromiseError):
        await cemm.realtime("p1")
    assert len(server.requests) == 1 + PROMISE_RETRIES


async def test_four_at_once_over_all_clients_of_a_session(
    server: Server, session: ClientSession
) -> None:
    server.give(late(http_json(load("remote/p1_realtime")), 0.02))
    clients = [RemoteCemm(str(server.url), str(n), UID, session) for n in range(4)]
    await asyncio.gather(
        *(client.realtime(alias) for client in clients for alias in ALIASES)
    )
    assert len(server.requests) == len(clients) * len(ALIASES)
    assert server.most_open == AT_ONCE == 4


async def test_waiting_for_a_promise_holds_no_place(
    server: Server, session: ClientSession
) -> None:
    """Clients that wait for their CEMMs do not keep others from asking."""
    promised = f"/cemm/{UID}/p1/realtime/"
    server.answer = lambda url: (
        http(status=202)
        if url.path == promised
        else http_json(load("remote/p1_realtime"))
    )
    client = RemoteCemm(str(server.url), KEY, UID, session)
    waiting = [asyncio.create_task(client.realtime("p1")) for _ in range(AT_ONCE)]
    while server.paths.count(promised) < AT_ONCE:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(0.5):
        assert (await client.realtime("s01")).channels
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_failure_leaves_no_request_behind(
    server: Server, cemm: RemoteCemm
) -> None:
    missing = late(http(status=404), 0.05)
    answers: dict[str, Any] = {
        f"{ROOT}io/": http_json(load("remote/io")),
        f"{ROOT}p1/": http(status=502),
    }
    server.answer = lambda url: answers.get(url.path, missing)
    with pytest.raises(GatewayError):
        await cemm.meters()
    assert len(server.requests) == 1 + len(ALIASES)
    assert server.open == 0
    # What failed is asked for again, although the list of I/Os is the same.
    answers[f"{ROOT}p1/"] = http_json(load("remote/p1"))
    assert await cemm.meters() == (Meter("p1", "p1"),)


ODD = [
    *(http(status=status) for status in (400, 403, 404, 408, 412, 429, 500, 502, 503)),
    *(http(), http("x"), http_json(None), http_json({}), http_json([])),
    *(http_json({"data": data}) for data in (None, {}, [], "x", [None])),
    silence,
]


def failed(cemm: RemoteCemm) -> bool:
    """Return whether a question failed, beside I/Os that no alias shows."""
    return any(name.endswith("/") for name in cemm.odd)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_an_odd_alias_costs_no_other(
    server: Server, cemm: RemoteCemm, monkeypatch: pytest.MonkeyPatch, odd: Answer
) -> None:
    """At the start, when it is known, and when all are asked anew."""
    monkeypatch.setattr("custom_components.cemm.client.remote.ALIASES_TIMEOUT", 0.5)
    clock = Time(monkeypatch)
    ios: Any = load("remote/io")
    odd_ones = {"s01"}

    def answer(url: URL) -> Answer:
        alias = url.path.removeprefix(ROOT).strip("/")
        if alias == "io":
            return http_json(ios)
        if alias in odd_ones:
            return odd
        return http_json(load("remote/p1")) if alias in MINE else http(status=404)

    MINE = {"p1", "p1-gas", "s01"}
    server.answer = answer
    assert [meter.alias for meter in await cemm.meters()] == ["p1", "p1-gas"]

    # It alone is asked again, soon.
    server.requests.clear()
    odd_ones.clear()
    clock.now += 3600
    assert cemm.again_at <= clock.now
    assert [meter.alias for meter in await cemm.ask_again()] == ["p1", "p1-gas", "s01"]
    assert f"{ROOT}s01/" in server.paths
    assert f"{ROOT}p1/" not in server.paths
    assert not failed(cemm)

    # Known meters stay, if the question failed: else nothing is there any more.
    odd_ones.add("s01")
    ios = {"data": ios["data"][:2]}
    found = [meter.alias for meter in await cemm.meters()]
    assert found[:2] == ["p1", "p1-gas"]
    assert (found == ["p1", "p1-gas"]) is not failed(cemm)


async def test_a_meter_in_another_input_is_noticed(
    sim: Simulator, simulated: RemoteCemm
) -> None:
    assert [m.alias for m in await simulated.meters()] == ["p1", "p1-gas", "s01"]
    moved = sim.house.meters["s02"] = sim.house.meters.pop("s01")
    moved.port = 2
    assert [m.alias for m in await simulated.meters()] == ["p1", "p1-gas", "s02"]


async def test_what_is_listed_but_not_there_is_asked_again(
    server: Server, cemm: RemoteCemm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CEMM that has just started; where all are found nobody asks for more."""
    clock = Time(monkeypatch)
    documents = {f"{ROOT}io/": load("remote/io"), f"{ROOT}p1/": load("remote/p1")}
    server.serve(documents)
    assert await cemm.meters() == (Meter("p1", "p1"),)
    asked = len(server.requests)
    for _ in range(3):
        clock.now = cemm.again_at
        await cemm.ask_again()
    assert 3600 < clock.now - clock.start < 3 * 3600
    assert len(server.requests) == asked + 3 * (len(ALIASES) - 1)

    assert sorted(cemm.odd) == ["I/O 2 (gas)", "I/O 3 (solar_energy)"]

    documents[f"{ROOT}io/"] = load("remote/p1")
    await cemm.meters()
    assert not cemm.odd
    assert cemm.again_at == float("inf")


async def test_a_cemm_of_which_no_meter_can_be_addressed(
    server: Server, cemm: RemoteCemm
) -> None:
    server.serve({f"{ROOT}io/": load("remote/io")})
    assert await cemm.meters() == ()


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_an_odd_list_of_ios_costs_nothing(
    server: Server, cemm: RemoteCemm, monkeypatch: pytest.MonkeyPatch, odd: Answer
) -> None:
    monkeypatch.setattr("custom_components.cemm.client.remote.TIMEOUT", 0.5)
    documents = {f"{ROOT}p1/": load("remote/p1")}
    server.serve(documents)
    others = server.answer
    server.answer = lambda url: odd if url.path == f"{ROOT}io/" else others(url)
    for _ in range(2):
        assert await cemm.meters() == (Meter("p1", "p1"),)


@pytest.mark.parametrize("answer", [http(), http_json([]), http_json({"data": {}})])
async def test_junk_for_the_list_of_ios(
    server: Server, cemm: RemoteCemm, answer: bytes
) -> None:
    server.give(answer)
    with pytest.raises(CemmResponseError):
        await cemm.meters()
