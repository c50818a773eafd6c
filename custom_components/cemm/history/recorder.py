"""What the recorder has: rows of a statistic, read in its own unit."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from math import inf
from time import time
from typing import Any

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
from sqlalchemy import Row as Found, Select, UnaryExpression, func, select

from custom_components.cemm.days import HOUR, MINUTE

from .counters import Statistic
from .rows import Row

# How much time a short-term row stands for.
SHORT_TERM = 5 * MINUTE

type Table = type[Statistics | StatisticsShortTerm]

HOURS: Table = Statistics
MINUTES: Table = StatisticsShortTerm
"""The short-term rows."""


async def async_rows(
    hass: HomeAssistant,
    statistic: Statistic,
    since: float,
    until: float | None = None,
    table: Table = HOURS,
) -> list[Row]:
    """Return the rows that start between two Unix times, oldest first."""
    # Years of rows take long to make: not in the event loop.
    return await async_query(
        hass, lambda: rows(hass, statistic, since, until, table=table)
    )


def rows(
    hass: HomeAssistant,
    statistic: Statistic,
    since: float,
    until: float | None = None,
    *,
    table: Table = HOURS,
) -> list[Row]:
    """Return the same in a thread that may wait for the database."""
    found = statistics_during_period(
        hass,
        dt_util.utc_from_timestamp(since),
        dt_util.utc_from_timestamp(until) if until else None,
        {statistic.entity_id},
        "hour" if table is HOURS else "5minute",
        {unit_class(statistic): statistic.unit},
        {"state", "sum"},
    )
    return [
        Row(int(row["start"]), state, total)
        for row in found.get(statistic.entity_id, ())
        if (state := row.get("state")) is not None
        and (total := row.get("sum")) is not None
    ]


async def async_joined(
    hass: HomeAssistant, statistic: Statistic, start: int, end: int
) -> list[Row]:
    """Return the hours between two Unix times, with the row before them.

    Before the first one of all that is the reading at which its sum began at 0.
    """
    found = await async_rows(hass, statistic, start - HOUR, end)
    is_first = found and found[0].start == start
    if is_first and not await async_newest(hass, statistic, before=start):
        return [Row(start - HOUR, found[0].state - found[0].sum, 0.0), *found]
    return found


async def async_oldest(
    hass: HomeAssistant, statistic: Statistic, table: Table = HOURS
) -> Row | None:
    """Return the oldest row; there may be older ones without a sum.

    One that is later than now is of a clock that was wrong.
    """
    return await _async_edge(hass, statistic, table, table.start_ts.asc(), time())


async def async_newest(
    hass: HomeAssistant,
    statistic: Statistic,
    table: Table = HOURS,
    before: float = inf,
) -> Row | None:
    """Return the newest row that starts before a Unix time.

    The live sum goes on from the newest short-term row. There is none before the first
    one, and after an outage of many days.
    """
    return await _async_edge(hass, statistic, table, table.start_ts.desc(), before)


async def async_compiled_until(hass: HomeAssistant) -> float | None:
    """Return the end of the newest five minutes that the recorder has summarised."""
    now = datetime.fromtimestamp(time(), UTC)
    query = select(func.max(StatisticsRuns.start)).where(StatisticsRuns.start <= now)
    ((start,),) = await async_execute(hass, query)
    return start.replace(tzinfo=UTC).timestamp() + SHORT_TERM if start else None


async def async_is_known(hass: HomeAssistant, since: float, until: float) -> bool:
    """Whether any row, of whatever statistic, starts between two Unix times."""
    starts = Statistics.start_ts
    query = select(Statistics.id).where(starts >= since, starts < until)
    return bool(await async_execute(hass, query.limit(1)))


async def async_execute(hass: HomeAssistant, query: Select[Any]) -> list[Found[Any]]:
    """Return the rows that a query of the database finds."""

    def find() -> list[Found[Any]]:
        with session_scope(hass=hass, read_only=True) as session:
            return list(session.execute(query))

    return await async_query(hass, find)


async def _async_edge(
    hass: HomeAssistant,
    statistic: Statistic,
    table: Table,
    order: UnaryExpression[float | None],
    before: float,
) -> Row | None:
    """Return the first row in some order that starts before a Unix time."""
    query = (
        select(table.start_ts)
        .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
        .where(StatisticsMeta.statistic_id == statistic.entity_id)
        .where(table.state.is_not(None), table.sum.is_not(None))
    )
    if before < inf:
        query = query.where(table.start_ts < before)
    for (start,) in await async_execute(hass, query.order_by(order).limit(1)):
        for row in await async_rows(hass, statistic, start, start + 1, table):
            return row
    return None


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


async def async_writable[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S]
) -> list[S]:
    """Return the statistics except those that are not recorded, or have a foreign unit.

    These were made by something else under the same entity id. Home Assistant itself
    asks the user what to do about it.
    """
    known = await async_metadata(hass, statistics)
    is_recorded = get_instance(hass).entity_filter or bool
    return [
        statistic
        for statistic in statistics
        if is_recorded(statistic.entity_id)
        and (
            statistic not in known
            or known[statistic]["unit_of_measurement"]
            in STATISTIC_UNIT_TO_UNIT_CONVERTER[statistic.unit].VALID_UNITS
        )
    ]


async def async_metadata[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S]
) -> dict[S, StatisticMetaData]:
    """Return the metadata of those statistics that have any."""
    ids = {statistic.entity_id for statistic in statistics}
    known = await async_query(hass, lambda: get_metadata(hass, statistic_ids=ids))
    return {s: known[s.entity_id][1] for s in statistics if s.entity_id in known}


async def async_scales[S: Statistic](
    hass: HomeAssistant, statistics: Collection[S]
) -> dict[S, float]:
    """Return of those that have rows how much of the unit of these is one of their own."""
    scales = {}
    for statistic, known in (await async_metadata(hass, statistics)).items():
        unit, stored = statistic.unit, known["unit_of_measurement"]
        converter = STATISTIC_UNIT_TO_UNIT_CONVERTER[unit]
        scales[statistic] = converter.convert(1.0, unit, stored)
    return scales
