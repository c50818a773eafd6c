"""The past of CEMMs and APIs that fail now and then: what was answered is not asked again."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from random import Random
from time import sleep
from unittest.mock import patch

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.cemm.client import (
    CemmClient,
    History,
    LocalCemm,
    Period,
    RemoteCemm,
    pace,
)
from custom_components.cemm.days import date_at, midnight
from custom_components.cemm.history import questions
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.rows import Row
from simulator import Fault, House
from tests.helpers.history import NEWEST, SINCE, assert_true, small_house, truth
from tests.helpers.past import Past

HOUR = 3600.0

# The questions about the past in an import in which nothing fails.
HEALTHY = {"local": 80, "remote": 152}


@pytest.fixture
def house(request: pytest.FixtureRequest) -> House:
    return small_house(SINCE, "p1", "p1-gas")


@pytest.fixture(autouse=True)
def _with_pauses(no_pauses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes here."""
    monkeypatch.setattr(questions, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(pace, "FIRST_PAUSE", 5.0)


async def pass_time(
    past: Past, seconds: float, step: float = 1, *, but_failing: bool = False
) -> float:
    """Let time pass until all of the past is there; return how much.

    That may be all ``but_failing`` days.
    """
    begin = past.freezer.time_to_freeze.timestamp()
    while (passed := dt_util.utcnow().timestamp() - begin) < seconds:
        asked = -1
        while asked < len(past.sim.requests):
            asked = len(past.sim.requests)
            await past.hass.async_add_executor_job(sleep, 0.004)
        is_idle = not any(
            "history" in t.get_name() for t in past.entry._background_tasks
        )
        is_there = past.history.progress == 100 and (
            but_failing or not past.history.waiting["failing"]
        )
        if is_idle and is_there:
            break
        past.freezer.tick(step)
        async_fire_time_changed(past.hass)
    return passed


async def let_go(past: Past) -> None:
    """Let what still hangs time out: the clock stands still at the end of the test."""
    for _ in range(40):
        past.freezer.tick(10)
        async_fire_time_changed(past.hass)
        await past.hass.async_add_executor_job(sleep, 0.004)


def asked(past: Past) -> int:
    """Return how many questions there were about the past: all are for a midnight."""
    return sum(
        int(request.query.get("time", "1")) % HOUR == 0 for request in past.sim.requests
    )


def failing(status: int, share: float, path: str = "") -> list[Fault]:
    return [Fault("status", path, value=status, share=share)]


def assert_used(house: House, counter: Counter, rows: list[Row]) -> None:
    """Each of these hours has its own use."""
    for old, new in pairwise(rows):
        used = truth(house, counter, new.end) - truth(house, counter, old.end)
        assert new.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.002)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and the most that it may cost."""

    api: str
    faults: Sequence[Fault] = ()
    share: float = 0.0
    """Of the questions that fail."""
    within: float = HOUR
    promises: bool = False


TROUBLES = {
    "healthy, local": Trouble("local"),
    "healthy, by the key": Trouble("remote"),
    "10 % 408, promises": Trouble(
        "remote", failing(408, 0.1), 0.1 + 0.4, 1.5 * HOUR, promises=True
    ),
    "2 % 408": Trouble("remote", failing(408, 0.02), 0.02, 1.5 * HOUR),
    "10 % 408": Trouble("remote", failing(408, 0.1), 0.1, 1.5 * HOUR),
    "30 % 408": Trouble("remote", failing(408, 0.3), 0.3, 3 * HOUR),
    "429": Trouble("remote", [Fault("limit", value=(30, 429, ""))], 0.25, 1.5 * HOUR),
    "503": Trouble("remote", [Fault("limit", value=(30, 503, "20"))], 0.25, 1.5 * HOUR),
    "2 % 500": Trouble("local", failing(500, 0.02), 0.02),
    "10 % 500": Trouble("local", failing(500, 0.1), 0.1),
    "30 % 500": Trouble("local", failing(500, 0.3), 0.3, 3 * HOUR),
    "10 % broken off": Trouble("local", [Fault("drop", share=0.1)], 0.1),
    "a day takes 12 s": Trouble("local", [Fault("latency", "/data/day/", value=12)]),
    "one at a time": Trouble(
        "local", [Fault("alone"), Fault("latency", "/data/day/", value=12)]
    ),
}


SAMPLE = {"healthy, by the key", "30 % 500", "429"}


@pytest.mark.parametrize(
    ("past", "trouble"),
    [
        pytest.param(
            *(trouble.api, trouble),
            id=name,
            marks=[pytest.mark.rest] * (name not in SAMPLE),
        )
        for name, trouble in TROUBLES.items()
    ],
    indirect=["past"],
)
async def test_the_past_comes_whatever_fails_now_and_then(
    past: Past, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    past.wish()
    await past.setup()
    past.sim.faults.extend(trouble.faults)
    past.sim.promises = trouble.promises
    passed = await pass_time(past, trouble.within)
    n = asked(past)
    past.sim.faults.clear()
    assert passed < trouble.within
    live = sum(request.path.endswith("/p1/realtime/") for request in past.sim.requests)
    assert live >= passed / (15 if trouble.api == "local" else 70)
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert_true(past.house, counter, rows[name])
    assert n <= (1 + 2.5 * trouble.share) * HEALTHY[trouble.api]


DAY = date(2025, 10, 30)


@pytest.mark.rest
@pytest.mark.parametrize(
    "past", ["local", pytest.param("remote", marks=pytest.mark.rest)], indirect=True
)
async def test_a_day_that_fails_for_hours_costs_no_other(past: Past) -> None:
    """It is a guess until it is known; then it and what is older are put right."""
    past.wish()
    await past.setup()
    start = midnight(DAY)
    past.sim.faults.append(Fault("status", "/p1/data/day/", value=500, time=start))
    assert await pass_time(past, HOUR, but_failing=True) < HOUR
    assert past.history.waiting["failing"] == {"p1 day 2025-10-30": "HTTP status 500"}
    for name, counter in past.counters().items():
        rows = (await past.rows())[name]
        assert len(rows) == (NEWEST - midnight(SINCE)) / HOUR
        newer = [row for row in rows if row.start >= start + 24 * HOUR]
        assert_used(past.house, counter, newer)
        older = [row for row in rows if row.start < start]
        assert_used(past.house, counter, older)
    await pass_time(past, 4 * HOUR, step=60)
    most = 7 + 20
    assert (
        len(
            [
                r
                for r in past.sim.requests
                if "time" in r.query
                and r.path.endswith("p1/data/day/")
                and r.query["time"] == str(start)
            ]
        )
        <= most
    )
    past.sim.faults.clear()
    await pass_time(past, HOUR)
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert_true(past.house, counter, rows[name])
        for row in rows[name]:
            assert row.state == pytest.approx(
                truth(past.house, counter, row.end), abs=0.05
            )
    before = len(past.sim.requests)
    await past.next_hour()
    assert not [r for r in list(past.sim.requests)[before:] if "/data/" in r.path]
    assert await past.rows() == rows


@pytest.mark.rest
@pytest.mark.parametrize("past", ["local"], indirect=True)
async def test_nothing_there_holds_until_the_user_asks(past: Past) -> None:
    """For a week, where nothing else happens: what answers so may not be asked each hour."""
    past.wish()
    await past.setup()
    start = midnight(DAY)
    past.sim.faults.append(Fault("status", "/p1-gas/data/day/", value=404, time=start))
    assert await pass_time(past, HOUR) < HOUR
    past.sim.faults.clear()
    before = len(past.sim.requests)
    await past.next_hour()
    asked_again = [
        request
        for request in list(past.sim.requests)[before:]
        if request.query.get("time") == str(start)
    ]
    assert not asked_again
    await past.history.async_import()
    counter = past.counters()["p1-gas_gas"]
    rows = (await past.rows())[counter.name]
    assert_true(past.house, counter, rows)


KINDS = [
    *(("status", status) for status in (408, 429, 500, 502, 503)),
    *((kind, None) for kind in ("drop", "broken_json", "html", "hang")),
    ("latency", 4),
]
PATHS = ["", "/data/", "/p1/data/", "/totals/", "/p1-gas/", "/month/"]


@pytest.mark.parametrize(
    ("past", "seed"),
    [
        pytest.param(
            api, seed, marks=[pytest.mark.rest] * (seed > 0 or api == "remote")
        )
        for seed in range(4)
        for api in ("local", "remote")
    ],
    indirect=["past"],
)
async def test_the_past_comes_after_any_trouble(past: Past, seed: int) -> None:
    """And no answer is asked for again, except what a restart made forget.

    A day that was a guess is counted again as a whole.
    """
    rng = Random(seed)
    answers: Tally[tuple[str, str]] = Tally()
    client = LocalCemm if past.entry.data["connection"] == "local" else RemoteCemm
    history = client.history

    async def noted(
        self: CemmClient, alias: str, period: Period, start: int
    ) -> History:
        answer = await history(self, alias, period, start)
        if period is Period.DAY and start < midnight(date(2025, 11, 5)):
            answers[alias, str(date_at(start))] += 1
        return answer

    restarts = 0
    with patch.object(client, "history", noted):
        past.wish()
        await past.setup()
        for _ in range(rng.randint(3, 8)):
            kind, value = rng.choice(KINDS)
            share = rng.choice([0.1, 0.3, 1.0])
            path = rng.choice(PATHS)
            past.sim.faults.append(
                Fault(kind, path, value=value, share=share, seed=seed)
            )
            await pass_time(past, rng.choice([20, 100, 600]))
            if rng.random() < 0.7:
                past.sim.faults.clear()
            if rng.random() < 0.3 and restarts < 2:
                restarts += 1
                await past.hass.config_entries.async_unload(past.entry.entry_id)
                past.sim.faults.clear()
                await past.setup()
        past.sim.faults.clear()
        assert await pass_time(past, 2 * HOUR, step=2) < 2 * HOUR
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert_true(past.house, counter, rows[name])
    assert max(answers.values()) <= 2 + restarts
    await let_go(past)
