"""What the rows of the statistics cannot tell, kept across restarts."""

from collections import deque
from collections.abc import Collection, Mapping
from datetime import date
import logging
from time import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import voluptuous as vol

from custom_components.cemm.days import DAY
from custom_components.cemm.meters.breaks import Break
from custom_components.cemm.meters.store import EntryFile

from .counters import Statistic
from .want import Difference, Why

_LOGGER = logging.getLogger(__name__)

type Range = tuple[date | None, date | None]
"""The first and the last day to import; None: as far as possible."""

type Span = tuple[date, date]
"""The first day and the last one."""

# Without a recorder, or with one that excludes the sensor, a break is never settled.
_KEPT_FOR = 10 * DAY


_DAY = vol.All(str, date.fromisoformat)
_TIMES = {str: vol.Coerce(float)}
_FILE = vol.Schema(
    {
        # An older version did not know when, and so not either of which database.
        vol.Required("imported"): vol.Any(_TIMES, vol.All(list, lambda _: {})),
        vol.Required("wanted"): vol.Any(
            None, vol.All([vol.Any(None, _DAY)], vol.Coerce(tuple))
        ),
        "since": _TIMES,
        "settled": {str: int},
        "breaks": [vol.All(dict, lambda each: Break(**each))],
        "notes": {str: {str: vol.All([_DAY], vol.Coerce(tuple))}},
        "guesses": {str: {_DAY: vol.Coerce(float)}},
    },
    extra=vol.REMOVE_EXTRA,
)
_SAVED = [str(name) for name in _FILE.schema]


class Ledger:
    """The state of the work on one config entry; statistics go by their names."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with nothing done."""
        self._file = EntryFile(hass, entry, "history")
        self.imported: dict[str, float] = {}
        """When (Unix time) the whole past of a statistic was imported, by entity id."""
        self.since: dict[str, float] = {}
        """Since when (Unix time) a statistic is known to be of its counter, by entity id."""
        self.settled: dict[str, int] = {}
        """Until when (Unix time) late readings were put into their hours, by entity id."""
        self.mended: deque[str] = deque(maxlen=10)
        """What was put right last, and why."""
        self.wanted: Range | None = None
        """What the user asked for, until it is finished."""
        self.breaks: list[Break] = []
        """Those that are not settled yet, in order of time."""
        self.notes: dict[str, dict[str, Span]] = {}
        """By alias what of its past is not exact, and why."""
        self.guesses: dict[str, dict[date, float]] = {}
        """By alias the days that were imported without all of their data, and when
        (Unix time) it is worth asking for it again."""

    async def async_load(self) -> None:
        """Continue from what was saved."""
        await self._file.async_restore(
            lambda stored: self.__dict__.update(_FILE(stored))
        )

    async def async_save(self) -> None:
        """Save all of it."""
        data = {name: getattr(self, name) for name in _SAVED}
        await self._file.async_save(_as_json(data))

    def note(self, statistic: Statistic, why: Why, what: Difference) -> None:
        """Take note of what was put right, and tell."""
        starts = [*(m.start for m in what.moves), *(row.start for row in what.rows)]
        amount = sum(move.amount for move in what.moves)
        told = (
            f"{statistic.entity_id}: {why}: {len(what.rows)} hours written, {amount:+g}"
            f" in the sums since {dt_util.as_local(dt_util.utc_from_timestamp(min(starts)))}"
        )
        _LOGGER.info(told)
        self.mended.append(told)

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

    async def async_guess(self, alias: str, guessed: Mapping[date, float]) -> None:
        """Note days that were imported without all of their data, and when to ask again."""
        if guessed:
            self.guesses.setdefault(alias, {}).update(guessed)
            await self.async_save()

    async def async_note(self, alias: str, why: str, noted: Collection[date]) -> bool:
        """Note which days of a meter are not exact; returns whether that is new."""
        of_meter = self.notes.setdefault(alias, {})
        known = of_meter.get(why)
        of_meter[why] = span = (
            min(*noted, *known or noted),
            max(*noted, *known or noted),
        )
        if span == known:
            return False
        await self.async_save()
        return True

    async def async_know(self, alias: str, day: date) -> None:
        """Forget that a day was a guess: it was counted again."""
        del self.guesses[alias][day]
        if not self.guesses[alias]:
            del self.guesses[alias]
        await self.async_save()

    async def async_remove(self) -> None:
        """Forget everything: the config entry is removed."""
        await self._file.async_remove()


def _as_json(value: Any) -> Any:
    """Return the same with all days as text: not every kind of date is JSON."""
    match value:
        case date():
            return str(value)
        case dict():
            return {_as_json(key): _as_json(each) for key, each in value.items()}
        case list() | tuple():
            return [_as_json(each) for each in value]
    return value
