"""Asking the meters of a CEMM: one that hangs, or answers oddly, costs no other."""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
)
from dataclasses import dataclass, field
import logging
from time import monotonic, time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.cemm.client import (
    NOTHING_THERE,
    AuthenticationError,
    BrokenOffError,
    BusyError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmStatusError,
    CemmTimeoutError,
    ForbiddenError,
    GatewayError,
    PromiseError,
    Reading,
)

from .meter import MeterTracker
from .schedule import LONGEST_BACK_OFF

_LOGGER = logging.getLogger(__name__)

# Meters that are due this close together (seconds) are asked together.
TOGETHER = 0.02

# Seconds that a meter is left alone after a time-out, the first and each later time.
_PAUSES = (60.0, 300.0)

# Seconds that others wait for what has timed out before: long enough if it answers again.
_GRACE = 1.0

# The answering side is in trouble itself, or its way to the CEMM is; or it says no.
_BACK_OFF = (BusyError, ForbiddenError, GatewayError, PromiseError)

# What may be chance, and what of it is not.
_CHANCE = (CemmStatusError, CemmResponseError, BrokenOffError)
_NO_CHANCE = (*NOTHING_THERE, BusyError, ForbiddenError)

# Seconds until a question that failed is asked once more.
_AGAIN_AFTER = 1.0

type Results = dict[str, Reading | CemmError]


