"""The last good readings, kept across a restart of Home Assistant."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from custom_components.cemm.const import DOMAIN

# In seconds.
_SAVE_INTERVAL = 900.0


class Memory:
    """What is saved of one CEMM."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with nothing saved."""
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry.entry_id}.counters"
        )
        self._save_at = 0.0
        self._soon = True

    async def async_load(self) -> dict[str, Any]:
        """Return what was saved last."""
        return await self._store.async_load() or {}

    def hurry(self) -> None:
        """Have the next save be done at once: there is something that must not be lost."""
        self._soon = True

    def save(self, data: Callable[[], dict[str, Any]]) -> None:
        """Save what ``data`` returns: what is new at once, all else now and then.

        One save is always due, as those are done when Home Assistant stops.
        """
        now = monotonic()
        if now < self._save_at and not self._soon:
            return
        delay = 0.0 if self._soon else _SAVE_INTERVAL
        self._soon = False
        # Not before that one is done, which would put it off.
        self._save_at = now + delay + 1
        self._store.async_delay_save(data, delay)

    async def async_save(self, data: dict[str, Any]) -> None:
        """Save this now."""
        await self._store.async_save(data)

    async def async_remove(self) -> None:
        """Forget everything: the config entry is removed."""
        await self._store.async_remove()
