"""Tests of giving a CEMM's entry another key, and of keeping keys to ourselves."""

from collections.abc import AsyncIterator
from datetime import timedelta
import logging
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from simulator import Clock, Fault, House, Simulator
from tests.helpers.flows import finish, in_progress, start, submit

from .conftest import setup

SECOND = House(seed=2, mac="D8:80:39:00:00:02")
KEY = "5ecret-k3y"
RENEWED = "5ecret-renewed"


type Refused = tuple[ConfigFlowResult, Simulator]


@pytest.fixture
async def refused(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> AsyncIterator[Refused]:
    """Load an entry, then let the API take another key only; return the form."""
    assert loaded_remote_entry.state is ConfigEntryState.LOADED
    await sim.stop()
    renewed = Simulator(sim.house, Clock(), api_key=RENEWED)
    await renewed.start(port=sim.port, remote_port=sim.remote_port)
    freezer.tick(timedelta(seconds=61))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    [form] = in_progress(hass)
    assert form["step_id"] == "reauth_confirm"
    assert form["context"]["source"] == "reauth"
    assert form["context"]["entry_id"] == loaded_remote_entry.entry_id
    yield form, renewed
    await renewed.stop()


async def test_reauth(
    hass: HomeAssistant, remote_entry: MockConfigEntry, refused: Refused
) -> None:
    """A refused key asks for another one, until one is right; nothing else changes."""
    data = dict(remote_entry.data)
    form, renewed = refused

    result = await submit(hass, form, {"api_key": "demo"})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "reauth_confirm"
    assert result["errors"] == {"base": "invalid_auth"}
    assert result["description_placeholders"] == {"name": remote_entry.title}
    [api_key] = result["data_schema"].schema
    assert api_key.description == {"suggested_value": "demo"}

    renewed.faults.append(Fault("drop"))
    result = await submit(hass, form, {"api_key": RENEWED})
    assert result["errors"] == {"base": "cannot_connect"}
    renewed.faults.clear()

    result = await submit(hass, form, {"api_key": f" {RENEWED} "})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert remote_entry.data == {**data, "api_key": RENEWED}
    assert remote_entry.state is ConfigEntryState.LOADED
    assert not in_progress(hass)


async def test_reauth_with_a_key_to_another_cemm(
    hass: HomeAssistant, remote_entry: MockConfigEntry, refused: Refused
) -> None:
    """Such a key is right, but not for this entry."""
    data = dict(remote_entry.data)
    form, renewed = refused
    renewed.linked[:] = [SECOND]
    result = await submit(hass, form, {"api_key": RENEWED})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_device"
    assert remote_entry.data == data


async def test_reauth_at_set_up(
    hass: HomeAssistant, sim: Simulator, remote_entry: MockConfigEntry
) -> None:
    """A CEMM that was taken from the account is like a refused key."""
    sim.linked[:] = [SECOND]
    await setup(hass, remote_entry)
    assert remote_entry.state is ConfigEntryState.SETUP_ERROR
    [form] = in_progress(hass)
    assert form["step_id"] == "reauth_confirm"

    sim.linked[:] = [SECOND, sim.house]
    result = await submit(hass, form, {"api_key": "demo"})
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert remote_entry.state is ConfigEntryState.LOADED


class _Watch:
    """Goes through flows, and keeps all that could be seen of them."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.seen: list[object] = []

    async def submit(
        self, form: ConfigFlowResult, user_input: dict[str, object]
    ) -> ConfigFlowResult:
        result = await submit(self.hass, form, user_input)
        self.look(result)
        return result

    def look(self, result: ConfigFlowResult) -> None:
        """Keep a result, without the fields where an error leaves what was typed."""
        kept = {**result, "data_schema": None} if result.get("errors") else {**result}
        schema = kept.get("data_schema")
        fields = schema.schema if schema else {}
        self.seen += [kept, in_progress(self.hass)]
        self.seen += [(field, field.description) for field in fields]


async def test_key_shows_nowhere(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No flow's result, title or context has the key, and no log line at any level."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiohttp").setLevel(logging.DEBUG)
    sim = Simulator(House(seed=1), Clock(), api_key=KEY, linked=[SECOND])
    await sim.start()
    typed = {"api_key": KEY, "advanced": {"url": sim.remote_url}}
    watch = _Watch(hass)

    form = await start(hass, "remote")
    for kind in ("drop", "html", "empty", "broken_json"):
        sim.faults[:] = [Fault(kind)]
        form = await watch.submit(form, typed)
        assert form["errors"]
    sim.faults.clear()
    with patch(
        "aiohttp.ClientSession.get",
        side_effect=lambda url, **_: (_ for _ in ()).throw(RuntimeError(str(url))),
    ):
        form = await watch.submit(form, typed)
        assert form["errors"] == {"base": "unknown"}
    form = await watch.submit(form, typed)
    form = await watch.submit(form, {"uid": "00-1E-C0-85-96-CC"})
    watch.look(form)
    entry = await finish(hass, form)
    assert entry.state is ConfigEntryState.LOADED

    [discovered] = in_progress(hass)
    form = await watch.submit(discovered, {})
    other = await finish(hass, form)

    sim.faults.append(Fault("status", value=403))
    freezer.tick(timedelta(seconds=61))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    forms = in_progress(hass)
    assert [form["step_id"] for form in forms] == ["reauth_confirm"] * 2
    form = await watch.submit(forms[0], {"api_key": KEY})
    assert form["errors"] == {"base": "invalid_auth"}
    sim.faults.clear()
    for form in forms:
        result = await watch.submit(form, {"api_key": KEY})
        assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()

    assert len(watch.seen) > 20
    assert KEY not in repr(watch.seen)
    assert KEY not in repr([(e.title, e.unique_id, e.options) for e in (entry, other)])
    assert "RuntimeError" in caplog.text
    assert len(caplog.records) > 50
    assert KEY not in caplog.text
    await sim.stop()
