"""What was done already, kept across restarts."""

from datetime import date
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from custom_components.cemm.const import DOMAIN

type Range = tuple[date | None, date | None]
"""The first and the last day to import; None: as far as possible."""


class Checkpoint:
    """The state of the work on one config entry; counters go by their names."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin with nothing done."""
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry_id}.history"
        )
        self.imported: set[str] = set()
        """The counters whose whole past has been imported."""
        self.complete: dict[str, int] = {}
        """Until which row (its start, Unix time) no hour is missing."""
        self.wanted: Range | None = None
        """What the user asked for and is not finished."""

    async def async_load(self) -> None:
        """Continue from what was saved."""
        stored = await self._store.async_load()
        if stored is None:
            return
        self.imported = set(stored["imported"])
        self.complete = stored["complete"]
        if wanted := stored["wanted"]:
            start, end = (date.fromisoformat(day) if day else None for day in wanted)
            self.wanted = (start, end)

    async def async_save(self) -> None:
        """Save all of it."""
        await self._store.async_save(
            {
                "imported": sorted(self.imported),
                "complete": self.complete,
                "wanted": [day.isoformat() if day else None for day in self.wanted]
                if self.wanted
                else None,
            }
        )

    async def async_want(self, wanted: Range | None) -> None:
        """Note what the user asked for, or that it is done."""
        self.wanted = wanted
        await self.async_save()

    async def async_remove(self) -> None:
        """Forget everything: the config entry is removed."""
        await self._store.async_remove()
