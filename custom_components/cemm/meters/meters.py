"""Follows all meters of a CEMM, and tells the user what is remarkable."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
import json
import logging
from time import monotonic, time
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

from custom_components.cemm import issues
from custom_components.cemm.client import MAX_METERS, CemmError, Meter, Reading
from custom_components.cemm.devices import async_sensor
from custom_components.cemm.kinds import (
    SWAPPED_INPUTS,
    MeterKind,
    Options,
    is_watched,
    meter_kind,
)

from .breaks import Break, statistic_name
from .guard import Verdict
from .meter import FAILURES_TOLERATED, NO_CHANGE, Change, MeterData, MeterTracker
from .schedule import Schedule
from .silence import has_stopped
from .store import restore_ended, restore_groups, tracker_as_json

_ISSUES = {
    Verdict.REPLACED: issues.METER_REPLACED,
    Verdict.LEAPT: issues.METER_LEAPT,
    Verdict.REMADE: issues.METER_REMADE,
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
        options: Options,
        new_schedule: Callable[[], Schedule],
    ) -> None:
        super().__init__()
        self._hass = hass
        self._entry = entry
        self.options = options
        self._new_schedule = new_schedule
        self.stored: dict[str, Any] = {}
        """What `as_dict` returned before a restart."""

    @property
    def data(self) -> dict[str, MeterData]:
        """The state of every meter."""
        return {alias: tracker.data for alias, tracker in self.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return what to remember, also of meters that are gone: they may come back."""
        return self.stored | {
            alias: tracker_as_json(tracker) for alias, tracker in self.items()
        }

    def kind_of(self, meter: Meter) -> MeterKind:
        """Return what a meter measures, by its own word or the user's."""
        alias, mac = meter.alias, self._entry.unique_id or ""
        tracker = self.get(alias)
        has_volume = (tracker is not None and "volume" in tracker.data.registers) or (
            async_sensor(self._hass, mac, alias, "volume") is not None
        )
        return meter_kind(meter, self.options.volume_kinds, has_volume=has_volume)

    def watch(self, meter: Meter) -> None:
        """Begin to follow a meter, or anew if it has turned out to be of another kind."""
        if (tracker := self.get(meter.alias)) is None:
            stored = self.stored.get(meter.alias)
            self[meter.alias] = MeterTracker(
                meter,
                self.kind_of(meter),
                restore_groups(stored),
                restore_ended(stored),
                self._new_schedule(),
            )
            return
        tracker.data = replace(tracker.data, meter=meter)
        self._find_kind(tracker)

    def _find_kind(self, tracker: MeterTracker) -> None:
        kind = self.kind_of(tracker.data.meter)
        if kind is tracker.data.kind:
            return
        tracker.data = replace(tracker.data, kind=kind)
        if self._entry.state is ConfigEntryState.LOADED:
            # Its entities have to be others.
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)

    def forget(self, alias: str) -> None:
        """Stop following a meter that is gone, and remember its readings."""
        known = self.as_dict()
        self.stored = dict(list(known.items())[-MAX_METERS:])
        self.pop(alias, None)
        issues.async_clear_if(
            self._hass, self._entry, lambda _, gone, *__: gone == alias
        )

    def handle(self, alias: str, result: Reading | CemmError) -> Change:
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
            self._find_kind(tracker)
            if tracker.data.kind is MeterKind.PULSE:
                issues.async_raise(self._hass, self._entry, issues.VOLUME_KIND, alias)
            else:
                issues.async_clear(self._hass, self._entry, issues.VOLUME_KIND, alias)
        return change

    def _are_swapped(self, alias: str, change: Change) -> bool:
        """Whether a meter now shows the readings of the input that shares its name."""
        other = self.get(SWAPPED_INPUTS.get(alias, ""))
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
            issues.async_raise(self._hass, self._entry, issues.INPUTS_SWAPPED)
            return
        _LOGGER.warning(
            "%s: the readings of meter %s went from %s to %s, which is not counted as use",
            *(self._entry.title, alias),
            [each.before for each in change.breaks],
            [each.after for each in change.breaks],
        )
        issues.async_raise(
            self._hass,
            self._entry,
            _ISSUES[change.verdict],
            alias,
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

    def find_stopped(self, asked: Collection[str]) -> None:
        """Find the meters that have fallen silent, by the clock of the others.

        Only those that are asked regularly can be judged.
        """
        active = {
            alias: tracker.activity
            for alias, tracker in self.items()
            if alias in asked
            and tracker.activity
            and is_watched(alias, tracker.data.kind)
        }
        now = monotonic()
        for alias, tracker in self.items():
            # Nothing is known of a meter that does not answer.
            has_failed = tracker.failures or tracker.polling.is_asked_twice
            if alias in asked and (has_failed or not tracker.data.available):
                continue
            activity, was = active.get(alias), tracker.data.stopped
            stopped = has_stopped(activity, active.values(), now) if activity else False
            if stopped in (None, was):
                continue
            tracker.data = replace(tracker.data, stopped=stopped)
            if stopped:
                _LOGGER.warning("%s: meter %s has stopped", self._entry.title, alias)
                issues.async_raise(self._hass, self._entry, issues.METER_STOPPED, alias)
                continue
            if was:
                _LOGGER.info("%s: meter %s measures again", self._entry.title, alias)
            issues.async_clear(self._hass, self._entry, issues.METER_STOPPED, alias)
