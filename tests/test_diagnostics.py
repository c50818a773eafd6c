"""A user can attach the diagnostics to a bug report without giving anything away."""

import json

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from simulator import Fault, Simulator
from tests.helpers.common import poll, value

from .conftest import MAC, setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


@pytest.mark.parametrize("connection", ["local", "remote"])
async def test_diagnostics_tell_everything_but_secrets(
    hass: HomeAssistant,
    sim: Simulator,
    hass_client: ClientSessionGenerator,
    connection: str,
    request: pytest.FixtureRequest,
) -> None:
    freezer: FrozenDateTimeFactory = request.getfixturevalue("freezer")
    entry: MockConfigEntry = request.getfixturevalue(f"{connection}_entry")
    entry.add_to_hass(hass)
    await setup(hass, entry)
    fall = 5 - float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", fall)))
    await poll(hass, freezer, 1200, step=120)
    assert await async_setup_component(hass, "diagnostics", {})
    await hass.async_block_till_done()

    client = await hass_client()
    response = await client.get(f"/api/diagnostics/config_entry/{entry.entry_id}")
    assert response.status == 200
    downloaded = await response.json()

    text = json.dumps(downloaded["data"]).lower()
    mac = MAC.lower()
    secrets = [mac, mac.replace(":", "-"), mac.replace(":", ""), "demo", "127.0.0.1"]
    assert not [secret for secret in secrets if secret in text]
    issue_text = json.dumps(downloaded["issues"]).lower()
    assert "meter_replaced" in issue_text
    assert not [secret for secret in secrets if secret in issue_text]

    told = downloaded["data"]
    assert told["entry"]["data"]["connection"] == connection
    assert told["last_update_success"] is True
    assert told["listed"]["p1"] == "p1"
    assert told["meters"]["p1"]["kind"] == "smart_meter"
    assert told["meters"]["p1"]["available"] is True
    _, power = told["meters"]["p1"]["channels"]["electric_power"]
    assert str(power) == value(hass, "p1", "electric_power")
