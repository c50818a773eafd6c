"""What is asked of a CEMM, and how often."""

import asyncio
from collections import Counter as Tally
from datetime import date
from unittest.mock import patch

import pytest

from custom_components.cemm.client import (
    AuthenticationError,
    CemmError,
    GatewayError,
    History,
    Measurement,
    NotConnectedError,
    Pace,
    Period,
    Reading,
    Sample,
)
from custom_components.cemm.days import date_at, days, midnight
from custom_components.cemm.history import questions
from custom_components.cemm.history.ask import HistoryReader
from custom_components.cemm.history.look import Look

OCTOBER = (date(2025, 10, 30), date(2025, 10, 31))
NOVEMBER = (date(2025, 11, 1), date(2025, 11, 2))
TODAY = date(2025, 11, 10)


class Client:
    """A CEMM that only counts how often it is asked for a day."""

    def __init__(self, *, has_totals: bool) -> None:
        self.totals_interval = 300.0 if has_totals else None
        self.pace = Pace()
        self.asked: Tally[date] = Tally()

    async def history(self, alias: str, period: Period, start: int) -> History:
        if period is Period.DAY:
            self.asked[date_at(start)] += 1
        return History({})

    async def realtime(self, alias: str) -> Reading:
        return Reading({})

    async def totals(self, alias: str, time: int) -> Reading:
        return Reading({"t1": Measurement(time * 1000, 1.0)})


@pytest.mark.parametrize("has_totals", [True, False])
async def test_each_day_is_asked_for_once(has_totals: bool) -> None:
    """With the day before them: a last reading of that day says nothing without it."""
    client = Client(has_totals=has_totals)
    reader = HistoryReader(client)  # type: ignore[arg-type]
    found = [
        [each.day for each in await reader.meter_days("p1", *span, TODAY)]
        for span in (NOVEMBER, OCTOBER)
    ]
    eves = [[date(2025, 10, 31)], [date(2025, 10, 29)]] if has_totals else [[], []]
    assert found == [eves[0] + days(*NOVEMBER), eves[1] + days(*OCTOBER)]
    first = date(2025, 10, 29) if has_totals else OCTOBER[0]
    assert client.asked == Tally(days(first, NOVEMBER[1]))


class Faulty(Client):
    """A CEMM that fails where it is told to, and answers with some use otherwise."""

    def __init__(self, *, has_totals: bool = False) -> None:
        super().__init__(has_totals=has_totals)
        self.fails: set[tuple[Period | None, date]] = set()
        self.tried: Tally[tuple[Period | None, date]] = Tally()
        self.is_down = False
        self.error: CemmError = GatewayError(502)

    async def history(self, alias: str, period: Period, start: int) -> History:
        self._fail(period, start)
        return History({"volume": (Sample(start, 1.0),)})

    async def totals(self, alias: str, time: int) -> Reading:
        self._fail(None, time)
        return await super().totals(alias, time)

    def _fail(self, period: Period | None, start: int) -> None:
        self.tried[period, date_at(start)] += 1
        if self.is_down or (period, date_at(start)) in self.fails:
            raise self.error


async def attempts(reader: HistoryReader, most: int) -> int:
    """Return how often days are asked for in vain."""
    for n in range(most):
        try:
            await reader.meter_days("pulse-2", *NOVEMBER, TODAY)
        except CemmError:
            continue
        return n
    return most


