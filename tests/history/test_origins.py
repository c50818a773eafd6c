"""Sums that are to begin at 0, as soon as there is a live one to move along."""

from asyncio import CancelledError
from datetime import date
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import CemmConnectionError
from custom_components.cemm.history.healing import Healer
from custom_components.cemm.history.importer import Importer
from custom_components.cemm.history.periods import midnight
from simulator import House
from tests.conftest import setup

from .common import (
    NEWEST,
    all_counters,
    all_rows,
    assert_seamless,
    finished,
    go_live,
    keep,
)

SINCE = date(2025, 10, 30)


@pytest.fixture
def house() -> House:
    house = House(seed=1, since=SINCE)
    keep(house, "p1-gas", "pulse-2")
    return house


async def test_sums_are_moved_as_a_whole_after_a_later_import_was_interrupted(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    local_entry: MockConfigEntry,
) -> None:
    """What the first import noted is no longer about the first row."""
    await setup(hass, local_entry)
    await local_entry.runtime_data.history.async_import(date(2025, 11, 3))
    with (
        patch.object(Importer, "_async_write_later", side_effect=CancelledError),
        pytest.raises(HomeAssistantError),
    ):
        await local_entry.runtime_data.history.async_import()
    await hass.config_entries.async_reload(local_entry.entry_id)
    await finished(local_entry)

    await go_live(hass, local_entry, freezer, 1)
    for rows in (await all_rows(hass, local_entry)).values():
        assert (rows[0].start, rows[-1].end) == (midnight(SINCE), NEWEST)
        assert rows[0].sum == pytest.approx(0, abs=1e-6)
        assert_seamless(rows)


async def test_sums_are_not_moved_in_part_before_an_import_goes_on(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    local_entry: MockConfigEntry,
) -> None:
    """The live sum is there before the import that was interrupted goes on."""
    await setup(hass, local_entry)
    history = local_entry.runtime_data.history
    await history.async_import(date(2025, 11, 3))
    with (
        patch.object(Importer, "_async_write_later", side_effect=CancelledError),
        pytest.raises(HomeAssistantError),
    ):
        await history.async_import()
    with patch.object(Importer, "async_run", side_effect=CemmConnectionError("gone")):
        await go_live(hass, local_entry, freezer, 1)
    for rows in (await all_rows(hass, local_entry)).values():
        assert rows[0].start == midnight(SINCE)
        assert_seamless(rows)


async def test_a_sensor_that_was_disabled_is_not_waited_for(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    local_entry: MockConfigEntry,
) -> None:
    """Its sum can't be settled: that is no reason to look for holes all the time."""
    await setup(hass, local_entry)
    await local_entry.runtime_data.history.async_import(date(2025, 11, 4))
    counter = all_counters(hass, local_entry)["p1-gas_gas"]
    er.async_get(hass).async_update_entity(
        counter.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.config_entries.async_reload(local_entry.entry_id)
    await finished(local_entry)
    with patch.object(
        Healer, "async_run", autospec=True, side_effect=Healer.async_run
    ) as run:
        # The other meter still waits for a live sum.
        hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
        await hass.async_block_till_done()
        await finished(local_entry)
        assert run.call_count == 1
        await go_live(hass, local_entry, freezer, 1)
        run.reset_mock()
        for _ in range(3):
            hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
            await hass.async_block_till_done()
            await finished(local_entry)
        assert run.call_count == 0
