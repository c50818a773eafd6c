"""When to ask a CEMM what, and what a failure means."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from functools import partial
import logging
from math import inf
from time import monotonic, time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import (
    NOTHING_THERE,
    AuthenticationError,
    CemmClient,
    CemmError,
    CemmInfo,
    Reading,
)
from .const import DOMAIN
from .devices import async_registered_meters
from .discovery import async_look_for_lost
from .issues import as_text
from .kinds import Options
from .meters.asking import TOGETHER, Asker, Results
from .meters.breaks import Break
from .meters.meter import FAILURES_TOLERATED, MeterData
from .meters.meters import Meters
from .meters.schedule import LONGEST_BACK_OFF, Schedule
from .meters.store import MeterStore
from .outage import Oddities, Outage, WrongDeviceError
from .roster import Roster

_LOGGER = logging.getLogger(__name__)


class CemmCoordinator(DataUpdateCoordinator[Mapping[str, MeterData]]):
    """Polls one CEMM, each meter in step with its measurements; the data is by alias."""

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: CemmClient,
        note_breaks: Callable[[Collection[Break]], Awaitable[None]],
    ) -> None:
        """Prepare; breaks of statistics are noted before the new states are shown."""
        super().__init__(
            hass, _LOGGER, config_entry=entry, name=entry.title, always_update=False
        )
        assert entry.unique_id
        self.client = client
        self.mac = entry.unique_id
        self._note_breaks = note_breaks
        new_schedule = partial(
            Schedule, client.shortest_interval, client.longest_interval
        )
        self.options = Options.of(entry.options)
        self._meters = Meters(hass, entry, self.options, new_schedule)
        self.kind_of = self._meters.kind_of
        info = CemmInfo(entry.unique_id)
        self.roster = Roster(hass, entry, client, self._meters, self._find_odd, info)
        self._asker = Asker(hass, entry, client, self._meters, self._look_now)
        self._planned = inf
        self._requested = True
        self._wanted: list[str] = []
        """The meters that have enabled entities, or may get some."""
        self.oddities = Oddities(hass, entry)
        self._outage = Outage(hass, entry)
        self._totals_at = 0.0
        self._store = MeterStore(hass, entry)

    @override
    async def _async_setup(self) -> None:
        stored = await self._store.async_saved()
        self._meters.stored = stored.get("counters", {})
        # An older version kept the types as the devices' models.
        models = async_registered_meters(self.hass, self.config_entry)
        self.roster.types = stored.get("types", models)
        self._outage.last_success = stored.get("last_success", time())

    @override
    async def _async_update_data(self) -> Mapping[str, MeterData]:
        try:
            answered = await self._async_poll()
        except AuthenticationError as err:
            self._outage.refused(self.client)
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except CemmError as err:
            return self._after_failure(err)
        # What is asked once more in a second says nothing yet.
        if answered:
            self._outage.end()
            self.oddities.tell()
        self._store.save(self._data_to_save)
        due = self._next_due()
        longest = self.client.longest_interval
        self._planned = due if due < inf else monotonic() + longest
        return self._meters.data

    def _after_failure(self, err: CemmError) -> Mapping[str, MeterData]:
        """Keep the last data a few times; then raise UpdateFailed."""
        self._outage.failed(err)
        rest = min(err.retry_after or 0.0, LONGEST_BACK_OFF)
        self._planned = monotonic() + max(self.client.retry_interval, rest)
        wrong = isinstance(err, WrongDeviceError)
        if self.data is None or wrong or self._outage.failed_polls > FAILURES_TOLERATED:
            if self.last_update_success:
                async_look_for_lost(self.hass)
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="wrong_device" if wrong else "cannot_connect",
                translation_placeholders={"name": as_text(self.name)},
            ) from err
        _LOGGER.debug("%s: a poll failed: %r", self.name, err)
        return self.data

    def _find_odd(self) -> None:
        """Take note of what does not answer well, though the CEMM does."""
        odd = {**self.client.odd, **self._asker.odd}
        if self.roster.error:
            odd["info"] = self.roster.error
        self.oddities.look(odd)

    # When to ask

    def _find_wanted(self) -> None:
        """Find the meters that somebody looks at, once in a poll: it takes long."""
        used = set(self.async_contexts())
        data = self.data or {}
        self._wanted = [
            alias
            for alias in self._meters
            if alias in used or alias not in data or not data[alias].channels
        ]

    def _due(self) -> list[str]:
        """Return the meters to ask now: all of them, if somebody wants a refresh.

        Those that nobody looks at are only asked when the meters are listed.
        """
        if self._requested:
            return list(self._meters)
        now = monotonic()
        return [
            alias
            for alias in (self._meters if now >= self.roster.due else self._wanted)
            if self._meters[alias].schedule.due <= now + TOGETHER
        ]

    def _next_due(self) -> float:
        """Return when the next wanted meter is due."""
        return min((self._meters[a].schedule.due for a in self._wanted), default=inf)

    @callback
    def _look_now(self) -> None:
        """Fetch an answer that came late."""
        self._planned = monotonic()
        if self._listeners:
            self._schedule_refresh()

    @override
    @callback
    def _schedule_refresh(self) -> None:
        # The base class counts from the last full second and adds the same part of a second
        # each time, but each meter has a phase of its own.
        now = self.hass.loop.time()
        wait = max(self._planned - monotonic(), 0.0) + now % 1 - self._microsecond
        self.update_interval = timedelta(seconds=wait)
        super()._schedule_refresh()

    @override
    async def _async_refresh(
        self,
        log_failures: bool = True,
        raise_on_auth_failed: bool = False,
        scheduled: bool = False,
        raise_on_entry_error: bool = False,
    ) -> None:
        # A refresh that is not scheduled was asked for, even with polling disabled.
        self._requested = not scheduled
        await super()._async_refresh(
            log_failures, raise_on_auth_failed, scheduled, raise_on_entry_error
        )

    # Asking

    async def _async_poll(self) -> bool:
        """Ask who is due; returns whether anybody has answered, or nobody had to."""
        now = monotonic()
        # Even if something unexpected goes wrong, there is a pause before the next poll.
        self._planned = now + self.client.retry_interval
        # After a failure something else may answer at the address, and the answers that
        # other meters gave in that poll are lost.
        after_failure = bool(self._outage.failed_polls)
        if after_failure or not self.roster.due:
            await self.roster.async_identify(after_failure=after_failure)
            self._requested = True
        aliases = self._due()
        if self.client.totals_interval and now >= self._totals_at:
            await self._asker.async_totals()
            self._totals_at = monotonic() + self.client.totals_interval
            self._find_odd()
        results = await self._asker.async_readings(
            aliases, twice=self.data is not None and self.last_update_success
        )
        self._find_outage(results)
        await self._async_take(results)
        if aliases and not results:
            return False
        if self.roster.may_identify(self._next_due):
            await self.roster.async_identify(after_failure=after_failure)
        elif monotonic() >= self.client.again_at:
            await self._asker.async_aside([self.roster.async_ask_again()])
        self._find_wanted()
        self._meters.find_stopped(self._wanted)
        return True

    def _find_outage(self, results: Results) -> None:
        """Raise what is wrong with the CEMM, if no meter answers."""
        errors = [r for r in results.values() if isinstance(r, CemmError)]
        if not errors or len(errors) < len(results):
            return
        for error in errors:
            if not isinstance(error, NOTHING_THERE):
                raise error
        # All meters are gone, or something else answers at the address.
        if self.roster.error:
            raise self.roster.error
        self.roster.due = 0

    async def _async_take(self, results: Results) -> None:
        """Hand the meters their answers; note first what must not be lost."""
        breaks: list[Break] = []
        for alias, result in results.items():
            change = self._meters.handle(alias, result)
            breaks += change.breaks
            if change.must_last:
                self._store.save_soon()
            if isinstance(result, Reading) and not self._meters[alias].may_wait:
                self._meters[alias].schedule.limit_wait()
        if breaks:
            await self._note_breaks(breaks)
            await self._store.async_save(self._data_to_save())

    # Remembering

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and keep what is known."""
        await super().async_shutdown()
        if self.data is not None:
            await self._store.async_save(self._data_to_save())

    def _data_to_save(self) -> dict[str, Any]:
        return {
            "last_success": self._outage.last_success,
            "counters": self._meters.as_dict(),
            "types": self.roster.types,
        }
