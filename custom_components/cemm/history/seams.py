"""Where the rows of a statistic do not follow each other as they should.

The database itself looks for them: it has many rows, and hardly ever one that is amiss.
"""

from collections.abc import Callable, Collection
from time import time
from typing import Any

from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.core import HomeAssistant
from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select

from custom_components.cemm.days import HOUR

from .counters import Counter, Statistic
from .recorder import (
    MINUTES,
    SHORT_TERM,
    Table,
    async_execute,
    async_newest,
    async_oldest,
)
from .rows import TOLERANCE, Hole, Row

# The recorder writes a short-term row within this time (seconds) after its start.
_IN_TIME = 2 * SHORT_TERM


async def async_gapless(
    hass: HomeAssistant, statistics: Collection[Statistic]
) -> set[str]:
    """Return the entity ids of those that have a row of each hour since the first one."""
    first, last = func.min(Statistics.start_ts), func.max(Statistics.start_ts)
    query = (
        select(StatisticsMeta.statistic_id)
        .join(Statistics, StatisticsMeta.id == Statistics.metadata_id)
        .where(StatisticsMeta.statistic_id.in_([s.entity_id for s in statistics]))
        .where(Statistics.start_ts < time())
        .group_by(StatisticsMeta.statistic_id)
        .having(func.count() * HOUR == last - first + HOUR)
    )
    return {found[0] for found in await async_execute(hass, query)}


async def async_seams(
    hass: HomeAssistant, counter: Counter, scale: float, *, everywhere: bool
) -> list[Hole]:
    """Return the neighbours whose hours do not follow each other as they should.

    Hours between them are missing or were not seen to their end; or the sum falls, or rises
    by more than it can. Unless it is looked ``everywhere``, that is in about the time of
    which there are short-term rows.
    """
    oldest = None if everywhere else await async_oldest(hass, counter, MINUTES)

    def is_odd(c: Any) -> ColumnElement[bool]:
        most = counter.max_rate * scale * (c.start - c.start_before)
        rise = c.sum - c.sum_before
        return or_(
            c.start - c.start_before > HOUR,
            rise < -TOLERANCE * scale,
            rise * HOUR > most,
        )

    since = oldest.start - 2 * HOUR if oldest else 0
    starts, unseen = Statistics.start_ts, await _async_unseen(hass, counter)
    where = starts >= since, starts.not_in(unseen)
    return await _async_pairs(hass, Statistics, (counter, scale), is_odd, *where)


async def async_restarts(
    hass: HomeAssistant, statistic: Statistic, scale: float
) -> list[Hole]:
    """Return the short-term rows whose sum is nearer to 0 than that of the row before.

    The first of all has the hour before it as its neighbour.
    """
    if (oldest := await async_oldest(hass, statistic, MINUTES)) is None:
        return []

    def is_odd(c: Any) -> ColumnElement[bool]:
        rise, change = c.sum - c.sum_before, c.state - c.state_before
        return and_(
            func.abs(c.sum) < func.abs(c.sum_before),
            func.abs(rise - change) > TOLERANCE * scale,
        )

    found = await _async_pairs(hass, MINUTES, (statistic, scale), is_odd)
    hour = await async_newest(hass, statistic, before=oldest.start - HOUR + 1)
    return [Hole(hour, oldest), *found] if hour else found


async def _async_unseen(hass: HomeAssistant, statistic: Statistic) -> list[int]:
    """Return the start of each hour whose end the recorder did not see.

    While a sensor is unavailable the recorder writes nothing: the row of the hour in
    which that began holds the last state before. And for the time that Home Assistant
    was off it repeats the last state, as soon as it runs again. Both are recognised by
    the newest short-term row of the hour; a row that is no copy of it was corrected since.
    Where Home Assistant came back right after the hour, that one is in time, and only the
    row before it, which shows the same, is not.
    """
    table, start = StatisticsShortTerm, StatisticsShortTerm.start_ts
    hour = cast(start, BigInteger) // HOUR * HOUR
    rows = (
        select(
            *(table.metadata_id, hour.label("hour"), start.label("start"), table.state),
            func.max(start).over(partition_by=hour).label("newest"),
            (table.created_ts > start + _IN_TIME).label("is_late"),
        )
        .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
        .where(StatisticsMeta.statistic_id == statistic.entity_id)
        .subquery()
    )
    same = (
        Statistics.metadata_id == rows.c.metadata_id,
        Statistics.start_ts == rows.c.hour,
        Statistics.state == rows.c.state,
    )
    query = (
        select(Statistics.start_ts)
        .join(rows, and_(*same))
        .where(rows.c.start >= rows.c.newest - SHORT_TERM)
        .where(or_(rows.c.newest + SHORT_TERM < rows.c.hour + HOUR, rows.c.is_late))
    )
    return [int(found[0]) for found in await async_execute(hass, query)]


async def _async_pairs(
    hass: HomeAssistant,
    table: Table,
    of: tuple[Statistic, float],
    is_odd: Callable[[Any], ColumnElement[bool]],
    *where: ColumnElement[bool],
) -> list[Hole]:
    """Return the neighbours of which something is true.

    ``of`` is the statistic and how much of the unit of its rows is one of its own.
    """
    start = table.start_ts
    values = {"start": start, "state": table.state, "sum": table.sum}
    rows = (
        select(
            *(value.label(name) for name, value in values.items()),
            *(
                func.lag(value).over(order_by=start).label(f"{name}_before")
                for name, value in values.items()
            ),
        )
        .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
        .where(StatisticsMeta.statistic_id == of[0].entity_id)
        .where(table.state.is_not(None), table.sum.is_not(None))
        # A row that is later than now is of a clock that was wrong.
        .where(start < time(), *where)
        .subquery()
    )
    query = select(rows).where(is_odd(rows.c)).order_by(rows.c.start)
    return [
        Hole(
            Row(int(found[3]), found[4] / of[1], found[5] / of[1]),
            Row(int(found[0]), found[1] / of[1], found[2] / of[1]),
        )
        for found in await async_execute(hass, query)
    ]
