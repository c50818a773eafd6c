"""A real Home Assistant in this process, its recorder writing to SQLite."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from unittest.mock import patch

from homeassistant import bootstrap, loader
from homeassistant.config_entries import SOURCE_USER, ConfigEntries, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.recorder import async_initialize_recorder, get_instance
from homeassistant.setup import async_setup_component

from custom_components.cemm.const import DOMAIN
from custom_components.cemm.coordinator import CemmConfigEntry


@asynccontextmanager
async def running_home() -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant in a temporary folder; an event loop can do so once.

    It never broadcasts, so that it meets no other CEMM than those it is given.
    """
    with (
        TemporaryDirectory() as folder,
        patch(
            "homeassistant.components.network.async_get_ipv4_broadcast_addresses",
            return_value=set(),
        ),
    ):
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        hass.config_entries = ConfigEntries(hass, {})
        loader.async_setup(hass)
        await bootstrap.async_load_base_functionality(hass)
        async_initialize_recorder(hass)
        database = Path(folder) / "home-assistant_v2.db"
        config = {"recorder": {"db_url": f"sqlite:///{database}"}}
        for domain in (*bootstrap.CORE_INTEGRATIONS, "recorder"):
            await set_up(hass, domain, config)
        await hass.async_start()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)


async def set_up(
    hass: HomeAssistant, domain: str, config: Mapping[str, object] | None = None
) -> None:
    """Set an integration up. Raises RuntimeError if it fails."""
    if not await async_setup_component(hass, domain, dict(config or {})):
        raise RuntimeError(f"{domain} cannot be set up")


def cemm_entry(host: str, mac: str, *, polled: bool = True) -> CemmConfigEntry:
    """Return the config entry of a CEMM in the same network, not yet added.

    One that is not `polled` is read only when its coordinator is told to.
    """
    return ConfigEntry(
        data={"connection": "local", "host": host},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        minor_version=1,
        options={"import_history": False},
        pref_disable_polling=not polled,
        source=SOURCE_USER,
        subentries_data=None,
        title=mac,
        unique_id=mac,
        version=1,
    )


def every_sensor_enabled() -> AbstractContextManager[object]:
    """Have sensors that are disabled by default enabled when they are added."""
    return patch.object(Entity, "entity_registry_enabled_default", True)


async def add_fully(hass: HomeAssistant, entry: CemmConfigEntry) -> None:
    """Add a CEMM with every sensor enabled, and wait until all is done."""
    with every_sensor_enabled():
        await hass.config_entries.async_add(entry)
        await hass.async_block_till_done()


async def recorded(hass: HomeAssistant) -> None:
    """Wait until the recorder has written what it was given."""
    await hass.async_block_till_done()
    await get_instance(hass).async_block_till_done()
