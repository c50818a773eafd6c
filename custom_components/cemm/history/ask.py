"""Asks a CEMM for history: one request at a time, so that polling goes first."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from time import time
from typing import Any

from custom_components.cemm.client import (
    AuthenticationError,
    CemmClient,
    CemmError,
    CemmResponseError,
    CemmStatusError,
    EmptyError,
    ForbiddenError,
    History,
    NotConnectedError,
    Period,
    UnsupportedAliasError,
)
from custom_components.cemm.days import DAY, date_at, day_before, days, midnight

from .profile import Day

# No CEMM is older.
FIRST_DAY = date(2010, 1, 1)

# Seconds until what failed is asked again, twice as many each time.
FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0

# So often a question is asked in one go; then it is left for a later look.
_TRIES = 7

# After so many failures in a row there are pauses for all questions,
# and after so many nothing is answered any more.
_PAUSE_AFTER = 3
_IN_VAIN = 10

# Seconds for which it is believed that nothing is there, if it might still come.
_NOTHING_FOR = 7 * DAY
_RECENT = timedelta(days=31)

_NOTHING = History({})


@contextmanager
def contained(alias: str, failed: dict[str, CemmError]) -> Iterator[None]:
    """Note in ``failed`` an error of the meter itself, and raise one of the CEMM."""
    try:
        yield
    except AuthenticationError:
        raise
    except (CemmStatusError, CemmResponseError) as err:
        failed[alias] = err


def raise_any(failed: Mapping[str, CemmError]) -> None:
    """Raise one of the errors noted, if there are any.

    That a meter is not connected is no error: it may be again, and is asked then.
    """
    for err in failed.values():
        if not isinstance(err, NotConnectedError):
            raise err


type Question = tuple[str, Period | None, date]
"""An alias, what of its history (None: its last readings) and a day."""


@dataclass(slots=True)
class _Failure:
    """Why a question has no answer so far, and when it is worth asking again."""

    error: CemmError
    times: int
    again_at: float
    """By the clock of the event loop."""


class HistoryReader:
    """The history of one CEMM's meters. Every method raises CemmError.

    An answer that came is kept until it is used. A question that failed is asked again
    soon, it alone, with others in between. If it goes on failing, it costs its own day.
    """

    def __init__(
        self,
        client: CemmClient,
        is_away: Callable[[], bool] = lambda: False,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """Remember whom to ask, and how to know that nobody is there to answer."""
        self._client = client
        self._is_away = is_away
        self._on_failure = on_failure
        self._answers: dict[Question, Any] = {}
        """What `_ask` returned: about 1.5 MB for a month of a meter."""
        self._today = FIRST_DAY
        self._failures: dict[Question, _Failure] = {}

    @property
    def failing(self) -> Mapping[Question, CemmError]:
        """The questions that failed the last time, and why."""
        return {asked: failure.error for asked, failure in self._failures.items()}

    async def months(
        self, alias: str, channels: Collection[str], today: date
    ) -> set[date]:
        """Return the first days of all months in which a meter counted something.

        ``channels`` are those of the year data that tell. The memory ends with the
        first year that holds nothing, except this one, which may have just begun.
        """
        found: set[date] = set()
        asked: list[Question] = []
        for year in range(today.year, FIRST_DAY.year - 1, -1):
            asked.append((alias, Period.YEAR, date(year, 1, 1)))
            await self._ask_all(asked[-1:])
            if failure := self._failures.get(asked[-1]):
                # Without it nothing of the meter would be left.
                raise failure.error
            history = self._answers[asked[-1]] or _NOTHING
            counted = {
                date_at(sample.start).replace(day=1)
                for channel in channels
                for sample in history.channels.get(channel, ())
                if sample.value
            }
            if not counted and year < today.year:
                break
            found |= counted
        for question in asked:
            del self._answers[question]
        return found

    async def meter_days(
        self,
        alias: str,
        first: date,
        last: date,
        today: date,
        on_day: Callable[[], None] = lambda: None,
    ) -> list[Day]:
        """Return what is known of some days of a meter; calls ``on_day`` after each.

        In front is the day before them, if it has last readings. These may be some
        minutes older than its end, and the next readings then contain what was used in
        those minutes.
        """
        self._forget_what_goes_on(today)
        wanted = days(first, last)
        past = [day for day in wanted if day < today]
        months = dict.fromkeys(day.replace(day=1) for day in past)
        has_totals = self._client.totals_interval is not None
        questions: list[Question] = [(alias, Period.MONTH, month) for month in months]
        for day in wanted:
            questions.append((alias, Period.DAY, day))
            # A day that is not over has no amount and no last reading yet.
            if has_totals and day < today:
                questions.append((alias, None, day))
        await self._ask_all(questions, on_day)
        if has_totals:
            eve = day_before(first)
            await self._ask_all([(alias, None, eve)])
            if self._answers.get((alias, None, eve)):
                await self._ask_all([(alias, Period.DAY, eve)])
                wanted.insert(0, eve)
        booked: dict[date, dict[str, float]] = {}
        for month in months:
            booked |= self._answers.get((alias, Period.MONTH, month)) or {}
        return [
            replace(
                self._answers.get((alias, Period.DAY, day)) or Day(day),
                amounts=booked.get(day, {}) if first <= day < today else {},
                closing=self._answers.get((alias, None, day)),
            )
            for day in wanted
        ]

    def unknown(self, alias: str, some_days: Iterable[date]) -> dict[date, float]:
        """Return of which days not everything was answered, and the Unix time to ask again."""
        found = {}
        for day in some_days:
            month = (alias, Period.MONTH, day.replace(day=1))
            of_day: Question = (alias, Period.DAY, day)
            if not self._failures.keys().isdisjoint(
                [month, of_day, (alias, None, day)]
            ):
                found[day] = 0.0
            elif self._answers.get(of_day, _NOTHING) is None and self._is_recent(day):
                found[day] = time() + _NOTHING_FOR
        return found

    def _is_recent(self, day: date) -> bool:
        return self._today - day <= _RECENT

    def forget(self, alias: str, since: date) -> None:
        """Forget the answers about a meter's days since then: they were used."""
        used = [q for q in self._answers if q[0] == alias and q[2] >= since]
        for question in used:
            del self._answers[question]

    def _forget_what_goes_on(self, today: date) -> None:
        """Forget what was answered about a day or a month that was not over then."""
        if today > self._today:
            self._answers.clear()
        self._today = today
        for question in [each for each in self._answers if each[2] >= today]:
            del self._answers[question]

    async def _ask_all(
        self, questions: Iterable[Question], on_day: Callable[[], None] = lambda: None
    ) -> None:
        """Ask until each has an answer, or goes on failing while others are answered.

        Raises CemmError when nothing is answered any more, or the CEMM is away.
        """
        asked = list(questions)
        wanted = [question for question in asked if question not in self._answers]
        error: CemmError | None = None
        in_vain = 0
        while wanted:
            question = min(wanted, key=self._due)
            await self._pause(question, in_vain)
            try:
                self._answers[question] = await self._ask(*question)
            except AuthenticationError, NotConnectedError:
                raise
            except CemmError as err:
                error, failure = err, self._note_failure(question, err)
                # From what goes on failing alone nothing follows for others.
                in_vain += failure.times <= _TRIES
                if in_vain >= _IN_VAIN or self._is_away():
                    raise
                if failure.times < _TRIES and not isinstance(err, ForbiddenError):
                    continue
            else:
                in_vain = 0
                self._failures.pop(question, None)
            wanted.remove(question)
            if question[1] is Period.DAY:
                on_day()
        if error and self._answers.keys().isdisjoint(asked):
            raise error

    def _due(self, question: Question) -> float:
        """Return when a question may be asked; what is due already is asked in order."""
        failure = self._failures.get(question)
        again_at = failure.again_at if failure else 0.0
        return again_at if again_at > _now() else 0.0

    async def _pause(self, question: Question, in_vain: int) -> None:
        """Wait until a question may be asked; what goes on failing is not waited for."""
        failure = self._failures.get(question)
        wait = 0.0
        if failure and failure.times < _TRIES:
            wait = failure.again_at - _now()
        if (more := in_vain - _PAUSE_AFTER) >= 0:
            wait = max(wait, FIRST_PAUSE * 2**more)
        if wait > 0:
            await asyncio.sleep(wait)

    def _note_failure(self, question: Question, err: CemmError) -> _Failure:
        known = self._failures.get(question)
        times = known.times if known else 0
        pause = min(FIRST_PAUSE * 2**times, _LONGEST_PAUSE)
        # Without the frames that it came through: it may be kept for long.
        error = err.with_traceback(None)
        self._failures[question] = _Failure(error, times + 1, _now() + pause)
        self._on_failure()
        return self._failures[question]

    async def _ask(self, alias: str, period: Period | None, day: date) -> Any:
        """Return what is kept of an answer; None if nothing is there."""
        start = midnight(day)
        try:
            async with self._client.pace.turn():
                if period is None:
                    reading = await self._client.totals(alias, start)
                    return reading if reading.channels else None
                history = await self._client.history(alias, period, start)
        except UnsupportedAliasError, EmptyError:
            return None
        except NotConnectedError:
            # Is only this not there? A CEMM that has just started may not know the meter yet:
            # then this fails too.
            await self._client.realtime(alias)
            return None
        match period:
            case Period.DAY:
                return Day.of(day, history, {})
            case Period.MONTH:
                return _by_day(history)
        return history


def _by_day(history: History) -> dict[date, dict[str, float]]:
    """Return the month data of each day, by channel."""
    booked: dict[date, dict[str, float]] = {}
    for channel, samples in history.channels.items():
        for sample in samples:
            if sample.value is not None:
                amounts = booked.setdefault(date_at(sample.start), {})
                amounts[channel] = sample.value
    return booked


def _now() -> float:
    return asyncio.get_running_loop().time()
