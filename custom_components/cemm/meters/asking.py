"""Asking the meters of a CEMM: one that hangs, or answers oddly, costs no other."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
import logging
from time import monotonic, time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.cemm.client import (
    AuthenticationError,
    BusyError,
    CemmClient,
    CemmError,
    CemmTimeoutError,
    CemmUnreachableError,
    ForbiddenError,
    GatewayError,
    PromiseError,
    Reading,
    gather_or_raise,
)

from .schedule import Schedule

_LOGGER = logging.getLogger(__name__)

# Meters that are due this close together (seconds) are asked together.
TOGETHER = 0.02

# Seconds that a meter is left alone after a time-out, the first and each later time.
_PAUSES = (60.0, 300.0)

# Seconds that others wait for what has timed out before: long enough if it answers again.
_GRACE = 1.0

# The answering side is in trouble itself, or its way to the CEMM is; or it says no.
_BACK_OFF = (
    BusyError,
    CemmUnreachableError,
    ForbiddenError,
    GatewayError,
    PromiseError,
)

type Results = dict[str, Reading | CemmError]


class Asker:
    """Asks meters for their readings. Raises only what concerns the whole CEMM."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: CemmClient,
        schedules: Mapping[str, Schedule],
        on_late: Callable[[], None],
    ) -> None:
        """Remember whom to ask; `on_late` is called when a late answer can be fetched."""
        self._hass = hass
        self._entry = entry
        self._client = client
        self._schedules = schedules
        self._on_late = on_late
        self._failing: set[str] = set()
        self._timed_out: dict[str, int] = {}
        """How often in a row: these keep no other waiting, and rest longer each time."""
        self._under_way: set[str] = set()
        self._late: Results = {}
        self._refusal: AuthenticationError | None = None
        self._totals: dict[str, Reading] = {}
        self._told_twice: set[str] = set()
        """Whose `realtime` has all that the totals have: these need not be asked for."""
        self._totals_errors: dict[str, CemmError] = {}

    @property
    def odd(self) -> dict[str, CemmError]:
        """What did not answer well beside the meters themselves, and why."""
        return {f"{alias}/totals/": e for alias, e in self._totals_errors.items()}

    async def async_readings(
        self, aliases: Iterable[str], all_aliases: Collection[str]
    ) -> Results:
        """Return what these meters answer, and what came late meanwhile.

        If all of them fail, one that is not due shows whether it is the CEMM that fails.
        """
        slow = self._timed_out.keys()
        if slow >= {*all_aliases}:
            slow = {}.keys()
        asked = [alias for alias in aliases if alias not in slow]
        answers = await gather_or_raise(map(self._async_read, asked))
        results = dict(zip(asked, answers, strict=True))
        if results and _all_failed(results):
            well = {*all_aliases} - results.keys() - slow - self._failing
            if well:
                other = min(well, key=lambda alias: self._schedules[alias].due)
                results[other] = await self._async_read(other)
        now = monotonic() + TOGETHER
        await self.async_aside(
            self._async_read_late(alias)
            for alias in slow & {*aliases} - self._under_way
            if self._schedules[alias].due <= now
        )
        self._failing -= results.keys()
        self._failing |= {a for a, r in results.items() if isinstance(r, CemmError)}
        if not _all_failed(results):
            for alias, result in results.items():
                self._rest(alias, result)
        if refusal := self._refusal:
            self._refusal = None
            raise refusal
        late, self._late = self._late, {}
        return results | late

    async def async_totals(self, aliases: Iterable[str]) -> None:
        """Ask for what `realtime` leaves out; where that fails, the old ones stay."""
        aliases = {*aliases} - self._told_twice
        slow = {
            alias
            for alias, error in self._totals_errors.items()
            if isinstance(error, CemmTimeoutError)
        }
        await gather_or_raise(
            self._async_totals(alias) for alias in aliases if alias not in slow
        )
        await self.async_aside(map(self._async_totals, slow.intersection(aliases)))

    async def async_aside(self, questions: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Ask what may hang, and wait for it no longer than nobody minds."""
        tasks = [
            self._entry.async_create_background_task(
                self._hass, self._async_guarded(question), "CEMM question aside"
            )
            for question in questions
        ]
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE)

    async def _async_guarded(self, question: Coroutine[Any, Any, None]) -> None:
        try:
            await question
        except AuthenticationError as err:
            self._refusal = err
            self._on_late()
        except CemmError as err:
            _LOGGER.debug("Asked aside: %r", err)

    def forget(self, alias: str) -> None:
        """Forget a meter that is gone."""
        self._failing.discard(alias)
        self._told_twice.discard(alias)
        for known in (self._timed_out, self._late, self._totals, self._totals_errors):
            known.pop(alias, None)

    async def _async_read(self, alias: str) -> Reading | CemmError:
        """Return a meter's reading, or why this one meter has none."""
        schedule, asked = self._schedules[alias], monotonic()
        try:
            reading = await self._client.realtime(alias)
        except AuthenticationError:
            raise
        except CemmError as err:
            schedule.failed(asked, back_off=isinstance(err, _BACK_OFF))
            return err
        newest = max((m.time for m in reading.channels.values()), default=None)
        schedule.answered(newest, asked)
        if totals := self._totals.get(alias):
            self._told_twice.discard(alias)
            if totals.channels and totals.channels.keys() <= reading.channels.keys():
                self._told_twice.add(alias)
            channels = {**totals.channels, **reading.channels}
            return Reading(channels, reading.totals)
        return reading

    async def _async_totals(self, alias: str) -> None:
        try:
            self._totals[alias] = await self._client.totals(alias, int(time()))
        except AuthenticationError:
            raise
        except CemmError as err:
            self._totals_errors[alias] = err
        else:
            self._totals_errors.pop(alias, None)

    def _rest(self, alias: str, result: Reading | CemmError) -> None:
        """Leave a meter alone that timed out though the CEMM answers."""
        if isinstance(result, CemmTimeoutError):
            times = self._timed_out.get(alias, 0)
            self._timed_out[alias] = times + 1
            self._schedules[alias].due = monotonic() + _PAUSES[times > 0]
        else:
            self._timed_out.pop(alias, None)

    async def _async_read_late(self, alias: str) -> None:
        self._under_way.add(alias)
        self._schedules[alias].due = monotonic() + _PAUSES[0]
        try:
            result = await self._async_read(alias)
        finally:
            self._under_way.discard(alias)
        self._rest(alias, result)
        self._late[alias] = result
        self._on_late()


def _all_failed(results: Mapping[str, Reading | CemmError]) -> bool:
    return all(isinstance(result, CemmError) for result in results.values())
