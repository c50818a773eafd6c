"""Finding CEMMs in the network, for the user and to follow their addresses."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
import logging
from time import monotonic

from homeassistant.components import network
from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY
from homeassistant.const import CONF_HOST, CONF_MAC
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util.hass_dict import HassKey

from .client import CemmInfo, LocalCemm, discover
from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

INTERVAL = timedelta(hours=1)

# Seconds between two searches for what was lost, and when the next one may be.
LOST_INTERVAL = 600.0
_LOOK_AGAIN_AT: HassKey[float] = HassKey(f"{DOMAIN}_look_again_at")

# Two searches at once would take each other's answers: all arrive at one port.
_SEARCHING: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_searching")


async def async_info(hass: HomeAssistant, host: str) -> CemmInfo:
    """Return what the CEMM at an address says of itself. Raises CemmError."""
    return await LocalCemm(host, async_get_clientsession(hass)).info()


async def async_find_cemms(hass: HomeAssistant) -> dict[str, CemmInfo]:
    """Broadcast, and return the CEMMs that answer by their address, the first one first.

    Anybody may answer a broadcast: only what serves the same MAC over HTTP at
    the address that the answer came from counts.
    """
    targets = await network.async_get_ipv4_broadcast_addresses(hass)
    try:
        async with hass.data.setdefault(_SEARCHING, asyncio.Lock()):
            answers = await discover(map(str, targets))
    except OSError as err:
        _LOGGER.debug("No broadcast possible: %s", err)
        return {}
    found = await asyncio.gather(
        *(async_info(hass, answer.host) for answer in answers), return_exceptions=True
    )
    cemms = {}
    for answer, info in zip(answers, found, strict=True):
        if isinstance(info, CemmInfo) and info.mac == answer.mac:
            cemms[answer.host] = info
        else:
            _LOGGER.debug("%s is not the CEMM that it says: %r", answer.host, info)
    return cemms


async def async_discover(hass: HomeAssistant) -> None:
    """Look for CEMMs, and have the config flow offer or follow them."""
    for host, info in (await async_find_cemms(hass)).items():
        discovery_flow.async_create_flow(
            hass,
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={CONF_HOST: host, CONF_MAC: info.mac},
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
