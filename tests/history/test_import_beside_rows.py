"""Imports beside rows that are there already, with and without holes."""

from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.cemm.client import (
    CemmConnectionError,
    CemmError,
    CemmStatusError,
    GatewayError,
    History,
    Period,
)
from custom_components.cemm.days import HOUR, midnight
from simulator import House
from tests.helpers.history import (
    assert_seamless,
    assert_true,
    live_rows,
    small_house,
    write as write_rows,
)
from tests.helpers.past import Past

FIRST = int(datetime(2025, 10, 18, tzinfo=UTC).timestamp())
LAST = int(datetime(2025, 11, 5, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def house() -> House:
    """Return one with a single meter."""
    return small_house(date(2025, 9, 1), "pulse-2")


async def write(past: Past, *spans: tuple[int, int]) -> None:
    """Write live rows of some hours."""
    counter = past.counters()["pulse-2_volume"]
    rows = live_rows(past.house, counter, FIRST, spans[-1][-1])
    for first, last in spans:
        found = [row for row in rows if first <= row.start < last]
        await write_rows(past.hass, counter, found)


@pytest.mark.parametrize("day", [date(2025, 11, 2), date(2025, 11, 5)])
async def test_an_import_within_a_hole_hides_none_of_it(past: Past, day: date) -> None:
    """It is so new that the recorder may still fill it itself."""
    await past.setup()
    start = int(datetime(2025, 11, 1, tzinfo=UTC).timestamp())
    await write(past, (FIRST, start), (LAST, LAST + HOUR))
    await past.history.async_import(day, day)
    for _ in range(3):
        await past.next_hour()
    (rows,) = (await past.rows()).values()
    counter = past.counters()["pulse-2_volume"]
    assert_true(past.house, counter, rows)
    assert len(rows) == (LAST + HOUR - FIRST) / HOUR


async def test_an_import_between_old_rows_leaves_no_hole(past: Past) -> None:
    """The hours that it is asked for are counted, not those that join them."""
    await past.setup()
    await write(past, (LAST - 12 * HOUR, LAST))
    days = date(2025, 10, 30), date(2025, 10, 31)
    written = await past.history.async_import(*days)
    assert written == {"pulse-2": 48}
    (rows,) = (await past.rows()).values()
    assert len(rows) == (LAST - rows[0].start) / HOUR
    assert rows[0].start == midnight(days[0])


@pytest.mark.parametrize(
    "periods",
    [
        pytest.param(1, id="no row", marks=pytest.mark.rest),
        pytest.param(10, id="one row"),
    ],
)
async def test_an_import_does_not_forestall_the_mending_of_a_sum(
    past: Past, periods: int
) -> None:
    """The recorder began anew after half a month, and has one new row at the most."""
    await past.setup()
    await write(past, (FIRST, LAST - 360 * HOUR))
    await past.go_live(periods)
    await past.history.async_import()
    await past.go_live(4 * 12)
    (rows,) = (await past.rows()).values()
    assert rows[0].start == midnight(past.house.since)
    assert_seamless(rows)
    assert rows[0].sum == pytest.approx(0, abs=0.02)


async def test_a_hole_that_was_filled_in_the_end_is_no_failure(past: Past) -> None:
    await past.settle()
    await write(past, (FIRST, LAST - 60 * HOUR), (LAST - HOUR, LAST))
    client = past.client
    real, asked = client.history, 0

    async def history(*question: Any) -> History:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise GatewayError(502)
        return await real(*question)

    with patch.object(client, "history", history):
        written = await past.history.async_import(date(2025, 10, 30), date(2025, 11, 4))
    (rows,) = (await past.rows()).values()
    assert len(rows) == (LAST - FIRST) / HOUR
    assert written["pulse-2"] == 47


@pytest.mark.parametrize("error", [CemmStatusError(500), CemmConnectionError("gone")])
async def test_an_import_that_fails_hides_no_hole(past: Past, error: CemmError) -> None:
    """It has written a month that does not join the rows that were there."""
    await past.setup()
    await write(past, (LAST - 24 * HOUR, LAST))
    client = past.client
    real = client.history

    async def history(alias: str, period: Period, start: int) -> History:
        if period is not Period.YEAR and start < midnight(date(2025, 10, 1)):
            raise error
        return await real(alias, period, start)

    with patch.object(client, "history", history), pytest.raises(CemmError):
        await past.history.async_import(date(2025, 9, 25), date(2025, 10, 10))
    await past.next_hour()
    (rows,) = (await past.rows()).values()
    assert rows[0].end == midnight(date(2025, 10, 1))
    assert len(rows) == (LAST - rows[0].start) / HOUR
