"""The actions, and every way to misuse them."""

from datetime import date
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from simulator import Fault, House, Simulator

from .conftest import MAC, setup


@pytest.fixture(autouse=True)
def _now(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to("2025-11-05 14:20:30+00:00")


def device_id(hass: HomeAssistant, alias: str | None = None) -> str:
    (entry,) = hass.config_entries.async_entries("cemm")
    identifier = ("cemm", f"{MAC}_{alias}" if alias else MAC)
    device = dr.async_get(hass).async_get_device_by_identifier(
        identifier, entry.entry_id
    )
    assert device
    return device.id


async def call(hass: HomeAssistant, action: str, **data: Any) -> Any:
    return await hass.services.async_call(
        "cemm", action, data, blocking=True, return_response=True
    )


async def get_history(
    hass: HomeAssistant,
    device: str,
    period: str = "day",
    date: str = "2025-11-01",
) -> Any:
    return await call(hass, "get_history", device_id=device, period=period, date=date)


@pytest.mark.usefixtures("loaded_entry")
async def test_a_day(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    answer = await get_history(hass, device_id(hass, "p1"), "day", "2025-10-26")
    power = answer["channels"]["electric_power"]
    assert power["unit"] == "W"
    assert len(power["samples"]) == 25 * 60
    assert power["samples"][0]["start"] == "2025-10-26T00:00:00+02:00"
    assert power["samples"][-1]["start"] == "2025-10-26T23:59:00+01:00"
    assert "deprecated" not in caplog.text


@pytest.mark.parametrize(
    ("alias", "period", "channel", "unit"),
    [
        ("p1", "month", "electric_energy_low", "kWh"),
        ("p1", "year", "electric_energy_high", "kWh"),
        ("p1-gas", "day", "gas", "L/min"),
        ("p1-gas", "month", "gas", "m³"),
        ("pulse-2", "day", "flow", "L/min"),
        ("pulse-2", "year", "volume", "m³"),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_units(
    hass: HomeAssistant, *, alias: str, period: str, channel: str, unit: str
) -> None:
    answer = await get_history(hass, device_id(hass, alias), period, "2025-11-04")
    assert answer["channels"][channel]["unit"] == unit


@pytest.mark.usefixtures("loaded_entry")
async def test_what_lies_ahead_has_no_value(hass: HomeAssistant) -> None:
    answer = await get_history(hass, device_id(hass, "p1-gas"), "month", "2025-11-04")
    values = [sample["value"] for sample in answer["channels"]["gas"]["samples"]]
    assert len(values) == 30
    assert None not in values[:5]
    assert set(values[5:]) == {None}
    assert (
        answer["channels"]["gas"]["samples"][0]["start"] == "2025-11-01T00:00:00+01:00"
    )


async def test_hourly_gas_is_an_amount(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    sim.house.meters["p1-gas"].cadence = 3600
    await setup(hass, local_entry)
    answer = await get_history(hass, device_id(hass, "p1-gas"), "day", "2025-11-04")
    assert answer["channels"]["gas"]["unit"] == "m³"


async def test_meter_readings(
    hass: HomeAssistant, house: House, remote_entry: MockConfigEntry
) -> None:
    await setup(hass, remote_entry)
    answer = await call(
        hass,
        "get_meter_readings",
        device_id=device_id(hass, "p1"),
        date=date(2025, 7, 1),
    )
    reading = answer["readings"]["t1"]
    assert reading["unit"] == "kWh"
    assert reading["time"].startswith("2025-07-01T23:5")
    at = 1751407199 // 300 * 300
    assert reading["value"] == pytest.approx(house.reading("p1", "t1", at))


@pytest.mark.usefixtures("loaded_entry")
async def test_import_without_a_recorder(hass: HomeAssistant) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call(
            hass, "import_history", device_id=device_id(hass), start_date="2025-11-01"
        )
    assert error.value.translation_key == "no_recorder"


@pytest.mark.parametrize(
    ("action", "alias", "data", "key"),
    [
        ("get_history", None, {"period": "day", "date": "2025-11-01"}, "not_a_meter"),
        ("get_history", "p1", {"period": "day", "date": "2025-11-06"}, "date_ahead"),
        ("get_meter_readings", "p1", {"date": "2025-11-01"}, "remote_only"),
        ("get_meter_readings", None, {"date": "2025-11-01"}, "not_a_meter"),
        ("import_history", "p1", {"start_date": "2025-11-01"}, "not_a_cemm"),
        ("import_history", None, {"start_date": "2025-11-06"}, "date_ahead"),
        (
            "import_history",
            None,
            {"start_date": "2025-11-02", "end_date": "2025-11-01"},
            "end_before_start",
        ),
    ],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_misuse(
    hass: HomeAssistant,
    *,
    action: str,
    alias: str | None,
    data: dict[str, str],
    key: str,
) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await call(hass, action, device_id=device_id(hass, alias), **data)
    assert error.value.translation_key == key


@pytest.mark.usefixtures("loaded_entry")
async def test_unknown_devices(hass: HomeAssistant) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    foreign = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}
    )
    for unknown in ("nowhere", foreign.id):
        with pytest.raises(ServiceValidationError) as error:
            await get_history(hass, unknown)
        assert error.value.translation_key == "unknown_device"


async def test_a_cemm_that_is_not_loaded(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    meter = device_id(hass, "p1")
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    with pytest.raises(ServiceValidationError) as error:
        await get_history(hass, meter)
    assert error.value.translation_key == "not_loaded"


@pytest.mark.parametrize(
    ("status", "error", "key"),
    [
        (404, ServiceValidationError, "no_history"),
        (412, ServiceValidationError, "no_history"),
        (403, HomeAssistantError, "invalid_auth"),
        (502, HomeAssistantError, "cannot_connect"),
    ],
)
async def test_failures(
    hass: HomeAssistant,
    *,
    sim: Simulator,
    remote_entry: MockConfigEntry,
    status: int,
    error: type[HomeAssistantError],
    key: str,
) -> None:
    await setup(hass, remote_entry)
    sim.faults.append(Fault("status", path="/data/", value=status))
    with pytest.raises(error) as raised:
        await get_history(hass, device_id(hass, "p1"))
    assert raised.value.translation_key == key


@pytest.mark.usefixtures("loaded_entry")
async def test_a_period_that_does_not_exist(hass: HomeAssistant) -> None:
    with pytest.raises(vol.Invalid):
        await get_history(hass, device_id(hass, "p1"), "week")


@pytest.mark.usefixtures("loaded_entry")
async def test_only_administrators_write_to_the_database(
    hass: HomeAssistant, hass_admin_user: MockUser, hass_read_only_user: MockUser
) -> None:
    """What only reads is for all, and an automation acts for nobody."""
    ordinary = MockUser(groups=[])
    ordinary.add_to_hass(hass)

    async def start_import(user_id: str | None) -> None:
        await hass.services.async_call(
            "cemm",
            "import_history",
            {"device_id": device_id(hass), "start_date": "2025-11-01"},
            blocking=True,
            context=Context(user_id=user_id),
            return_response=True,
        )

    for user_id in (ordinary.id, hass_read_only_user.id):
        with pytest.raises(Unauthorized):
            await start_import(user_id)
    with pytest.raises(UnknownUser):
        await start_import("nobody")
    for allowed in (hass_admin_user.id, None):
        with pytest.raises(HomeAssistantError) as error:
            await start_import(allowed)
        assert error.value.translation_key == "no_recorder"

    answer = await hass.services.async_call(
        "cemm",
        "get_history",
        {"device_id": device_id(hass, "p1"), "period": "day", "date": "2025-11-01"},
        blocking=True,
        context=Context(user_id=ordinary.id),
        return_response=True,
    )
    assert answer
