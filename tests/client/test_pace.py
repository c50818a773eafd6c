"""How fast the past is asked for, as the answers teach it."""

import asyncio
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from custom_components.cemm.client import CemmError, pace
from custom_components.cemm.client.errors import (
    BusyError,
    GatewayError,
    NotConnectedError,
    error_for_status,
)
from custom_components.cemm.client.pace import Pace


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "_now", lambda: clock.now)
    monkeypatch.setattr(pace, "FIRST_PAUSE", 5.0)
    return clock


async def ask(asked: Pace, error: CemmError | None = None) -> None:
    answer = asyncio.Future[None]()
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)
    with pytest.raises(type(error)) if error else nullcontext():
        await asked.ask(answer)


async def test_nobody_waits_as_long_as_all_is_well(clock: Clock) -> None:
    asked = Pace()
    for _ in range(100):
        await ask(asked)
        await ask(asked, NotConnectedError(404))
    assert asked.wait == 0


async def test_pauses_grow_until_an_answer_comes(clock: Clock) -> None:
    asked = Pace()
    pauses = []
    for _ in range(8):
        await ask(asked, BusyError(429))
        pauses.append(asked.wait)
        clock.now += asked.wait
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    await ask(asked)
    await ask(asked, BusyError(503))
    assert asked.wait == 5


async def test_what_was_asked_at_the_same_time_counts_once(clock: Clock) -> None:
    asked = Pace()

    async def late() -> None:
        clock.now += 1
        await ask(asked, BusyError(429))
        clock.now += 1
        raise BusyError(429)

    with suppress(BusyError):
        await asked.ask(late())
    assert asked.wait == 4


async def test_a_limit_is_learned(clock: Clock) -> None:
    """Thirty a minute were answered, at once: from then on it is somewhat less."""
    asked = Pace()
    for _ in range(30):
        await ask(asked)
        clock.now += 0.5
    await ask(asked, BusyError(429))
    clock.now += asked.wait
    times = []
    for _ in range(20):
        times.append(clock.now)
        await ask(asked)
        clock.now += asked.wait
    assert 2.0 < (times[-1] - times[0]) / 19 < 2.4


async def test_the_present_never_keeps_the_past_waiting_for_ever(clock: Clock) -> None:
    asked = Pace()
    for _ in range(10):
        await ask(asked)
    await ask(asked, BusyError(429))
    clock.now += asked.wait
    for _ in range(1000):
        await ask(asked)
        clock.now += 0.1
    assert asked.wait <= 60


async def test_a_cemm_that_is_overloaded_gets_a_pause(clock: Clock) -> None:
    asked = Pace()
    for wait in (0, 0, 5, 10):
        await ask(asked, GatewayError(408))
        assert asked.wait == wait
        clock.now += asked.wait
    await ask(asked)
    await ask(asked, GatewayError(408))
    assert asked.wait == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("20", 20), (" 7 ", 7), ("7200", 3600), ("-1", None), ("soon", None), ("", None)],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    error = error_for_status(429, header)
    assert isinstance(error, BusyError)
    assert error.retry_after == seconds


@pytest.mark.freeze_time("2026-06-10 12:00:07")
def test_retry_after_may_be_a_date() -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    error = error_for_status(503, format_datetime(at, usegmt=True))
    assert isinstance(error, BusyError)
    assert error.retry_after == 90
