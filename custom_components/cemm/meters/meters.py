"""Follows all meters of a CEMM, and tells the user what is remarkable."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
import json
import logging
from time import monotonic, time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.cemm.client import MAX_METERS, CemmError, Meter, Reading
from custom_components.cemm.devices import async_sensor
from custom_components.cemm.issues import (
    INPUTS_SWAPPED,
    METER_LEAPT,
    METER_REMADE,
    METER_REPLACED,
    METER_STOPPED,
    NEWS,
    VOLUME_KIND,
    async_clear,
    async_raise,
)
from custom_components.cemm.kinds import MeterKind, swapped_input

from .breaks import Break, statistic_name
from .guard import Verdict
from .meter import FAILURES_TOLERATED, NO_CHANGE, Change, MeterData, MeterTracker
from .schedule import Schedule
from .silence import is_stalled
from .store import restore_ended, restore_groups, tracker_as_json

_ISSUES = {
    Verdict.REPLACED: METER_REPLACED,
    Verdict.LEAPT: METER_LEAPT,
    Verdict.REMADE: METER_REMADE,
}

# How far a reading may have gone on (kWh) while the way to the CEMM was changed.
_MUCH_ALIKE = 50.0

_LOGGER = logging.getLogger(__name__)


class Meters(dict[str, MeterTracker]):
    """The meters of one CEMM, by alias."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        new_schedule: Callable[[], Schedule],
    ) -> None:
        """Start without meters."""
        super().__init__()
        self._hass = hass
        self._entry = entry
        self._new_schedule = new_schedule
        self._stored: dict[str, Any] = {}

    @property
    def data(self) -> dict[str, MeterData]:
        """The state of every meter."""
        return {alias: tracker.data for alias, tracker in self.items()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take what `as_dict` returned before a restart."""
        self._stored = stored

    def as_dict(self) -> dict[str, Any]:
        """Return what to remember, also of meters that are gone: they may come back."""
        return self._stored | {
            alias: tracker_as_json(tracker) for alias, tracker in self.items()
        }

    def watch(self, meter: Meter, kind: MeterKind) -> None:
        """Begin to follow a meter; reload if it has turned out to be of another kind."""
        if (tracker := self.get(meter.alias)) is None:
            stored = self._stored.get(meter.alias)
            self[meter.alias] = MeterTracker(
                meter,
                kind,
                restore_groups(stored),
                restore_ended(stored),
                self._new_schedule(),
            )
            return
        tracker.data = replace(tracker.data, meter=meter)
        if tracker.data.kind is not kind:
            # Its entities have to be others.
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)

    def forget(self, alias: str) -> None:
        """Stop following a meter that is gone, and remember its readings."""
        known = self.as_dict()
        self._stored = dict(list(known.items())[-MAX_METERS:])
        self.pop(alias, None)
        for key in (METER_STOPPED, *NEWS, VOLUME_KIND):
            async_clear(self._hass, self._entry, key, alias)

    def take(self, alias: str, result: Reading | CemmError) -> Change:
        """Hand a meter its answer, or the reason why there is none.

        Returns what it made clear.
        """
        tracker = self[alias]
        if isinstance(result, CemmError):
            tracker.fail()
            if tracker.failures == FAILURES_TOLERATED + 1:
                _LOGGER.warning(
                    "%s: no data of meter %s: %s", self._entry.title, alias, result
                )
            return NO_CHANGE
        if tracker.failures > FAILURES_TOLERATED:
            _LOGGER.info("%s: meter %s is back", self._entry.title, alias)
        had = tracker.data.channels
        change = tracker.read(result, time(), monotonic())
        if change.verdict in _ISSUES:
            self._tell(alias, change)
        if "volume" in result.channels and "volume" not in had:
            if tracker.data.kind is MeterKind.PULSE:
                self._raise(VOLUME_KIND, alias, fixable=True)
            else:
                async_clear(self._hass, self._entry, VOLUME_KIND, alias)
        return change

    def _are_swapped(self, alias: str, change: Change) -> bool:
        """Whether a meter now shows the readings of the input that shares its name."""
        other = self.get(swapped_input(alias) or "")
        if other is None:
            return False
        known = {statistic_name(alias, k): v for k, v in other.last_known.items()}
        return any(
            abs(each.after - known[each.name]) < abs(each.after - each.before)
            and abs(each.after - known[each.name]) <= _MUCH_ALIKE
            for each in change.breaks
            if known.get(each.name)
        )

    def _tell(self, alias: str, change: Change) -> None:
        """Tell the user once what was seen and not counted."""
        if self._are_swapped(alias, change):
            _LOGGER.warning("%s: inputs s02 and s03 changed places", self._entry.title)
            self._raise(INPUTS_SWAPPED, "", fixable=True, persistent=True)
            return
        _LOGGER.warning(
            "%s: the readings of meter %s went from %s to %s, which is not counted as use",
            *(self._entry.title, alias),
            [each.before for each in change.breaks],
            [each.after for each in change.breaks],
        )
        async_raise(
            self._hass,
            self._entry,
            _ISSUES[change.verdict],
            alias,
            fixable=True,
            persistent=True,
            data={"breaks": json.dumps([asdict(each) for each in change.breaks])},
            changes=self._lines(change.breaks),
        )

    def _lines(self, breaks: Sequence[Break]) -> Iterator[str]:
        """Yield for each sensor that is in use what it showed before and after."""
        for each in breaks:
            entity = async_sensor(self._hass, self._entry.unique_id or "", each.name)
            if entity and not entity.disabled:
                name = entity.name or entity.original_name
                unit = entity.unit_of_measurement or ""
                yield f"{name}: {each.before:.3f} → {each.after:.3f} {unit}"

    def find_stalled(self, asked: Collection[str]) -> None:
        """Find the meters that have fallen silent, by the clock of the others.

        Only those that are asked regularly can be judged.
        """
        active = {
            alias: activity
            for alias, tracker in self.items()
            if alias in asked and (activity := tracker.watched_activity)
        }
        now = monotonic()
        for alias, tracker in self.items():
            activity = active.get(alias)
            # A meter that does not answer tells nothing.
            if tracker.failures and activity:
                continue
            stalled = activity is not None and is_stalled(
                activity, active.values(), now
            )
            if stalled == tracker.data.stalled:
                continue
            tracker.data = replace(tracker.data, stalled=stalled)
            if stalled:
                _LOGGER.warning("%s: meter %s has stopped", self._entry.title, alias)
                self._raise(METER_STOPPED, alias)
            else:
                _LOGGER.info("%s: meter %s measures again", self._entry.title, alias)
                async_clear(self._hass, self._entry, METER_STOPPED, alias)

    def _raise(
        self, key: str, alias: str, *, fixable: bool = False, persistent: bool = False
    ) -> None:
        async_raise(
            self._hass,
            self._entry,
            key,
            alias,
            fixable=fixable,
            persistent=persistent,
        )
