"""What the tests of a running integration have in common."""

import asyncio
from datetime import timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.cemm.const import DOMAIN
from simulator import Fault, SimMeter, Simulator, Source
from tests.conftest import MAC


async def poll(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    seconds: float = 10,
    step: float = 10,
) -> None:
    """Let time pass, so that the CEMM is asked once every `step` seconds."""
    for _ in range(round(seconds / step)):
        freezer.tick(timedelta(seconds=step))
        async_fire_time_changed(hass)
        await answered(hass)


async def answered(hass: HomeAssistant) -> None:
    """Wait until all polls that are under way have been answered.

    Other background tasks may sleep until the test lets time pass.
    """
    while polls := [t for t in asyncio.all_tasks() if t.get_name().endswith("refresh")]:
        await asyncio.wait(polls)
    await hass.async_block_till_done()


def sensor(hass: HomeAssistant, alias: str, key: str) -> State | None:
    """Return the state of a meter's sensor; None if it has none."""
    entity_id = er.async_get(hass).async_get_entity_id(
        Platform.SENSOR, DOMAIN, f"{MAC}_{alias}_{key}"
    )
    return hass.states.get(entity_id) if entity_id else None


def value(hass: HomeAssistant, alias: str, key: str) -> str | None:
    """Return what a meter's sensor shows; None if there is no such sensor."""
    state = sensor(hass, alias, key)
    return state.state if state else None


def device(hass: HomeAssistant, alias: str = "") -> dr.DeviceEntry | None:
    """Return the device of a meter, or of the CEMM."""
    identifier = f"{MAC}_{alias}" if alias else MAC
    entry = hass.config_entries.async_entries(DOMAIN)[0]
    return dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, identifier), entry.entry_id
    )


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the active issues by their translation key."""
    return {
        str(issue.translation_key): issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


def only_meter(sim: Simulator, alias: str, type_: str, answer: Any) -> None:
    """Connect one meter alone, that answers this and nothing else."""
    sim.house.meters = {alias: SimMeter(1, type_, Source.GRID)}
    sim.faults += [
        Fault("body", f"/{alias}/realtime/", value=answer),
        Fault("status", "/usage/", value=404),
    ]


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what this integration has logged, but for the details."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.cemm")
        and record.levelno >= logging.INFO
    ]
