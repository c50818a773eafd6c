"""Days that were imported without all of their data, and are put right when it is there."""

from collections import Counter as Tally
from collections.abc import Callable
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history import guesses
from custom_components.cemm.history.rows import Row
from simulator import Fault, House
from tests.helpers.history import assert_true, small_house, truth
from tests.helpers.past import BOTH_APIS, Past
from tests.helpers.rows import correct, uncorrected

SINCE = date(2025, 10, 20)
TODAY = date(2025, 11, 5)


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1-gas", "pulse-2", prompt=True)


def fail(past: Past, day: date) -> None:
    past.sim.faults.append(Fault("status", "/data/day/", value=500, time=midnight(day)))


async def assert_known(past: Past) -> None:
    """See that each hour has its own use, and that nothing is left to do."""
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert rows[name][0].start == midnight(SINCE)
        assert_true(past.house, counter, rows[name])
    await past.next_hour()
    assert await past.rows() == rows
    assert "guess" not in str(past.history.notes)


@pytest.mark.rest
@BOTH_APIS
async def test_today_is_put_right_while_it_goes_on_and_when_it_is_over(
    past: Past,
) -> None:
    """The rows after its last one so far, which was a guess, are still to come."""
    past.wish()
    await past.setup()
    fail(past, TODAY)
    await past.next_hour()
    past.sim.faults.clear()
    await past.next_hour()
    for name, counter in past.counters().items():
        assert_true(past.house, counter, (await past.rows())[name])
    await past.go_live(12 * 10)
    await assert_known(past)
    for name, counter in past.counters().items():
        for row in (await past.rows())[name]:
            real = truth(past.house, counter, row.end)
            assert row.state == pytest.approx(real, abs=0.06)


@pytest.mark.parametrize("step", ["async_write", "async_apply"])
@pytest.mark.parametrize(
    "day",
    [
        pytest.param(SINCE, id="first", marks=pytest.mark.rest),
        pytest.param(date(2025, 10, 26), id="middle"),
    ],
)
@pytest.mark.parametrize("is_done", [pytest.param(True, marks=pytest.mark.rest), False])
async def test_it_may_end_at_any_step(
    past: Past, step: str, day: date, *, is_done: bool
) -> None:
    """And goes on from what is in the rows by then: nobody knows how much it was at first."""
    past.wish()
    await past.setup()
    fail(past, day)
    past.sim.faults.append(Fault("status", "/month/", value=500))
    await past.next_hour()
    past.sim.faults.clear()
    ended: list[object] = []
    end = killed(getattr(guesses, step), ended, is_done=is_done)
    with patch.object(guesses, step, end):
        for _ in range(2):
            await past.next_hour()
    assert ended or day == SINCE, "of the first day nothing was written"
    for _ in range(2):
        await past.next_hour()
    await assert_known(past)


def killed(
    step: Callable[..., Any], ended: list[object], *, is_done: bool
) -> Callable[..., Any]:
    async def killed(*args: Any) -> None:
        ended.append(args)
        if is_done:
            await step(*args)
        raise CemmError("the end")

    return killed


@BOTH_APIS
@pytest.mark.parametrize(
    "is_right", [False, pytest.param(True, marks=pytest.mark.rest)]
)
@pytest.mark.parametrize(
    "hour", [10, *(pytest.param(n, marks=pytest.mark.rest) for n in (1, 24))]
)
async def test_the_users_correction_of_a_guess_stays(
    past: Past, hour: int, *, is_right: bool
) -> None:
    """It moves the sums alone; the states tell what the guess was."""
    day = date(2025, 10, 26)
    past.wish()
    await past.setup()
    fail(past, day)
    if not is_right:
        past.sim.faults.append(Fault("status", "/month/", value=500))
    for _ in range(2):
        await past.next_hour()
    corrected = {midnight(day) + hour * HOUR: 1.5}
    for counter in past.counters().values():
        await correct(past, counter, midnight(day) + hour * HOUR, 1.5)
    past.sim.faults.clear()
    for _ in range(2):
        await past.next_hour()
    assert "guess" not in str(past.history.notes)
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert_true(past.house, counter, uncorrected(rows[name], corrected))
    await past.next_hour()
    assert await past.rows() == rows


@BOTH_APIS
async def test_days_are_not_asked_for_while_their_month_fails(past: Past) -> None:
    past.wish()
    await past.setup()
    past.sim.faults.append(Fault("status", "/month/", value=500))
    await past.next_hour()
    for _ in range(3):
        seen = len(past.sim.requests)
        await past.next_hour()
        asked = Tally(
            (alias, kind)
            for request in list(past.sim.requests)[seen:]
            for *_, alias, _, kind, _ in [request.path.split("/")]
            if "/data/" in request.path
        )
        # Some looks come earlier, after a failure.
        assert all(number <= 4 for number in asked.values()), asked
    past.sim.faults.clear()
    await past.next_hour()
    await past.next_hour()
    await assert_known(past)


USED = [0.0, 2.0, 3.0, 5.0]
"""What was counted, where 1 each hour was guessed."""


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({"states": [1e-9, 0, 0, 0]}, 0, id="noise"),
        pytest.param({"sums": [0, 0, 5, 5]}, 5, id="the user"),
        pytest.param({"sums": [0, 0, 0, 1]}, 0, id="the user, as it was"),
        pytest.param({"sums": [0, 0, 0, 2]}, 0, id="the user, all as it was"),
        pytest.param({"states": [0, 0, 40, 40]}, 0, id="a leap that was taken out"),
        pytest.param(
            {"states": [0, 0, -40, -40], "sums": [0, 0, 5, 5]}, 0, id="another meter"
        ),
        pytest.param({"states": [-2, 0, 0, 0]}, 0, id="half done"),
        pytest.param({"sums": [0, 0, 5, 5], "joined": 3 * HOUR}, 0, id="joined"),
    ],
)
def test_corrections(changed: dict[str, Any], expected: float) -> None:
    """An hour that is right is none; nor is one in which the state changed, not the sum."""
    given = {"sums": [0] * 4, "states": [0] * 4, "joined": -1e6} | changed
    rows = [
        Row(hour * HOUR, 100.0 + hour + state, float(hour + by))
        for hour, state, by in zip(
            range(4), given["states"], given["sums"], strict=True
        )
    ]
    found = guesses.corrections(rows, USED, 60.0, given["joined"])
    assert found[3 * HOUR] == pytest.approx(expected)
