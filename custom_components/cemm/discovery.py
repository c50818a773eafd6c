"""Finding CEMMs in the network, for the user and to follow their addresses."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
import logging
from weakref import WeakKeyDictionary

from homeassistant.components import network
from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY
from homeassistant.const import CONF_HOST, CONF_MAC
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started

from .client import Answer, CemmError, CemmInfo, LocalCemm, discover
from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

INTERVAL = timedelta(hours=1)

# Two searches at once would take each other's answers: all arrive at one port.
_searching: WeakKeyDictionary[HomeAssistant, asyncio.Lock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class FoundCemm:
    """A CEMM that has proven to be one."""

    host: str
    info: CemmInfo


async def async_find_cemms(hass: HomeAssistant) -> Mapping[str, FoundCemm]:
    """Broadcast, and return the CEMMs that answer, by MAC.

    Anybody may answer a broadcast: only what serves the same MAC over HTTP at
    the address that the answer came from counts.
    """
    targets = await network.async_get_ipv4_broadcast_addresses(hass)
    try:
        async with _searching.setdefault(hass, asyncio.Lock()):
            answers = await discover(map(str, targets))
    except OSError as err:
        _LOGGER.debug("No broadcast possible: %s", err)
        return {}
    found = await asyncio.gather(*(_async_verify(hass, answer) for answer in answers))
    return {cemm.info.mac: cemm for cemm in found if cemm}


async def _async_verify(hass: HomeAssistant, answer: Answer) -> FoundCemm | None:
    try:
        info = await LocalCemm(answer.host, async_get_clientsession(hass)).info()
    except CemmError as err:
        _LOGGER.debug("The answer from %s is not from a CEMM: %r", answer.host, err)
        return None
    return FoundCemm(answer.host, info) if info.mac == answer.mac else None


async def async_discover(hass: HomeAssistant) -> None:
    """Look for CEMMs, and have the config flow offer or follow them."""
    for mac, cemm in (await async_find_cemms(hass)).items():
        discovery_flow.async_create_flow(
            hass,
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={CONF_HOST: cemm.host, CONF_MAC: mac},
        )


@callback
def async_broadcast(hass: HomeAssistant, _now: datetime | None = None) -> None:
    """Look for CEMMs in the background, if any is set up."""
    if hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    ):
        hass.async_create_background_task(async_discover(hass), "CEMM broadcast")


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
