"""Home Assistant's statistics of a counter, read and written in its own unit."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from time import time
from typing import Literal

from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    async_import_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
from sqlalchemy import UnaryExpression, select

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import MINUTE

from .counters import Counter
from .rows import Row

# How much time a short-term row stands for.
SHORT_TERM = 5 * MINUTE


async def async_hours(
    hass: HomeAssistant, counter: Counter, since: float, until: float | None = None
) -> list[Row]:
    """Return the rows that start between two Unix times, oldest first."""
    return (await _async_rows(hass, [counter], since, until, "hour"))[counter]


async def async_hours_since(
    hass: HomeAssistant, counters: Collection[Counter], since: float
) -> dict[Counter, list[Row]]:
    """Return the rows of some counters that start since a Unix time, oldest first."""
    return await _async_rows(hass, counters, since, None, "hour")


async def async_oldest_hour(hass: HomeAssistant, counter: Counter) -> Row | None:
    """Return a counter's oldest row; there may be older ones without a sum."""
    return await _async_edge(hass, counter, Statistics, Statistics.start_ts.asc())


async def async_newest_hour(hass: HomeAssistant, counter: Counter) -> Row | None:
    """Return a counter's newest row."""
    return await _async_edge(hass, counter, Statistics, Statistics.start_ts.desc())


async def async_newest_minutes(hass: HomeAssistant, counter: Counter) -> Row | None:
    """Return the newest short-term row, which the live sum goes on from.

    There is none before the first one, and after an outage of many days.
    """
    order = StatisticsShortTerm.start_ts.desc()
    return await _async_edge(hass, counter, StatisticsShortTerm, order)


async def _async_edge(
    hass: HomeAssistant,
    counter: Counter,
    table: type[Statistics | StatisticsShortTerm],
    order: UnaryExpression[float | None],
) -> Row | None:
    """Return the first row in some order."""

    def find() -> float | None:
        with session_scope(hass=hass, read_only=True) as session:
            return session.scalar(
                select(table.start_ts)
                .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
                .where(StatisticsMeta.statistic_id == counter.entity_id)
                .where(table.state.is_not(None), table.sum.is_not(None))
                .order_by(order)
                .limit(1)
            )

    start = await async_query(hass, find)
    if start is None:
        return None
    period: Literal["hour", "5minute"] = "hour" if table is Statistics else "5minute"
    found = await _async_rows(hass, [counter], start, start + 1, period)
    return found[counter][0] if found[counter] else None


async def _async_rows(
    hass: HomeAssistant,
    counters: Collection[Counter],
    since: float,
    until: float | None,
    period: Literal["hour", "5minute"],
) -> dict[Counter, list[Row]]:
    def read() -> dict[Counter, list[Row]]:
        # Years of rows take long to make: not in the event loop.
        found = statistics_during_period(
            hass,
            dt_util.utc_from_timestamp(since),
            dt_util.utc_from_timestamp(until) if until else None,
            {counter.entity_id for counter in counters},
            period,
            {_unit_class(counter): counter.unit for counter in counters},
            {"state", "sum"},
        )
        return {
            counter: [
                Row(int(row["start"]), state, total)
                for row in found.get(counter.entity_id, ())
                if (state := row.get("state")) is not None
                and (total := row.get("sum")) is not None
            ]
            for counter in counters
        }

    return await async_query(hass, read)


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


def _unit_class(counter: Counter) -> str:
    unit_class = STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].UNIT_CLASS
    assert unit_class
    return unit_class


async def async_convertible(
    hass: HomeAssistant, counters: Collection[Counter]
) -> list[Counter]:
    """Return the counters but for those whose statistics have a foreign unit.

    They were made by something else under the same entity id. Home Assistant itself
    asks the user what to do about it.
    """
    known = await _async_metadata(hass, counters)
    return [
        counter
        for counter in counters
        if counter not in known
        or known[counter]["unit_of_measurement"]
        in STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].VALID_UNITS
    ]


