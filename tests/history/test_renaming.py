"""Entities that the user renames while rows are written for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import History, Period
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import async_hours
from simulator import House
from tests.conftest import MAC, setup
from tests.helpers.history import (
    NEWEST,
    all_counters,
    all_rows,
    assert_seamless,
    finished,
    keep,
    live_rows,
    next_hour,
    write as write_rows,
)

NEW_ID = "sensor.mine"


@pytest.fixture
def house() -> House:
    house = House(seed=1, since=date(2025, 10, 30))
    keep(house, "p1-gas")
    return house


@contextmanager
def renamed_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, period: Period, day: date
) -> Iterator[Counter]:
    """Let the gas counter get another name while a question is answered."""
    counter = all_counters(hass, entry)["p1-gas_gas"]
    client = entry.runtime_data.coordinator.client
    real = client.history

    async def history(alias: str, asked: Period, start: int) -> History:
        registry = er.async_get(hass)
        is_due = (asked, start) == (period, midnight(day))
        if is_due and registry.async_get(counter.entity_id):
            registry.async_update_entity(counter.entity_id, new_entity_id=NEW_ID)
        return await real(alias, asked, start)

    with patch.object(client, "history", history):
        yield counter
    assert all_counters(hass, entry)["p1-gas_gas"].entity_id == NEW_ID


async def test_an_import_goes_on_under_the_new_name(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await setup(hass, local_entry)
    await finished(local_entry)
    hass.config_entries.async_update_entry(
        local_entry, options={"import_history": True}
    )
    with renamed_meanwhile(
        hass, local_entry, Period.MONTH, date(2025, 10, 1)
    ) as counter:
        await next_hour(hass, local_entry, freezer)
    await next_hour(hass, local_entry, freezer)
    assert not await async_hours(hass, counter, 0)
    (rows,) = (await all_rows(hass, local_entry)).values()
    assert (rows[0].start, rows[-1].end) == (midnight(house.since), NEWEST + HOUR)
    assert_seamless(rows)
    assert "Traceback" not in caplog.text


async def test_a_hole_is_filled_under_the_new_name(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    *,
    freezer: FrozenDateTimeFactory,
    house: House,
    local_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await setup(hass, local_entry)
    await finished(local_entry)
    with renamed_meanwhile(hass, local_entry, Period.DAY, date(2025, 11, 4)) as counter:
        live = live_rows(house, counter, NEWEST - 40 * HOUR, NEWEST)
        await write_rows(hass, counter, [*live[:10], *live[-10:]])
        await next_hour(hass, local_entry, freezer)
    await next_hour(hass, local_entry, freezer)
    assert not await async_hours(hass, counter, 0)
    (rows,) = (await all_rows(hass, local_entry)).values()
    assert len(rows) == 40
    assert "Traceback" not in caplog.text


async def test_the_users_own_import_fails_with_a_message(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await setup(hass, local_entry)
    await finished(local_entry)
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, MAC), local_entry.entry_id
    )
    assert device
    with (
        renamed_meanwhile(
            hass, local_entry, Period.MONTH, date(2025, 11, 1)
        ) as counter,
        pytest.raises(HomeAssistantError) as failure,
    ):
        await hass.services.async_call(
            DOMAIN,
            "import_history",
            {"device_id": device.id, "start_date": "2025-11-01"},
            blocking=True,
            return_response=True,
        )
    assert failure.value.translation_key == "cannot_connect"
    assert not await async_hours(hass, counter, 0)
    assert "Traceback" not in caplog.text
