"""Finding CEMMs in the network, for the user and to follow their addresses."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
import logging
from time import monotonic
from weakref import WeakKeyDictionary

from homeassistant.components import network
from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigEntry
from homeassistant.const import CONF_HOST, CONF_MAC
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util.hass_dict import HassKey

from .client import Answer, CemmError, CemmInfo, LocalCemm, discover
from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

INTERVAL = timedelta(hours=1)

# Seconds between two searches for what was lost, and when the next one may be.
LOST_INTERVAL = 600.0
_LOOK_AGAIN_AT: HassKey[float] = HassKey(f"{DOMAIN}_look_again_at")

# What was said of CEMMs that answer at two addresses: MAC, where it is read, where else.
_SAID: HassKey[set[tuple[str, str, str]]] = HassKey(f"{DOMAIN}_two_addresses")

# Two searches at once would take each other's answers: all arrive at one port.
_searching: WeakKeyDictionary[HomeAssistant, asyncio.Lock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class FoundCemm:
    """A CEMM that has proven to be one."""

    host: str
    info: CemmInfo


async def async_find_cemms(hass: HomeAssistant) -> Mapping[str, FoundCemm]:
    """Broadcast, and return the CEMMs that answer, by MAC: each as it answered first."""
    return {cemm.info.mac: cemm for cemm in reversed(await _async_search(hass))}


@callback
def async_note_second_address(
    hass: HomeAssistant, entry: ConfigEntry, other: str
) -> None:
    """Say once that a CEMM that answers where it was does so elsewhere too."""
    host: str = entry.data[CONF_HOST]
    pair = (entry.unique_id or "", host, other)
    said = hass.data.setdefault(_SAID, set())
    if pair not in said:
        said.add(pair)
        _LOGGER.warning(
            "%s: the same CEMM answers at %s and at %s; it is read where it was, at %s",
            entry.title,
            host,
            other,
            host,
        )


async def _async_search(hass: HomeAssistant) -> list[FoundCemm]:
    """Broadcast, and return the CEMMs that answer, in this order.

    Anybody may answer a broadcast: only what serves the same MAC over HTTP at
    the address that the answer came from counts.
    """
    targets = await network.async_get_ipv4_broadcast_addresses(hass)
    try:
        async with _searching.setdefault(hass, asyncio.Lock()):
            answers = await discover(map(str, targets))
    except OSError as err:
        _LOGGER.debug("No broadcast possible: %s", err)
        return []
    found = await asyncio.gather(*(_async_verify(hass, answer) for answer in answers))
    return [cemm for cemm in found if cemm]


async def _async_verify(hass: HomeAssistant, answer: Answer) -> FoundCemm | None:
    try:
        info = await LocalCemm(answer.host, async_get_clientsession(hass)).info()
    except CemmError as err:
        _LOGGER.debug("The answer from %s is not from a CEMM: %r", answer.host, err)
        return None
    return FoundCemm(answer.host, info) if info.mac == answer.mac else None


async def async_discover(hass: HomeAssistant) -> None:
    """Look for CEMMs, and have the config flow offer or follow them."""
    for cemm in await _async_search(hass):
        discovery_flow.async_create_flow(
            hass,
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={CONF_HOST: cemm.host, CONF_MAC: cemm.info.mac},
        )


@callback
def async_broadcast(hass: HomeAssistant, _now: datetime | None = None) -> None:
    """Look for CEMMs in the background, if any is set up."""
    if hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    ):
        hass.async_create_background_task(async_discover(hass), "CEMM broadcast")


@callback
def async_look_for_lost(hass: HomeAssistant) -> None:
    """Look for a CEMM that does not answer: it may have another address now.

    Not each time: one that only half answers is set up anew as soon as it is heard of.
    """
    now = monotonic()
    if now >= hass.data.get(_LOOK_AGAIN_AT, 0.0):
        hass.data[_LOOK_AGAIN_AT] = now + LOST_INTERVAL
        async_broadcast(hass)


@callback
def async_setup_discovery(hass: HomeAssistant) -> None:
    """Repeat the broadcast for as long as there are CEMMs set up."""
    async_at_started(hass, async_broadcast)
    async_track_time_interval(
        hass,
        callback(partial(async_broadcast, hass)),
        INTERVAL,
        name="CEMM broadcast",
        cancel_on_shutdown=True,
    )