async def _async_metadata(
    hass: HomeAssistant, counters: Collection[Counter]
) -> dict[Counter, StatisticMetaData]:
    """Return the metadata of those counters that have statistics."""
    ids = {counter.entity_id for counter in counters}
    known = await async_query(hass, lambda: get_metadata(hass, statistic_ids=ids))
    return {c: known[c.entity_id][1] for c in counters if c.entity_id in known}


async def async_write(
    hass: HomeAssistant, counter: Counter, rows: Sequence[Row]
) -> None:
    """Add rows to a counter's statistics, and wait until they are stored.

    Raises CemmError like `async_queue_rows`.
    """
    await async_queue_rows(hass, counter, rows)
    await async_stored(hass)


async def async_begin_at(hass: HomeAssistant, counter: Counter, state: float) -> None:
    """Make a reading the one that the recorder begins to count at, and wait until it is.

    It goes on from its newest short-term row. That of the last five minutes but one
    is certainly past: it writes no other for them. Raises as `async_queue_rows` does.
    """
    newest = (time() - MINUTE) // SHORT_TERM * SHORT_TERM
    metadata, data = await _async_import_data(
        hass, counter, [Row(int(newest) - SHORT_TERM, state, 0.0)]
    )
    get_instance(hass).async_import_statistics(metadata, data, StatisticsShortTerm)
    await async_stored(hass)


async def async_queue_rows(
    hass: HomeAssistant, counter: Counter, rows: Sequence[Row], lift: float = 0.0
) -> None:
    """Have rows added to a counter's statistics, after all that the recorder has to do.

    Before that, ``lift`` is added to the sums of all rows after them, the live one
    too. Raises CemmError when the entity was renamed or removed meanwhile: nobody
    would ever find the rows. The next attempt knows the new name.
    """
    metadata, data = await _async_import_data(hass, counter, rows)
    if lift:
        _queue_lift(hass, counter, rows[0].start, lift)
    async_import_statistics(hass, metadata, data)


async def _async_import_data(
    hass: HomeAssistant, counter: Counter, rows: Sequence[Row]
) -> tuple[StatisticMetaData, list[StatisticData]]:
    """Return rows as the recorder takes them, which must be told of them at once."""
    known = await _async_metadata(hass, [counter])
    if er.async_get(hass).async_get(counter.entity_id) is None:
        raise CemmError(f"{counter.entity_id} is gone, or has another name")
    # It may have been taken for a measurement once.
    metadata: StatisticMetaData = {
        **(known.get(counter) or _metadata(hass, counter)),
        "has_sum": True,
    }
    unit = metadata["unit_of_measurement"]
    convert = STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].converter_factory(
        counter.unit, unit
    )
    return metadata, [
        StatisticData(
            start=dt_util.utc_from_timestamp(row.start),
            state=convert(row.state),
            sum=convert(row.sum),
        )
        for row in rows
    ]


@callback
def async_stored(hass: HomeAssistant) -> asyncio.Future[None]:
    """Return what is done once the recorder has done all that it was told to so far.

    Its own `async_block_till_done` does not wait for what it is busy with.
    """
    future: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    return future


def _metadata(hass: HomeAssistant, counter: Counter) -> StatisticMetaData:
    """Return what the recorder itself will make of the sensor's first state."""
    state = hass.states.get(counter.entity_id)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    return StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source="recorder",
        statistic_id=counter.entity_id,
        unit_class=_unit_class(counter),
        unit_of_measurement=unit or counter.unit,
    )


async def async_lift(
    hass: HomeAssistant, counter: Counter, start: float, amount: float
) -> None:
    """Add an amount to all sums since a Unix time, and wait until that is stored."""
    _queue_lift(hass, counter, start, amount)
    await async_stored(hass)


def _queue_lift(
    hass: HomeAssistant, counter: Counter, start: float, amount: float
) -> None:
    get_instance(hass).async_adjust_statistics(
        counter.entity_id, dt_util.utc_from_timestamp(start), amount, counter.unit
    )
