"""Asks a CEMM for history: one request at a time, so that polling goes first."""

from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Collection
from datetime import date

from custom_components.cemm.client import (
    AuthenticationError,
    CemmClient,
    CemmResponseError,
    CemmStatusError,
    History,
    NotConnectedError,
    Period,
    Reading,
    UnsupportedAliasError,
)
from custom_components.cemm.days import date_at, day_before, days, midnight

from .usage import Day, MeterDays

# No CEMM is older.
FIRST_DAY = date(2010, 1, 1)

# What fails for itself alone this often is taken as never measured.
_ATTEMPTS = 4

_NOTHING = History({})

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
        """The day data of one day of each meter, that may be wanted again."""

    async def months(
        self, alias: str, channels: Collection[str], today: date
    ) -> set[date]:
        """Return the first days of all months in which a meter counted something.

        ``channels`` are those of the year data that tell. The memory ends with
        the first year that holds nothing, but for this one: it may have just begun.
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
    ) -> MeterDays:
        """Return what is known of some days of a meter; calls ``on_day`` after each."""
        wanted = days(first, last)
        booked: dict[date, dict[str, float]] = {}
        for month in sorted({day.replace(day=1) for day in wanted if day < today}):
            booked |= await self._booked(alias, month)
        found: list[Day] = []
        for day in wanted:
            history = await self._day(alias, day)
            # A day that is not over has no amount and no last reading yet.
            closing = await self._closing(alias, day) if day < today else None
            amounts = booked.get(day, {}) if day < today else {}
            found.append(Day.of(day, history, amounts, closing))
            on_day()
        return MeterDays(found, await self._eve(alias, day_before(first)))

    async def _eve(self, alias: str, day: date) -> Day | None:
        """Return the day before others, if it has last readings.

        Its day data is kept: the days before them may be wanted next.
        """
        closing = await self._closing(alias, day)
        if closing is None:
            return None
        history = await self._day(alias, day)
        self._kept[alias] = (day, history)
        return Day.of(day, history, {}, closing)

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
            # Is it only this that there is not? A CEMM that has just started may not
            # know the meter yet: that is no answer.
            await self._client.realtime(question[0])
            return None
        except AuthenticationError:
            raise
        except CemmStatusError, CemmResponseError:
            # As long as nothing at all is answered, it does not fail for itself alone.
            if self._failed_at.get(question) != self._answered:
                self._failed_at[question] = self._answered
                self._failures[question] += 1
            # Without the year data nothing would be left: that is never given up.
            if question[1] is Period.YEAR or self._failures[question] < _ATTEMPTS:
                raise
            return None
        self._answered += 1
        return found
