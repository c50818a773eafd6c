"""Entities that the user renames while rows are written for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.cemm.client import History, Period
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import async_rows
from simulator import House
from tests.conftest import MAC
from tests.helpers.history import (
    NEWEST,
    assert_seamless,
    live_rows,
    small_house,
    write as write_rows,
)
from tests.helpers.past import Past

NEW_ID = "sensor.mine"


@pytest.fixture
def house() -> House:
    return small_house(date(2025, 10, 30), "p1-gas")


@contextmanager
def renamed_meanwhile(past: Past, period: Period, day: date) -> Iterator[Counter]:
    """Let the gas counter get another name while a question is answered."""
    counter = past.counters()["p1-gas_gas"]
    real = past.client.history

    async def history(alias: str, asked: Period, start: int) -> History:
        registry = er.async_get(past.hass)
        is_due = (asked, start) == (period, midnight(day))
        if is_due and registry.async_get(counter.entity_id):
            registry.async_update_entity(counter.entity_id, new_entity_id=NEW_ID)
        return await real(alias, asked, start)

    with patch.object(past.client, "history", history):
        yield counter
    assert past.counters()["p1-gas_gas"].entity_id == NEW_ID


async def test_an_import_goes_on_under_the_new_name(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.settle()
    past.wish()
    with renamed_meanwhile(past, Period.MONTH, date(2025, 10, 1)) as counter:
        await past.next_hour()
    await past.next_hour()
    assert not await async_rows(past.hass, counter, 0)
    (rows,) = (await past.rows()).values()
    assert (rows[0].start, rows[-1].end) == (midnight(past.house.since), NEWEST + HOUR)
    assert_seamless(rows)
    assert "Traceback" not in caplog.text


async def test_a_hole_is_filled_under_the_new_name(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.settle()
    with renamed_meanwhile(past, Period.DAY, date(2025, 11, 4)) as counter:
        live = live_rows(past.house, counter, NEWEST - 40 * HOUR, NEWEST)
        await write_rows(past.hass, counter, [*live[:10], *live[-10:]])
        await past.next_hour()
    await past.next_hour()
    assert not await async_rows(past.hass, counter, 0)
    (rows,) = (await past.rows()).values()
    assert len(rows) == 40
    assert "Traceback" not in caplog.text


async def test_the_users_own_import_fails_with_a_message(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.settle()
    device = dr.async_get(past.hass).async_get_device_by_identifier(
        (DOMAIN, MAC), past.entry.entry_id
    )
    assert device
    with (
        renamed_meanwhile(past, Period.MONTH, date(2025, 11, 1)) as counter,
        pytest.raises(HomeAssistantError) as failure,
    ):
        await past.hass.services.async_call(
            DOMAIN,
            "import_history",
            {"device_id": device.id, "start_date": "2025-11-01"},
            blocking=True,
            return_response=True,
        )
    assert failure.value.translation_key == "cannot_connect"
    assert not await async_rows(past.hass, counter, 0)
    assert "Traceback" not in caplog.text
