"""What the recorder has: rows of a statistic, read in its own unit."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from math import inf
from typing import Any, Literal

from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import StatisticMetaData
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
from sqlalchemy import BigInteger, Select, UnaryExpression, cast, func, select
from sqlalchemy.orm import Session

from custom_components.cemm.days import HOUR, MINUTE

from .counters import Statistic
from .rows import Row

type _Table = type[Statistics | StatisticsShortTerm]

type _Key = tuple[str, float]
"""The entity id and the start of a row."""

# How much time a short-term row stands for.
SHORT_TERM = 5 * MINUTE

# The recorder writes a short-term row within this time (seconds) after its start.
_IN_TIME = 2 * SHORT_TERM


async def async_hours(
    hass: HomeAssistant, statistic: Statistic, since: float, until: float | None = None
) -> list[Row]:
    """Return the rows that start between two Unix times, oldest first."""
    return (await _async_rows(hass, [statistic], since, until, "hour"))[statistic]


async def async_seen_hours[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S], since: float
) -> dict[S, list[Row]]:
    """Return the rows that start since a Unix time and are of hours seen to their end."""
    ids = [statistic.entity_id for statistic in statistics]
    unseen = await _async_unseen(hass, ids, since)
    found = await _async_rows(hass, statistics, since, None, "hour")
    return {
        statistic: [
            row for row in rows if (statistic.entity_id, row.start) not in unseen
        ]
        for statistic, rows in found.items()
    }


async def async_minutes(
    hass: HomeAssistant, statistic: Statistic, since: float
) -> list[Row]:
    """Return the short-term rows that start since a Unix time, oldest first."""
    return (await _async_rows(hass, [statistic], since, None, "5minute"))[statistic]


async def async_oldest_hour(hass: HomeAssistant, statistic: Statistic) -> Row | None:
    """Return the oldest row; there may be older ones without a sum."""
    return await _async_edge(hass, statistic, Statistics, Statistics.start_ts.asc())


async def async_newest_hour(
    hass: HomeAssistant, statistic: Statistic, before: float = inf
) -> Row | None:
    """Return the newest row that starts before a Unix time."""
    order = Statistics.start_ts.desc()
    return await _async_edge(hass, statistic, Statistics, order, before)


async def async_newest_minutes(
    hass: HomeAssistant, statistic: Statistic, before: float = inf
) -> Row | None:
    """Return the newest short-term row, which the live sum goes on from.

    There is none before the first one, and after an outage of many days.
    """
    order = StatisticsShortTerm.start_ts.desc()
    return await _async_edge(hass, statistic, StatisticsShortTerm, order, before)


async def async_compiled_until(hass: HomeAssistant) -> float | None:
    """Return the end of the newest five minutes that the recorder has summarised."""

    def find() -> datetime | None:
        with session_scope(hass=hass, read_only=True) as session:
            return session.scalar(select(func.max(StatisticsRuns.start)))

    start = await async_query(hass, find)
    if start is None:
        return None
    return start.replace(tzinfo=UTC).timestamp() + SHORT_TERM


async def _async_edge(
    hass: HomeAssistant,
    statistic: Statistic,
    table: _Table,
    order: UnaryExpression[float | None],
    before: float = inf,
) -> Row | None:
    """Return the first row in some order that starts before a Unix time."""

    def find() -> float | None:
        with session_scope(hass=hass, read_only=True) as session:
            query = (
                select(table.start_ts)
                .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
                .where(StatisticsMeta.statistic_id == statistic.entity_id)
                .where(table.state.is_not(None), table.sum.is_not(None))
            )
            if before < inf:
                query = query.where(table.start_ts < before)
            return session.scalar(query.order_by(order).limit(1))

    start = await async_query(hass, find)
    if start is None:
        return None
    period: Literal["hour", "5minute"] = "hour" if table is Statistics else "5minute"
    found = await _async_rows(hass, [statistic], start, start + 1, period)
    return found[statistic][0] if found[statistic] else None


async def _async_rows[S: Statistic](
    hass: HomeAssistant,
    statistics: Collection[S],
    since: float,
    until: float | None,
    period: Literal["hour", "5minute"],
) -> dict[S, list[Row]]:
    def read() -> dict[S, list[Row]]:
        # Years of rows take long to make: not in the event loop.
        found = statistics_during_period(
            hass,
            dt_util.utc_from_timestamp(since),
            dt_util.utc_from_timestamp(until) if until else None,
            {statistic.entity_id for statistic in statistics},
            period,
            {unit_class(statistic): statistic.unit for statistic in statistics},
            {"state", "sum"},
        )
        return {
            statistic: [
                Row(int(row["start"]), state, total)
                for row in found.get(statistic.entity_id, ())
                if (state := row.get("state")) is not None
                and (total := row.get("sum")) is not None
            ]
            for statistic in statistics
        }

    return await async_query(hass, read)


async def _async_unseen(
    hass: HomeAssistant, ids: Collection[str], since: float
) -> set[_Key]:
    """Return entity id and start of each hour whose end the recorder did not see.

    While a sensor is unavailable the recorder writes nothing: the row of the hour in
    which that began holds the last state before. And for the time that Home Assistant
    was off it repeats the last state, as soon as it runs again. Both are recognised by
    the newest short-term row of the hour; a row that is no copy of it was corrected since.
    """
    minutes = StatisticsShortTerm
    newest = (
        _rows_of(minutes, ids, func.max(minutes.start_ts), func.max(minutes.created_ts))
        .where(minutes.start_ts >= since)
        .group_by(
            StatisticsMeta.statistic_id, cast(minutes.start_ts, BigInteger) // HOUR
        )
    )

    def states(session: Session, table: _Table, starts: set[float]) -> dict[_Key, Any]:
        query = _rows_of(table, ids, table.start_ts, table.state)
        found = session.execute(query.where(table.start_ts.in_(starts)))
        return {(entity_id, start): state for entity_id, start, state in found}

    # No join of both tables: in years of hours MariaDB and PostgreSQL need minutes for it.
    def find() -> set[_Key]:
        with session_scope(hass=hass, read_only=True) as session:
            late = {
                (entity_id, start // HOUR * HOUR): (entity_id, start)
                for entity_id, start, created in session.execute(newest)
                if (start + SHORT_TERM) % HOUR or created > start + _IN_TIME
            }
            copied = states(session, minutes, {start for _, start in late.values()})
            copies = states(session, Statistics, {hour for _, hour in late})
        return {
            hour for hour, last in late.items() if copies.get(hour) == copied.get(last)
        }

    return await async_query(hass, find)


def _rows_of(table: _Table, ids: Collection[str], *columns: Any) -> Select[Any]:
    """Return a query of columns of some statistics' rows, after their ids."""
    is_theirs = StatisticsMeta.id == table.metadata_id
    query = select(StatisticsMeta.statistic_id, *columns).join(table, is_theirs)
    return query.where(StatisticsMeta.statistic_id.in_(ids))