@dataclass(slots=True)
class Asker:
    """Asks meters for their readings. Raises only what concerns the whole CEMM."""

    _hass: HomeAssistant
    _entry: ConfigEntry
    _client: CemmClient
    _meters: Mapping[str, MeterTracker]
    _on_late: Callable[[], None]
    """Called when there is something of `_late` to be fetched."""
    _late: Results = field(default_factory=dict)
    _refusal: AuthenticationError | None = None

    @property
    def odd(self) -> dict[str, CemmError]:
        """What did not answer well beside the meters themselves, and why."""
        return {
            f"{alias}/totals/": error
            for alias, meter in self._meters.items()
            if (error := meter.polling.totals_error)
        }

    async def async_readings(
        self, aliases: Iterable[str], *, twice: bool = False
    ) -> Results:
        """Return what these meters answer, and what came late meanwhile.

        With ``twice`` what fails by chance is asked once more before it counts. If all of
        them fail, one that is not due shows whether it is the CEMM that fails.
        """
        slow = {a for a, meter in self._meters.items() if meter.polling.timed_out}
        if len(slow) == len(self._meters):
            slow = set()
        asked = [alias for alias in aliases if alias not in slow]
        results = await self._async_all(self._async_read, asked)
        other = self._one_more({*results} | slow)
        if other and results and _all_failed(results):
            results[other] = await self._async_read(other)
        all_failed = _all_failed(results)
        # Those that timed out before are asked beside the others.
        now = monotonic() + TOGETHER
        await self.async_aside(
            self._async_read_late(alias)
            for alias in slow.intersection(aliases)
            if self._meters[alias].schedule.due <= now
        )
        for alias in self._to_ask_twice(results) if twice else ():
            del results[alias]
        if not all_failed:
            for alias, result in results.items():
                _rest(self._meters[alias], result)
        self._raise_refusal()
        late, self._late = self._late, {}
        return results | {a: late[a] for a in late if a in self._meters}

    async def _async_all[T](
        self, ask: Callable[[str], Awaitable[T]], aliases: Collection[str]
    ) -> dict[str, T]:
        """Return all answers, unless the key is refused.

        What is answered in turn needs one task, as long as nothing hangs.
        """
        answers: dict[str, T] = {}
        left = iter(aliases)

        async def ask_on() -> None:
            for alias in left:
                answers[alias] = await ask(alias)

        def ask_beside() -> None:
            for _ in aliases:
                group.create_task(ask_on())

        async with asyncio.TaskGroup() as group:
            wait = self._client.quick_answer
            timer = self._hass.loop.call_later(wait, ask_beside)
            try:
                await ask_on()
            finally:
                timer.cancel()
        self._raise_refusal()
        return {alias: answers[alias] for alias in aliases}

    def _raise_refusal(self) -> None:
        refusal, self._refusal = self._refusal, None
        if refusal:
            raise refusal

    def _to_ask_twice(self, results: Results) -> list[str]:
        """Return the meters whose failure does not count yet: they are asked once more.

        That is done in a moment of its own, and not where the CEMM itself is away.
        """
        is_away = len(results) > 1 and all(
            isinstance(result, CemmConnectionError) for result in results.values()
        )
        again = []
        for alias, result in results.items():
            meter = self._meters[alias]
            is_first = not meter.polling.is_asked_twice
            again_soon = is_first and not is_away and _is_worth_it(result)
            meter.polling.is_asked_twice = again_soon
            if again_soon:
                meter.schedule.due = monotonic() + _AGAIN_AFTER
                again.append(alias)
        return again

    def _one_more(self, but: Collection[str]) -> str | None:
        """Return the meter that is due next of those that answered well."""
        dues = {
            alias: meter.schedule.due
            for alias, meter in self._meters.items()
            if alias not in but and not meter.failures
        }
        return min(dues, key=dues.__getitem__, default=None)

    async def async_totals(self) -> None:
        """Ask for what `realtime` leaves out; where that fails, the old ones stay."""
        slow, wanted = list[str](), list[str]()
        for alias, meter in self._meters.items():
            if not meter.polling.realtime_tells_all:
                is_slow = isinstance(meter.polling.totals_error, CemmTimeoutError)
                (slow if is_slow else wanted).append(alias)
        await self._async_all(self._async_totals, wanted)
        await self.async_aside(map(self._async_totals, slow))

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
        except CemmError as err:
            _LOGGER.debug("Asked aside: %r", self._kept(err))
        if self._refusal:
            self._on_late()

    def _kept(self, err: CemmError) -> CemmError:
        """Return an error to be kept; one that concerns the whole CEMM is raised later."""
        if isinstance(err, AuthenticationError):
            self._refusal = err
        return err.with_traceback(None)

    async def _async_read(self, alias: str) -> Reading | CemmError:
        """Return a meter's reading, or why it has none."""
        meter, asked = self._meters[alias], monotonic()
        try:
            reading = await self._client.realtime(alias)
        except CemmError as err:
            counts = meter.polling.is_asked_twice or not _is_worth_it(err)
            back_off = counts and isinstance(err, _BACK_OFF)
            meter.schedule.failed(asked, back_off=back_off)
            rest = min(err.retry_after or 0.0, LONGEST_BACK_OFF)
            meter.schedule.due = max(meter.schedule.due, monotonic() + rest)
            return self._kept(err)
        polling = meter.polling
        if reading is not polling.reading:
            times = [measurement.time for measurement in reading.channels.values()]
            polling.reading, polling.newest = reading, max(times, default=None)
        meter.schedule.answered(polling.newest, asked)
        if totals := polling.totals:
            names = totals.channels.keys()
            polling.realtime_tells_all = (
                bool(names) and names <= reading.channels.keys()
            )
            channels = {**totals.channels, **reading.channels}
            return Reading(channels, reading.totals)
        return reading

    async def _async_totals(self, alias: str) -> None:
        polling = self._meters[alias].polling
        try:
            polling.totals = await self._client.totals(alias, int(time()))
            polling.totals_error = None
        except CemmError as err:
            polling.totals_error = self._kept(err)

    async def _async_read_late(self, alias: str) -> None:
        meter = self._meters[alias]
        meter.schedule.due = monotonic() + _PAUSES[1]
        self._late[alias] = result = await self._async_read(alias)
        _rest(meter, result)
        self._on_late()


def _is_worth_it(result: Reading | CemmError) -> bool:
    """Whether to ask again in a second, as that may have been chance."""
    return isinstance(result, _CHANCE) and not isinstance(result, _NO_CHANCE)


def _rest(meter: MeterTracker, result: Reading | CemmError) -> None:
    """Leave a meter alone that timed out though the CEMM answers."""
    if isinstance(result, CemmTimeoutError):
        meter.schedule.due = monotonic() + _PAUSES[meter.polling.timed_out > 0]
        meter.polling.timed_out += 1
    else:
        meter.polling.timed_out = 0


def _all_failed(results: Mapping[str, Reading | CemmError]) -> bool:
    return all(isinstance(result, CemmError) for result in results.values())
