"""Follows all meters of a CEMM, and tells the user what is remarkable."""

from collections.abc import Collection, Mapping
from dataclasses import replace
import logging
from time import monotonic, time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.cemm.client import MAX_METERS, CemmError, Meter, Reading
from custom_components.cemm.issues import (
    METER_LEAPT,
    METER_REPLACED,
    METER_STOPPED,
    NEWS,
    VOLUME_KIND,
    async_clear,
    async_raise,
)
from custom_components.cemm.kinds import MeterKind

from .guard import Verdict
from .meter import FAILURES_TOLERATED, MeterData, MeterTracker, restore_counters
from .silence import is_stalled

_LOGGER = logging.getLogger(__name__)


class MeterWatcher:
    """Keeps what is known of each meter, by alias."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Start without meters."""
        self._hass = hass
        self._entry = entry
        self._trackers: dict[str, MeterTracker] = {}
        self._stored: dict[str, Any] = {}

    @property
    def data(self) -> Mapping[str, MeterData]:
        """The state of every meter."""
        return {alias: tracker.data for alias, tracker in self._trackers.items()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take what `as_dict` returned before a restart."""
        self._stored = stored

    def as_dict(self) -> dict[str, Any]:
        """Return what to remember, also of meters that are gone: they may come back."""
        return self._stored | {
            alias: tracker.as_dict() for alias, tracker in self._trackers.items()
        }

    def watch(self, meter: Meter, kind: MeterKind) -> None:
        """Begin to follow a meter, or anew if it has turned out to be of another kind."""
        if (tracker := self._trackers.get(meter.alias)) is None:
            counters = restore_counters(self._stored.get(meter.alias))
            self._trackers[meter.alias] = MeterTracker(meter, kind, counters)
        elif tracker.data.kind is not kind:
            # Its entities have to be others.
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)

    def forget(self, alias: str) -> None:
        """Stop following a meter that is gone, and remember its readings."""
        known = self.as_dict()
        self._stored = dict(list(known.items())[-MAX_METERS:])
        self._trackers.pop(alias, None)
        for key in (METER_STOPPED, *NEWS, VOLUME_KIND):
            async_clear(self._hass, self._entry, key, alias)

    def take(self, alias: str, result: Reading | CemmError) -> bool:
        """Hand a meter its answer, or the reason why there is none.

        Returns whether it made something clear that must be remembered.
        """
        tracker = self._trackers[alias]
        if isinstance(result, CemmError):
            tracker.fail()
            if tracker.failures == FAILURES_TOLERATED + 1:
                _LOGGER.warning(
                    "%s: no data of meter %s: %s", self._entry.title, alias, result
                )
            return False
        if tracker.failures > FAILURES_TOLERATED:
            _LOGGER.info("%s: meter %s is back", self._entry.title, alias)
        had = tracker.data.channels
        tracker.read(result, time(), monotonic())
        if tracker.news is Verdict.REPLACED:
            _LOGGER.warning("%s: meter %s was replaced", self._entry.title, alias)
            self._raise(METER_REPLACED, alias, fixable=True, persistent=True)
        elif tracker.news is Verdict.LEAPT:
            _LOGGER.warning("%s: meter %s leapt", self._entry.title, alias)
            self._raise(METER_LEAPT, alias, fixable=True, persistent=True)
        if "volume" in result.channels and "volume" not in had:
            if tracker.data.kind is MeterKind.PULSE:
                self._raise(VOLUME_KIND, alias, fixable=True)
            else:
                async_clear(self._hass, self._entry, VOLUME_KIND, alias)
        return tracker.news is not None

    def may_wait(self, alias: str) -> bool:
        """Whether a meter need not be asked before its next measurement is due."""
        return self._trackers[alias].may_wait

    def find_stalled(self, asked: Collection[str]) -> None:
        """Find the meters that have fallen silent, by the clock of the others.

        Only of those that are asked regularly that can be said.
        """
        active = {
            alias: activity
            for alias, tracker in self._trackers.items()
            if alias in asked and (activity := tracker.watched_activity)
        }
        now = monotonic()
        for alias, tracker in self._trackers.items():
            activity = active.get(alias)
            # Of a meter that does not answer, nothing is known.
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
