"""Asks a CEMM for history: one request at a time, so that polling goes first."""

from collections import Counter as Tally
from collections.abc import Callable, Collection
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

from .periods import date_at, day_before, days, midnight
from .usage import Chapter, Day

# No CEMM is older.
_FIRST_YEAR = 2010

# What fails for itself alone this often is taken as never measured.
_ATTEMPTS = 4

_NOTHING = History({})


class Source:
    """The history of one CEMM's meters. Every method raises CemmError."""

    def __init__(self, client: CemmClient) -> None:
        """Remember whom to ask."""
        self._client = client
        self._failures: Tally[tuple[str, Period, date]] = Tally()

    async def months(
        self, alias: str, channels: Collection[str], today: date
    ) -> set[date]:
        """Return the first days of all months in which a meter counted something.

        ``channels`` are those of the year data that tell. The memory ends with
        the first year that holds nothing.
        """
        found: set[date] = set()
        for year in range(today.year, _FIRST_YEAR - 1, -1):
            history = await self._history(alias, Period.YEAR, date(year, 1, 1))
            counted = {
                date_at(sample.start).replace(day=1)
                for channel in channels
                for sample in history.channels.get(channel, ())
                if sample.value
            }
            if not counted:
                break
            found |= counted
        return found

    async def chapter(
        self,
        alias: str,
        first: date,
        last: date,
        today: date,
        on_day: Callable[[], None] = lambda: None,
    ) -> Chapter:
        """Return what is known of some days of a meter; calls ``on_day`` after each."""
        wanted = days(first, last)
        opening = await self._closing(alias, day_before(first))
        booked: dict[date, dict[str, float]] = {}
        for month in sorted({day.replace(day=1) for day in wanted if day < today}):
            booked |= await self._booked(alias, month)
        found: list[Day] = []
        for day in wanted:
            history = await self._history(alias, Period.DAY, day)
            # A day that is not over has no amount and no last reading yet.
            closing = await self._closing(alias, day) if day < today else None
            amounts = booked.get(day, {}) if day < today else {}
            found.append(Day.of(day, history, amounts, closing))
            on_day()
        return Chapter(found, opening)

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
        try:
            return await self._client.totals(alias, midnight(day))
        except NotConnectedError, UnsupportedAliasError:
            return None

    async def _history(self, alias: str, period: Period, day: date) -> History:
        try:
            return await self._client.history(alias, period, midnight(day))
        except NotConnectedError, UnsupportedAliasError:
            return _NOTHING
        except AuthenticationError:
            raise
        except CemmStatusError, CemmResponseError:
            self._failures[alias, period, day] += 1
            # Without the year data nothing would be left: that is never given up.
            if period is Period.YEAR or self._failures[alias, period, day] < _ATTEMPTS:
                raise
            return _NOTHING
