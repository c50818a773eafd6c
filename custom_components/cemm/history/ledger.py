"""What the rows of the statistics cannot tell, kept across restarts."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from time import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import DAY
from custom_components.cemm.meters.breaks import Break

type Range = tuple[date | None, date | None]
"""The first and the last day to import; None: as far as possible."""

# Without a recorder, or with one that excludes the sensor, a break is never settled.
_KEPT_FOR = 10 * DAY


class Ledger:
    """The state of the work on one config entry; statistics go by their names."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with nothing done."""
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry.entry_id}.history"
        )
        self.imported: set[str] = set()
        """The counters whose whole past has been imported."""
        self.complete: dict[str, int] = {}
        """Until which row (its start, Unix time) no hour is missing."""
        self.wanted: Range | None = None
        """What the user asked for, until it is finished."""
        self.breaks: list[Break] = []
        """Those that are not settled yet, in order of time."""

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
        self.breaks = [Break(**each) for each in stored.get("breaks", ())]

    async def async_save(self) -> None:
        """Save all of it."""
        await self._store.async_save(
            {
                "imported": sorted(self.imported),
                "complete": self.complete,
                "wanted": [day.isoformat() if day else None for day in self.wanted]
                if self.wanted
                else None,
                "breaks": [asdict(each) for each in self.breaks],
            }
        )

    async def async_want(self, wanted: Range | None) -> None:
        """Note what the user asked for, or that it is done."""
        self.wanted = wanted
        await self.async_save()

    async def async_add(self, breaks: Collection[Break]) -> None:
        """Note breaks, which must be done before their new states are shown.

        One that is noted again with the user's word on it takes the place of the old one.
        """
        again = {(each.name, each.at) for each in breaks}
        kept = [
            each
            for each in self.breaks
            if (each.name, each.at) not in again and time() - each.at < _KEPT_FOR
        ]
        self.breaks = sorted([*kept, *breaks], key=lambda each: each.at)
        await self.async_save()

    async def async_forget(self, breaks: Collection[Break]) -> None:
        """Forget breaks that are settled."""
        self.breaks = [each for each in self.breaks if each not in breaks]
        await self.async_save()

    async def async_remove(self) -> None:
        """Forget everything: the config entry is removed."""
        await self._store.async_remove()