@pytest.mark.parametrize("period", [Period.DAY, None, Period.MONTH], ids=str)
async def test_a_question_that_always_fails_costs_its_own_day(
    period: Period | None,
) -> None:
    """None: last readings. It is asked some times, and once at each later look."""
    client = Faulty(has_totals=True)
    bad = NOVEMBER[0] if period is Period.MONTH else NOVEMBER[1]
    client.fails.add((period, bad))
    reader = HistoryReader(client)  # type: ignore[arg-type]
    _eve, first, second = await reader.meter_days("pulse-2", *NOVEMBER, TODAY)
    assert first.closing
    assert first.minutes
    assert bool(second.closing) == (period is not None)
    assert bool(second.minutes) == (period is not Period.DAY)
    assert bool(first.amounts) == (period is not Period.MONTH)
    guessed = reader.unknown("pulse-2", NOVEMBER)
    assert set(guessed) == ({*NOVEMBER} if period is Period.MONTH else {bad})
    assert client.tried[period, bad] == 7
    answered = client.tried.total() - 7

    await reader.meter_days("pulse-2", *NOVEMBER, TODAY)
    assert client.tried[period, bad] == 8
    client.fails.clear()
    await reader.meter_days("pulse-2", *NOVEMBER, TODAY)
    assert not reader.unknown("pulse-2", NOVEMBER)
    assert client.tried.total() == answered + 9


async def test_nothing_is_given_up_while_nothing_is_answered() -> None:
    client = Faulty()
    reader = HistoryReader(client)  # type: ignore[arg-type]
    client.is_down = True
    assert await attempts(reader, 10) == 10
    client.is_down = False
    assert await attempts(reader, 1) == 0


async def test_a_refused_key_is_neither_given_up_nor_a_matter_of_one_meter() -> None:
    client = Faulty()
    client.error = AuthenticationError(403)
    client.fails.add((Period.DAY, NOVEMBER[0]))
    reader = HistoryReader(client)  # type: ignore[arg-type]
    assert await attempts(reader, 10) == 10
    look = Look([], now=0, newest=0, is_away=lambda: False)
    with pytest.raises(AuthenticationError), look.contained("pulse-2"):
        await reader.meter_days("pulse-2", *NOVEMBER, TODAY)
    assert not look.failed


@pytest.mark.parametrize("unused", [1, 2])
async def test_the_memory_reaches_back_beyond_a_year_that_has_just_begun(
    unused: int,
) -> None:
    """A car is not charged on 1 January, but a whole year without it is the end."""
    client = Client(has_totals=False)
    today = date(2026, 1, 1)
    last = today.year - unused

    async def history(alias: str, period: Period, start: int) -> History:
        year = date_at(start).year
        december = Sample(midnight(date(year, 12, 1)), 1.0 if year <= last else 0.0)
        return History({"volume": (december,) if year >= last - 2 else ()})

    client.history = history  # type: ignore[method-assign]
    found = await HistoryReader(client).months("pulse-2", ["volume"], today)  # type: ignore[arg-type]
    years = range(last, last - 3, -1) if unused == 1 else ()
    assert found == {date(year, 12, 1) for year in years}


@pytest.mark.parametrize("period", [Period.YEAR, Period.DAY], ids=str)
async def test_a_meter_that_is_not_known_yet_may_have_a_past(period: Period) -> None:
    client = Faulty()
    client.error = NotConnectedError(404)
    client.fails |= {(period, date(2025, 1, 1)), (period, NOVEMBER[0])}

    async def ask() -> None:
        reader = HistoryReader(client)  # type: ignore[arg-type]
        await reader.months("p1", ["volume"], TODAY)
        await reader.meter_days("p1", *NOVEMBER, TODAY)

    await ask()  # It has none, and does answer otherwise.
    with (
        patch.object(client, "realtime", side_effect=NotConnectedError(404)),
        pytest.raises(NotConnectedError),
    ):
        await ask()


