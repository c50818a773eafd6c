"""Tests of finding CEMMs by their broadcast, once and for as long as one is set up."""

import asyncio
from datetime import timedelta
import errno
from unittest.mock import patch

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.util.dt import utcnow
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cemm.client.discovery import discover
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.discovery import INTERVAL, async_discover, async_find_cemms
from simulator import Fault, House
from tests.helpers.flows import HOST, SECOND, SECOND_MAC, Lan, in_progress

from .conftest import MAC, setup

INFO = "/open-api/v1/$"


async def _set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set a CEMM up, and wait until the first broadcast is over."""
    await setup(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)


async def _hears(hass: HomeAssistant) -> set[str | None]:
    """Wait until a broadcast is over; return the MACs of the CEMMs on offer."""
    await hass.async_block_till_done(wait_background_tasks=True)
    return {flow["context"]["unique_id"] for flow in in_progress(hass)}


async def _finds(hass: HomeAssistant) -> set[str]:
    return {info.mac for info in (await async_find_cemms(hass)).values()}


async def test_find(hass: HomeAssistant, lan: Lan) -> None:
    """Every CEMM in the network is found, at the address that it answered from."""
    await lan.add(SECOND, "127.0.0.3")
    cemms = await async_find_cemms(hass)
    assert {host: info.mac for host, info in cemms.items()} == {
        HOST: MAC,
        "127.0.0.3": SECOND_MAC,
    }
    assert cemms[HOST].version == "2.26.0.0"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("body", INFO, value={"data": {"mac": "d8:80:39:00:00:09"}}),
        Fault("status", INFO, value=404),
        Fault("html"),
        Fault("drop"),
    ],
)
async def test_what_pretends_is_not_found(
    hass: HomeAssistant, lan: Lan, fault: Fault
) -> None:
    """Who answers the broadcast must also serve the same MAC."""
    lan.simulators[0].faults.append(fault)
    await lan.add(SECOND, "127.0.0.3")
    assert await _finds(hass) == {SECOND_MAC}
    lan.simulators[0].faults.clear()
    assert await _finds(hass) == {MAC, SECOND_MAC}


async def test_no_socket(hass: HomeAssistant, lan: Lan) -> None:
    """Where no socket is to be had, nothing is found, and nothing breaks."""
    with patch("socket.socket", side_effect=OSError(errno.EMFILE, "too many files")):
        assert await async_find_cemms(hass) == {}
    assert await _finds(hass) == {MAC}


async def test_offers_each_once(hass: HomeAssistant, lan: Lan) -> None:
    """A CEMM that was found is offered, and not again while it is."""
    for _ in range(2):
        await async_discover(hass)
        assert await _hears(hass) == {MAC}
        assert len(in_progress(hass)) == 1


async def test_broadcasts_while_one_is_set_up(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Others are found at the start and later; within two hours at the latest."""
    await lan.add(SECOND, "127.0.0.3")
    await setup(hass, lan_entry)
    assert await _hears(hass) == {SECOND_MAC}

    await lan.add(House(seed=2, mac="D8:80:39:00:00:03"), "127.0.0.4")
    assert timedelta(hours=2) >= INTERVAL
    async_fire_time_changed(hass, utcnow() + INTERVAL)
    assert await _hears(hass) == {SECOND_MAC, "d8:80:39:00:00:03"}


async def test_follows_its_address(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """The entry of a CEMM that moved is mended without anybody's help."""
    await _set_up(hass, lan_entry)
    await lan.move(lan.simulators[0], "127.0.0.5")
    async_fire_time_changed(hass, utcnow() + INTERVAL)
    assert await _hears(hass) == set()
    assert lan_entry.data == {"connection": "local", "host": "127.0.0.5"}
    assert lan_entry.state is ConfigEntryState.LOADED


async def test_looks_at_once_for_a_cemm_that_is_gone(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Whoever loses contact does not wait for the next regular broadcast."""
    await _set_up(hass, lan_entry)
    await lan.move(lan.simulators[0], "127.0.0.5")
    for _ in range(3):
        await lan_entry.runtime_data.coordinator.async_refresh()
    assert await _hears(hass) == set()
    assert lan_entry.data["host"] == "127.0.0.5"
    assert lan_entry.state is ConfigEntryState.LOADED


async def test_follows_when_it_moved_while_we_were_off(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """So is one whose CEMM has another address since the last start."""
    await lan.move(lan.simulators[0], "127.0.0.5")
    await _set_up(hass, lan_entry)
    assert lan_entry.data["host"] == "127.0.0.5"
    assert lan_entry.state is ConfigEntryState.LOADED


async def test_silent_without_entries(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Nobody who removed, ignored or disabled all CEMMs hears of others."""
    await _set_up(hass, lan_entry)
    await hass.config_entries.async_remove(lan_entry.entry_id)
    for unused in (
        MockConfigEntry(domain=DOMAIN, unique_id="ignored", source=SOURCE_IGNORE),
        MockConfigEntry(
            domain=DOMAIN, unique_id="off", disabled_by=ConfigEntryDisabler.USER
        ),
    ):
        unused.add_to_hass(hass)
    lan.simulators[0].requests.clear()
    async_fire_time_changed(hass, utcnow() + INTERVAL)
    assert await _hears(hass) == set()
    assert not lan.simulators[0].requests


async def test_stops_with_home_assistant(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """A broadcast that is under way does not hold up the end."""
    with patch.dict(discover.__kwdefaults__, duration=60):
        await setup(hass, lan_entry)
    [task] = [t for t in asyncio.all_tasks() if t.get_name() == "CEMM broadcast"]
    await hass.async_stop(force=True)
    assert task.cancelled()
