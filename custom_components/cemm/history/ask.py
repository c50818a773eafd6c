"""Asks a CEMM for history: one request at a time, so that polling goes first."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from time import time
from typing import Any

from custom_components.cemm.client import (
    CemmClient,
    CemmError,
    EmptyError,
    History,
    NotConnectedError,
    Period,
    UnsupportedAliasError,
)
from custom_components.cemm.days import DAY, ONE_DAY, date_at, days, midnight

from .profile import Day
from .questions import Question, Questions

# No CEMM is older.
FIRST_DAY = date(2010, 1, 1)

# Seconds for which it is believed that nothing is there, if it might still come.
_NOTHING_FOR = 7 * DAY
_RECENT = timedelta(days=31)

# No readings are looked for longer, nor is use spread over more days.
_LONGEST_DARK = timedelta(days=92)

_NOTHING = History({})


type Part = tuple[str, date, date]
"""An alias, a first and a last day."""


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
        self._questions = Questions(self._ask, is_away, on_failure)
        self._today = FIRST_DAY

    @property
    def failing(self) -> Mapping[Question, CemmError]:
        """The questions that failed the last time, and why."""
        return self._questions.failing

    async def months(
        self, alias: str, channels: Collection[str], today: date
    ) -> set[date]:
        """Return the first days of all months in which a meter counted something.

        ``channels`` are those of the year data that tell. The memory ends with the
        first year that holds nothing, except this one, which may have just begun.
        """
        self._forget_what_goes_on(today)
        while True:
            asked, found = self._told(alias, channels, today)
            if asked[-1] in self._questions.answers:
                self._questions.forget(asked.__contains__)
                return found
            await self._questions.async_ask(asked[-1:])
            if error := self.failing.get(asked[-1]):
                # Without it nothing of the meter would be left.
                raise error

    async def months_due(
        self, alias: str, channels: Collection[str], today: date
    ) -> float:
        """Ask ahead what tells a meter's months; return when to go on, 0: now."""
        self._forget_what_goes_on(today)
        while True:
            year = self._told(alias, channels, today)[0][-1:]
            if year[0] in self._questions.answers:
                return 0.0
            await self._questions.async_ask_ahead(year)
            if year[0] not in self._questions.answers:
                return self._questions.waits_until(year)

    def _told(
        self, alias: str, channels: Collection[str], today: date
    ) -> tuple[list[Question], set[date]]:
        """Return what tells in which months a meter counted, and in which it did.

        The last question is the one that is not answered yet, if there is one.
        """
        found, asked = set[date](), list[Question]()
        for year in range(today.year, FIRST_DAY.year - 1, -1):
            asked.append((alias, Period.YEAR, date(year, 1, 1)))
            if asked[-1] not in self._questions.answers:
                break
            history = self._questions.answers[asked[-1]] or _NOTHING
            counted = {
                date_at(sample.start).replace(day=1)
                for channel in channels
                for sample in history.channels.get(channel, ())
                if sample.value
            }
            if not counted and year < today.year:
                break
            found |= counted
        return asked, found

    async def meter_days(
        self,
        alias: str,
        first: date,
        last: date,
        today: date,
        on_day: Callable[[], None] = lambda: None,
        *,
        since: date | None = None,
    ) -> list[Day]:
        """Return what is known of some days of a meter; calls ``on_day`` after each.

        In front is the day before them, if it has last readings. These may be some
        minutes older than its end, and the next readings then contain what was used in
        those minutes. With ``since`` an older day may be in front.
        """
        self._forget_what_goes_on(today)
        wanted = days(first, last)
        past = [day for day in wanted if day < today]
        await self._questions.async_ask(self._asked_for(alias, first, last), on_day)
        if any(self._questions.answers.get((alias, None, day)) for day in past):
            wanted = [
                *await self._front(alias, first, since or first - ONE_DAY),
                *wanted,
            ]
        answers = self._questions.answers
        booked: dict[date, dict[str, float]] = {}
        for month in {day.replace(day=1) for day in past}:
            booked |= answers.get((alias, Period.MONTH, month)) or {}
        return [
            replace(
                answers.get((alias, Period.DAY, day)) or Day(day),
                amounts=booked.get(day, {}) if first <= day < today else {},
                closing=answers.get((alias, None, day)),
            )
            for day in wanted
        ]

    async def days_due(self, part: Part, on_day: Callable[[], None]) -> float:
        """Ask ahead for some days; return when to go on, 0: now."""
        await self._questions.async_ask_ahead(self._past_of(part), on_day)
        return self._questions.waits_until(self._past_of(part))

    async def ahead(
        self,
        parts: Iterable[Part],
        on_day: Callable[[], None],
        is_enough: Callable[[], bool],
    ) -> None:
        """Ask for what is likely to be wanted, while something else is waited for."""
        later = [question for part in parts for question in self._past_of(part)]
        await self._questions.async_ask_ahead(later, on_day, is_enough, is_wanted=False)

    def _past_of(self, part: Part) -> Iterator[Question]:
        """Yield the questions about days that are over: other answers are not kept."""
        return (asked for asked in self._asked_for(*part) if asked[2] < self._today)

    def _asked_for(self, alias: str, first: date, last: date) -> Iterator[Question]:
        """Yield the questions about some days of a meter."""
        wanted = days(first, last)
        months = dict.fromkeys(d.replace(day=1) for d in wanted if d < self._today)
        for month in months:
            yield alias, Period.MONTH, month
        for day in wanted:
            yield alias, Period.DAY, day
            # A day that is not over has no amount and no last reading yet.
            if self._client.totals_interval is not None and day < self._today:
                yield alias, None, day

    async def _front(self, alias: str, first: date, since: date) -> list[date]:
        """Return the days in front of others back to the newest one that has readings.

        Most often that is the day before. Only where the CEMM was off it is an older one.
        """
        oldest = max(since, first - _LONGEST_DARK)
        for eve in reversed(days(oldest, first - ONE_DAY)):
            await self._questions.async_ask([(alias, None, eve)])
            if self._questions.answers.get((alias, None, eve)):
                front = days(eve, first - ONE_DAY)
                await self._questions.async_ask(
                    (alias, Period.DAY, day) for day in front
                )
                return front
        return []

    def unknown(self, alias: str, some_days: Iterable[date]) -> dict[date, float]:
        """Return of which days not everything was answered, and the Unix time to ask again."""
        found = {}
        for day in some_days:
            of_day: Question = (alias, Period.DAY, day)
            if not self.failing.keys().isdisjoint(self._asked_for(alias, day, day)):
                found[day] = 0.0
            elif (
                self._questions.answers.get(of_day, _NOTHING) is None
                and self._today - day <= _RECENT
            ):
                found[day] = time() + _NOTHING_FOR
        return found

    def forget(self, alias: str, since: date) -> None:
        """Forget the answers about a meter's days since then: they were used."""
        self._questions.forget(lambda asked: asked[0] == alias and asked[2] >= since)

    def _forget_what_goes_on(self, today: date) -> None:
        """Forget what was answered about a day or a month that was not over then."""
        if today > self._today:
            self._questions.clear()
        self._today = today
        self._questions.forget(
            lambda asked: asked[2] >= today and asked[1] is not Period.YEAR
        )

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
