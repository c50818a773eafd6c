"""Asks a CEMM for history: one request at a time, so that polling goes first."""

from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from custom_components.cemm.client import (
    AuthenticationError,
    CemmClient,
    CemmError,
    CemmResponseError,
    CemmStatusError,
    History,
    NotConnectedError,
    Period,
    Reading,
    UnsupportedAliasError,
)
from custom_components.cemm.days import date_at, day_before, days, midnight

from .profile import Day

# No CEMM is older.
FIRST_DAY = date(2010, 1, 1)

# A question that fails this often while others are answered: nothing was measured.
_ATTEMPTS = 4

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


type _Question = tuple[str, Period | None, date]
"""An alias, what of its history (None: its last readings) and a day."""


class HistoryReader:
    """The history of one CEMM's meters. Every method raises CemmError."""

    def __init__(self, client: CemmClient) -> None:
        """Remember whom to ask."""
        self._client = client
        self._answered = 0
        self._failures: Tally[_Question] = Tally()
        self._failed_at: dict[_Question, int] = {}
        """How many questions had been answered when one failed the last time."""
        self._kept: dict[str, tuple[date, History]] = {}
        """The day data of one day of each meter, which may be wanted again."""

    async def months(
        self, alias: str, channels: Collection[str], today: date
    ) -> set[date]:
        """Return the first days of all months in which a meter counted something.

        ``channels`` are those of the year data that tell. The memory ends with the
        first year that holds nothing, except this one, which may have just begun.
        """
        found: set[date] = set()
        for year in range(today.year, FIRST_DAY.year - 1, -1):
            history = await self._history(alias, Period.YEAR, date(year, 1, 1))
            counted = {
                date_at(sample.start).replace(day=1)
                for channel in channels
                for sample in history.channels.get(channel, ())
                if sample.value
            }
            if not counted and year < today.year:
                break
            found |= counted
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
        wanted = days(first, last)
        booked: dict[date, dict[str, float]] = {}
        for month in sorted({day.replace(day=1) for day in wanted if day < today}):
            booked |= await self._booked(alias, month)
        found = []
        for day in wanted:
            history = await self._day(alias, day)
            # A day that is not over has no amount and no last reading yet.
            closing = await self._closing(alias, day) if day < today else None
            amounts = booked.get(day, {}) if day < today else {}
            found.append(Day.of(day, history, amounts, closing))
            on_day()
        eve = day_before(first)
        if closing := await self._closing(alias, eve):
            history = await self._day(alias, eve)
            # The days up to this one may be wanted next.
            self._kept[alias] = (eve, history)
            found.insert(0, Day.of(eve, history, {}, closing))
        return found

    async def _day(self, alias: str, day: date) -> History:
        kept_day, kept = self._kept.get(alias, (None, _NOTHING))
        if kept_day == day:
            return kept
        return await self._history(alias, Period.DAY, day)

    async def _booked(self, alias: str, month: date) -> dict[date, dict[str, float]]:
        """Return the month data of each day, by channel."""
        history = await self._history(alias, Period.MONTH, month)
        booked: dict[date, dict[str, float]] = {}
        for channel, samples in history.channels.items():
            for sample in samples:
                if sample.value is not None:
                    amounts = booked.setdefault(date_at(sample.start), {})
                    amounts[channel] = sample.value
        return booked

    async def _closing(self, alias: str, day: date) -> Reading | None:
        """Return the last readings of a day, where the API has them."""
        if self._client.totals_interval is None:
            return None
        reading = await self._answer(
            self._client.totals(alias, midnight(day)), (alias, None, day)
        )
        return reading if reading and reading.channels else None

    async def _history(self, alias: str, period: Period, day: date) -> History:
        history = await self._answer(
            self._client.history(alias, period, midnight(day)), (alias, period, day)
        )
        return history or _NOTHING

    async def _answer[T](self, answer: Awaitable[T], question: _Question) -> T | None:
        """Return an answer; None if there is none, or if it failed too often."""
        try:
            found = await answer
        except UnsupportedAliasError:
            return None
        except NotConnectedError:
            # Is only this not there? A CEMM that has just started may not know the meter yet:
            # then this fails too.
            await self._client.realtime(question[0])
            return None
        except AuthenticationError:
            raise
        except CemmStatusError, CemmResponseError:
            # As long as nothing else is answered, the fault is not this question's.
            if self._failed_at.get(question) != self._answered:
                self._failed_at[question] = self._answered
                self._failures[question] += 1
            # The year data is never given up: without it nothing would be left.
            if question[1] is Period.YEAR or self._failures[question] < _ATTEMPTS:
                raise
            return None
        self._answered += 1
        return found