async def async_query[T](hass: HomeAssistant, query: Callable[[], T]) -> T:
    """Run a query in the recorder's executor, and wait for its end even if cancelled.

    When Home Assistant stops, the recorder closes its connections: a query that is
    still running then crashes Python.
    """
    running = get_instance(hass).async_add_executor_job(query)
    try:
        return await asyncio.shield(running)
    finally:
        await asyncio.wait([running])


@callback
def async_stored(hass: HomeAssistant) -> asyncio.Future[None]:
    """Return a future that is done once the recorder has done all it was told so far.

    Its own `async_block_till_done` does not wait for what it is busy with.
    """
    future: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    return future


def unit_class(statistic: Statistic) -> str:
    """Return what Home Assistant calls the kind of unit of a statistic."""
    found = STATISTIC_UNIT_TO_UNIT_CONVERTER[statistic.unit].UNIT_CLASS
    assert found
    return found


async def async_convertible[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S]
) -> list[S]:
    """Return the statistics except those that have a foreign unit.

    They were made by something else under the same entity id. Home Assistant itself
    asks the user what to do about it.
    """
    known = await async_metadata(hass, statistics)
    return [
        statistic
        for statistic in statistics
        if statistic not in known
        or known[statistic]["unit_of_measurement"]
        in STATISTIC_UNIT_TO_UNIT_CONVERTER[statistic.unit].VALID_UNITS
    ]


async def async_metadata[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S]
) -> dict[S, StatisticMetaData]:
    """Return the metadata of those statistics that have any."""
    ids = {statistic.entity_id for statistic in statistics}
    known = await async_query(hass, lambda: get_metadata(hass, statistic_ids=ids))
    return {s: known[s.entity_id][1] for s in statistics if s.entity_id in known}
