"""How fast the past is asked for, as the answers teach it."""

from contextlib import suppress
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


def ask(asked: Pace, error: CemmError | None = None) -> None:
    if error is None:
        with asked.learning():
            return
    with pytest.raises(type(error)), asked.learning():
        raise error


async def test_nobody_waits_as_long_as_all_is_well(clock: Clock) -> None:
    asked = Pace()
    for _ in range(100):
        ask(asked)
        ask(asked, NotConnectedError(404))
    assert asked.wait == 0


async def test_pauses_grow_until_an_answer_comes(clock: Clock) -> None:
    asked = Pace()
    pauses = []
    for _ in range(8):
        ask(asked, BusyError(429))
        pauses.append(asked.wait)
        clock.now += asked.wait
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    ask(asked)
    ask(asked, BusyError(503))
    assert asked.wait == 5


async def test_what_was_asked_at_the_same_time_counts_once(clock: Clock) -> None:
    asked = Pace()
    with suppress(BusyError), asked.learning():
        clock.now += 1
        ask(asked, BusyError(429))
        clock.now += 1
        raise BusyError(429)
    assert asked.wait == 4


async def test_a_limit_is_learned(clock: Clock) -> None:
    """Thirty a minute were answered, at once: from then on it is somewhat less."""
    asked = Pace()
    for _ in range(30):
        ask(asked)
        clock.now += 0.5
    ask(asked, BusyError(429))
    clock.now += asked.wait
    times = []
    for _ in range(20):
        times.append(clock.now)
        ask(asked)
        clock.now += asked.wait
    assert 2.0 < (times[-1] - times[0]) / 19 < 2.4


async def test_the_present_never_keeps_the_past_waiting_for_ever(clock: Clock) -> None:
    asked = Pace()
    for _ in range(10):
        ask(asked)
    ask(asked, BusyError(429))
    clock.now += asked.wait
    for _ in range(1000):
        ask(asked)
        clock.now += 0.1
    assert asked.wait <= 60


async def test_a_cemm_that_is_overloaded_gets_a_pause(clock: Clock) -> None:
    asked = Pace()
    for wait in (0, 0, 5, 10):
        ask(asked, GatewayError(408))
        assert asked.wait == wait
        clock.now += asked.wait
    ask(asked)
    ask(asked, GatewayError(408))
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
