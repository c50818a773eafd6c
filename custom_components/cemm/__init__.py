"""The CEMM energy gateway: every meter of a house in Home Assistant."""

import logging

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_URL, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType

from .client import CemmClient, LocalCemm, RemoteCemm
from .const import CONF_CONNECTION, CONF_UID, CONNECTION_REMOTE, DOMAIN
from .coordinator import CemmCoordinator
from .devices import alias_of
from .discovery import async_setup_discovery
from .history import HistoryManager, Ledger
from .issues import LASTING, async_clear_if
from .meters.store import MeterStore
from .runtime import CemmConfigEntry, CemmRuntime, running
from .services import async_setup_services

_LOGGER = logging.getLogger(__name__)

PLATFORMS = [Platform.SENSOR]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all CEMMs share."""
    async_setup_discovery(hass)
    async_setup_services(hass)

    @callback
    def entry_changed(_: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Clear the issues of a CEMM that is disabled: maybe there is none to unload."""
        if entry.domain == DOMAIN and entry.disabled_by:
            async_clear_if(hass, entry, lambda key, *_: key not in LASTING)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, entry_changed)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: CemmConfigEntry) -> bool:
    """Set up one CEMM."""
    ledger = Ledger(hass, entry)
    await ledger.async_load()
    client = _client(hass, entry)
    coordinator = CemmCoordinator(hass, entry, client, ledger.async_add)
    await coordinator.async_config_entry_first_refresh()
    if odd := coordinator.options.odd:
        _LOGGER.warning(
            "%s: what is odd in the options %s is ignored", entry.title, odd
        )
    history = HistoryManager(coordinator, ledger)
    entry.runtime_data = CemmRuntime(coordinator, history)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    await history.async_start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: CemmConfigEntry) -> bool:
    """Stop reading a CEMM."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: CemmConfigEntry) -> None:
    """Forget a CEMM."""
    await MeterStore(hass, entry).async_remove()
    await Ledger(hass, entry).async_remove()
    async_clear_if(hass, entry, lambda *_: True)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: CemmConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let the user delete what the CEMM no longer has."""
    if (runtime := running(entry)) is None:
        return False
    alias = alias_of(device, runtime.coordinator.mac)
    return alias is not None and alias not in runtime.coordinator.roster.listed


def _client(hass: HomeAssistant, entry: CemmConfigEntry) -> CemmClient:
    session = async_get_clientsession(hass)
    data = entry.data
    if data[CONF_CONNECTION] == CONNECTION_REMOTE:
        return RemoteCemm(data[CONF_URL], data[CONF_API_KEY], data[CONF_UID], session)
    return LocalCemm(data[CONF_HOST], session)
