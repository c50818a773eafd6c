"""What is remembered of the meters across a restart of Home Assistant."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
import logging
import os
from time import monotonic
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
import voluptuous as vol

from custom_components.cemm.client import GROUPS, Measurement, is_number
from custom_components.cemm.const import DOMAIN

from .doubts import Doubt
from .guard import GroupState
from .meter import MeterTracker

_LOGGER = logging.getLogger(__name__)

# In seconds.
_SAVE_INTERVAL = 900.0

# The files call a group of registers by its first name.
_IN_FILES = {"tariffs": "registers"}

_UNREADABLE = (
    HomeAssistantError,
    NotImplementedError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    vol.Invalid,
)


class EntryFile(Store[dict[str, Any]]):
    """A file that belongs to a config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, name: str) -> None:
        super().__init__(hass, 1, f"{DOMAIN}.{entry.entry_id}.{name}")

    async def async_restore(self, restore: Callable[[dict[str, Any]], None]) -> None:
        """Hand over what was saved.

        What a newer version has written, or nobody knows who, is kept beside the file that
        takes its place.
        """
        try:
            if (stored := await self.async_load()) is not None:
                restore(stored)
        except _UNREADABLE as err:
            old = f"{self.path}.old"
            with suppress(FileNotFoundError):
                await self.hass.async_add_executor_job(os.replace, self.path, old)
            _LOGGER.warning(
                "%s holds what this version does not understand (%r). Starting without"
                " it; it is kept as %s",
                *(self.path, err, old),
            )


class MeterStore(EntryFile):
    """The file in which the meters of one CEMM are kept."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        super().__init__(hass, entry, "counters")
        self._save_at = 0.0
        self._soon = True

    async def async_saved(self) -> dict[str, Any]:
        """Return what was saved last."""
        found: dict[str, Any] = {}
        await self.async_restore(lambda stored: found.update(_FILE(stored)))
        return found

    def save_soon(self) -> None:
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
        self.async_delay_save(data, delay)


def tracker_as_json(tracker: MeterTracker) -> dict[str, Any]:
    """Return what to remember of a meter."""
    return {**groups_as_json(tracker.groups), "ended": dict(tracker.ended)}


def groups_as_json(groups: Mapping[str, GroupState]) -> dict[str, Any]:
    """Return what to remember of a meter's registers."""
    registers = {
        name: {"time": good.time, "value": good.value, "since": state.seen[name]}
        for state in groups.values()
        for name, good in state.good.items()
    }
    made = {
        _IN_FILES.get(group, group): {
            "from_totals": state.from_totals,
            "doubts": [asdict(doubt) for doubt in state.doubts],
        }
        for group, state in groups.items()
    }
    return {**registers, "groups": made}


def _number(value: float) -> float:
    if not is_number(value):
        raise vol.Invalid("no number")
    return value


def _measurement(value: Mapping[str, Any]) -> Measurement:
    return Measurement(value["time"], value["value"])


_NUMBERS = vol.Schema({str: _number})
_MEASUREMENT = vol.Schema({"time": int, "value": _number}, required=True)
_REGISTER = _MEASUREMENT.extend({"since": _number})
_DOUBT = vol.Schema(
    {
        "first": _NUMBERS,
        "newest": vol.Schema({str: vol.All(_MEASUREMENT, _measurement)}),
        "from_totals": bool,
        **dict.fromkeys(("began", "measured", "seen", "persisted"), _number),
        "measurements": int,
    },
    required=True,
)
_MADE = vol.Schema(
    {
        "from_totals": vol.Any(None, bool),
        "doubts": [vol.All(_DOUBT, lambda doubt: Doubt(**doubt))],
    },
    required=True,
)
_FILE = vol.Schema(
    {
        vol.Required("counters"): {str: object},
        vol.Optional("last_success"): _number,
        vol.Optional("types"): {str: vol.Any(str, None)},
    }
)


def restore_ended(stored: Any) -> dict[str, float]:
    """Return what the meter's channels showed last that it had once."""
    found = stored.get("ended") if isinstance(stored, dict) else None
    return _valid(_NUMBERS, found) or {}


def restore_groups(stored: Any) -> dict[str, GroupState]:
    """Return the registers that JSON was made of; what is damaged starts anew.

    An older version kept the registers alone.
    """
    if not isinstance(stored, dict):
        return {}
    made = stored.get("groups")
    made = made if isinstance(made, dict) else {}
    groups = {}
    for group, names in GROUPS.items():
        registers = {
            name: found
            for name in names
            if (found := _valid(_REGISTER, stored.get(name)))
        }
        how = _valid(_MADE, made.get(_IN_FILES.get(group, group))) or {}
        if registers:
            groups[group] = GroupState(
                {name: _measurement(found) for name, found in registers.items()},
                {name: found["since"] for name, found in registers.items()},
                how.get("from_totals"),
                tuple(how.get("doubts", ())),
            )
    return groups


def _valid(schema: vol.Schema, value: Any) -> dict[str, Any] | None:
    """Return what a schema makes of a value; None if it does not fit."""
    try:
        found: dict[str, Any] = schema(value)
    except vol.Invalid:
        return None
    return found
