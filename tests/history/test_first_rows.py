"""Sums begin at 0 from the first row that is written, and the live ones go on from there."""

from asyncio import CancelledError
from datetime import date
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history import importer
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.importer import Importer
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.conftest import setup
from tests.helpers.history import (
    NEWEST,
    all_counters,
    all_rows,
    assert_seamless,
    assert_true,
    go_live,
    keep,
)

SINCE = date(2025, 10, 30)


@pytest.fixture
def house() -> House:
    house = House(seed=1, since=SINCE)
    keep(house, "p1-gas", "pulse-2")
    return house


async def assert_begun(
    hass: HomeAssistant, entry: MockConfigEntry, house: House, since: date
) -> None:
    """See that the use of every hour is true, also that of the first one."""
    rows = await all_rows(hass, entry)
    for name, counter in all_counters(hass, entry).items():
        assert rows[name][0].start == midnight(since)
        assert_true(house, counter, rows[name])


async def test_before_the_recorder_has_counted_anything(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    await setup(hass, local_entry)
    await local_entry.runtime_data.history.async_import(date(2025, 11, 3))
    await assert_begun(hass, local_entry, house, date(2025, 11, 3))
    await go_live(hass, local_entry, freezer, 20)
    for rows in (await all_rows(hass, local_entry)).values():
        assert_seamless(rows)
        assert rows[-1].end == NEWEST + 4 * HOUR


async def test_while_the_recorder_begins_to_count(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """It is told where to begin when it has just done so by itself."""
    await setup(hass, local_entry)
    await go_live(hass, local_entry, freezer, 2)
    real = importer.async_newest_minutes
    asked = set()

    async def not_yet(hass: HomeAssistant, counter: Counter) -> Row | None:
        if counter in asked:
            return await real(hass, counter)
        asked.add(counter)
        return None

    with patch.object(importer, "async_newest_minutes", not_yet):
        await local_entry.runtime_data.history.async_import(date(2025, 11, 3))
    assert len(asked) == 2
    await assert_begun(hass, local_entry, house, date(2025, 11, 3))
    await go_live(hass, local_entry, freezer, 20)
    for rows in (await all_rows(hass, local_entry)).values():
        assert_seamless(rows)
        assert rows[-1].end == NEWEST + 4 * HOUR


async def test_after_an_import_was_interrupted(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
) -> None:
    """What was written by then is in order, and so is what is added to it."""
    await setup(hass, local_entry)
    history = local_entry.runtime_data.history
    await history.async_import(date(2025, 11, 3))
    with (
        patch.object(Importer, "_async_write_later", side_effect=CancelledError),
        pytest.raises(HomeAssistantError),
    ):
        await history.async_import()
    await assert_begun(hass, local_entry, house, SINCE)
    await history.async_import()
    await go_live(hass, local_entry, freezer, 1)
    rows = await all_rows(hass, local_entry)
    assert {found[-1].end for found in rows.values()} == {NEWEST}
    await assert_begun(hass, local_entry, house, SINCE)
