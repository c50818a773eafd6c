"""A real Home Assistant in this process, with a recorder, and CEMMs in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from unittest.mock import patch

from homeassistant import bootstrap, loader
from homeassistant.config_entries import SOURCE_USER, ConfigEntries, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.recorder import async_initialize_recorder, get_instance
from homeassistant.setup import async_setup_component

from custom_components.cemm.runtime import CemmConfigEntry


@asynccontextmanager
async def running_home(database: str | None = None) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant in a temporary folder; an event loop can do so once.

    Its recorder writes to the database at that address, or to SQLite in the folder.

    It never broadcasts, so that it meets no other CEMM than those it is given.
    """
    broadcasts = "homeassistant.components.network.async_get_ipv4_broadcast_addresses"
    with TemporaryDirectory() as folder, patch(broadcasts, return_value=set()):
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        hass.config_entries = ConfigEntries(hass, {})
        loader.async_setup(hass)
        await bootstrap.async_load_base_functionality(hass)
        async_initialize_recorder(hass)
        database = database or f"sqlite:///{Path(folder) / 'home-assistant_v2.db'}"
        config = {"recorder": {"db_url": database}}
        for domain in (*bootstrap.CORE_INTEGRATIONS, "recorder"):
            if not await async_setup_component(hass, domain, config):
                raise RuntimeError(f"{domain} cannot be set up")
        await hass.async_start()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)


async def recorded(hass: HomeAssistant) -> None:
    """Wait until the recorder has written what it was given."""
    await hass.async_block_till_done()
    await get_instance(hass).async_block_till_done()


class Cemm:
    """A CEMM in the same network, not yet added to Home Assistant.

    One that is not `polled` is read only when it is told to be.
    """

    def __init__(
        self, hass: HomeAssistant, host: str, mac: str, *, polled: bool = True
    ) -> None:
        self.hass = hass
        self.host = host
        self.entry: CemmConfigEntry = ConfigEntry(
            data={"connection": "local", "host": host},
            discovery_keys=MappingProxyType({}),
            domain="cemm",
            minor_version=1,
            options={"import_history": False},
            pref_disable_polling=not polled,
            source=SOURCE_USER,
            subentries_data=None,
            title=mac,
            unique_id=mac,
            version=1,
        )

    async def add(self, *, every_sensor: bool = True) -> None:
        """Add it, with the sensors too that are disabled by default."""
        enabled = patch.object(Entity, "entity_registry_enabled_default", True)
        with enabled if every_sensor else nullcontext():
            await self.hass.config_entries.async_add(self.entry)

    async def read(self) -> None:
        """Read all its meters that are due; those of one that is not polled always are."""
        await self.entry.runtime_data.coordinator.async_refresh()

    def sensors(self) -> dict[tuple[str, str], str]:
        """Return the entity ids of its meters' sensors, by alias and key."""
        meters = self.entry.runtime_data.coordinator.roster.listed
        return {
            (alias, key): sensor.entity_id
            for sensor in er.async_entries_for_config_entry(
                er.async_get(self.hass), self.entry.entry_id
            )
            for _, alias, key in [sensor.unique_id.split("_", 2)]
            if alias in meters
        }
