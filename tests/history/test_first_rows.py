"""Sums begin at 0 from the first row that is written, and the live ones go on from there."""

from asyncio import CancelledError
from datetime import date
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history import importer, reconciler
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import Table
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.helpers.history import (
    NEWEST,
    assert_seamless,
    assert_true,
    small_house,
    truth,
)
from tests.helpers.past import Past

SINCE = date(2025, 10, 30)


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1-gas", "pulse-2")


async def assert_begun(past: Past, since: date) -> None:
    """See that the use of every hour is true, also that of the first one."""
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert rows[name][0].start == midnight(since)
        assert_true(past.house, counter, rows[name])


async def assert_goes_on(past: Past) -> None:
    """See that live rows join what is there."""
    await past.go_live(20)
    for rows in (await past.rows()).values():
        assert_seamless(rows)
        assert rows[-1].end == NEWEST + 4 * HOUR


async def test_before_the_recorder_has_counted_anything(past: Past) -> None:
    await past.setup()
    await past.history.async_import(date(2025, 11, 3))
    await assert_begun(past, date(2025, 11, 3))
    await assert_goes_on(past)


async def test_while_the_recorder_begins_to_count(past: Past) -> None:
    """It is told where to begin when it has just done so by itself."""
    await past.setup()
    await past.go_live(2)
    real = importer.async_newest
    asked = set()

    async def not_yet(
        hass: HomeAssistant, counter: Counter, table: Table
    ) -> Row | None:
        if counter in asked:
            return await real(hass, counter, table)
        asked.add(counter)
        return None

    with patch.object(importer, "async_newest", not_yet):
        await past.history.async_import(date(2025, 11, 3))
    assert len(asked) == 2
    await assert_begun(past, date(2025, 11, 3))
    await assert_goes_on(past)


async def test_readings_that_are_newer_than_the_look(past: Past) -> None:
    """What comes before the import takes long where the API slows down."""
    await past.setup()

    async def take_long(*_: object) -> None:
        past.freezer.tick(3 * HOUR)
        await past.coordinator.async_refresh()

    with patch.object(reconciler, "async_recount", take_long):
        past.wish()
        await past.history._async_catch_up()
    assert all((await past.rows()).values())
    for name, counter in past.counters().items():
        for row in (await past.rows())[name]:
            real = truth(past.house, counter, row.end)
            assert row.state == pytest.approx(real, abs=0.06)


async def test_after_an_import_was_interrupted(past: Past) -> None:
    """What was written by then is in order, and so is what is added to it."""
    await past.setup()
    history = past.history
    await history.async_import(date(2025, 11, 3))
    with (
        patch.object(Row, "is_like", side_effect=CancelledError),
        pytest.raises(HomeAssistantError),
    ):
        await history.async_import()
    await assert_begun(past, SINCE)
    await history.async_import()
    await past.go_live(1)
    rows = await past.rows()
    assert {found[-1].end for found in rows.values()} == {NEWEST}
    await assert_begun(past, SINCE)