async def test_days_say_until_when_they_have_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that can be asked is; one that failed is called so, as it will be wanted."""
    monkeypatch.setattr(questions, "FIRST_PAUSE", 0.05)
    client, counted = Faulty(), list[None]()
    reader = HistoryReader(client)  # type: ignore[arg-type]
    await reader.months_due("p1", ["volume"], TODAY)
    client.fails.add((Period.DAY, NOVEMBER[0]))

    async def due() -> float:
        return await reader.days_due(("p1", *NOVEMBER), lambda: counted.append(None))

    assert await due() > asyncio.get_running_loop().time()
    assert client.tried[Period.DAY, NOVEMBER[1]] == len(counted) == 1
    assert set(reader.failing) == {("p1", Period.DAY, NOVEMBER[0])}
    await due()
    assert client.tried[Period.DAY, NOVEMBER[0]] == 1, "it is not worth asking yet"
    await asyncio.sleep(0.05)
    client.fails.clear()
    assert await due() == 0
    assert client.tried[Period.DAY, NOVEMBER[0]] == len(counted) == 2
    assert not reader.failing

    client.is_down = True
    longer = ("p1", date(2025, 10, 29), OCTOBER[1])
    assert await reader.days_due(longer, lambda: None) == 0
    assert client.tried[Period.DAY, OCTOBER[1]] == 0, "nothing is answered any more"


async def test_months_say_until_when_they_have_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "FIRST_PAUSE", 0.05)
    client, year = Faulty(), (Period.YEAR, date(2025, 1, 1))
    reader = HistoryReader(client)  # type: ignore[arg-type]
    client.fails.add(year)
    assert await reader.months_due("p1", ["volume"], TODAY) > 0
    await asyncio.sleep(0.05)
    client.fails.clear()
    assert await reader.months_due("p1", ["volume"], TODAY) == 0
    client.tried.clear()
    await reader.months("p1", ["volume"], TODAY)
    assert not client.tried


async def test_it_is_asked_ahead_while_something_else_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until that is done, and what fails is asked again when it is wanted."""
    monkeypatch.setattr(questions, "FIRST_PAUSE", 0.01)
    client = Faulty()
    reader = HistoryReader(client)  # type: ignore[arg-type]
    await reader.meter_days("p1", *NOVEMBER, TODAY)
    client.fails.add((Period.DAY, OCTOBER[1]))
    stored: asyncio.Future[None] = asyncio.Future()
    counted: list[None] = []
    ahead = [("p1", *OCTOBER), ("p1", date(2025, 9, 30), date(2025, 9, 30))]
    asking = reader.ahead(ahead, lambda: counted.append(None), stored.done)
    with patch.object(client, "tried", Tally()) as tried:
        await asking
        assert not reader.failing, "it is not wanted yet"
        client.fails.clear()
        await reader.meter_days("p1", *OCTOBER, TODAY)
    assert len(counted) == 2
    assert tried[Period.DAY, OCTOBER[0]] == 1
    assert tried[Period.DAY, OCTOBER[1]] == 2
    assert tried[Period.DAY, date(2025, 9, 30)] == 1

    client.is_down = True
    client.tried.clear()
    lost = ("pulse-2", date(2025, 10, 1), OCTOBER[1])
    await reader.ahead([lost], lambda: None, stored.done)
    assert client.tried.total() == 3, "what answers nothing is waited for"

    client.is_down = False
    client.tried.clear()
    stored.set_result(None)
    await reader.ahead([("p1", *NOVEMBER)], lambda: None, stored.done)
    assert not client.tried


async def test_what_was_asked_ahead_in_vain_is_told_once_it_is_wanted() -> None:
    client = Faulty()
    reader = HistoryReader(client)  # type: ignore[arg-type]
    await reader.meter_days("p1", *NOVEMBER, TODAY)
    asked = ("p1", Period.DAY, OCTOBER[1])
    client.fails.add(asked[1:])
    await reader.ahead([("p1", *OCTOBER)], lambda: None, lambda: False)
    assert not reader.failing
    assert not reader.unknown("p1", days(*OCTOBER))
    with patch.object(questions, "FIRST_PAUSE", 0.001):
        await reader.meter_days("p1", *OCTOBER, TODAY)
    assert set(reader.failing) == {asked}
    assert reader.unknown("p1", days(*OCTOBER)) == {OCTOBER[1]: 0.0}
