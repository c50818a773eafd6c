"""Home Assistant's statistics of a counter, read and written in its own unit."""

from datetime import timedelta
from typing import Literal

from homeassistant.components.recorder.db_schema import Statistics, StatisticsMeta
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
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
from sqlalchemy import func, select

from .counters import Counter
from .periods import HOUR
from .rows import Row

# Longer than any restart takes; the recorder deletes short-term rows after days.
_RECENTLY = timedelta(days=1)


async def async_hours(
    hass: HomeAssistant, counter: Counter, since: float, until: float | None = None
) -> list[Row]:
    """Return the rows that start between two Unix times, oldest first."""
    return await _async_rows(hass, counter, since, until, "hour")


async def async_oldest_hour(hass: HomeAssistant, counter: Counter) -> Row | None:
    """Return a counter's oldest row."""

    def oldest_start() -> float | None:
        with session_scope(hass=hass, read_only=True) as session:
            return session.scalar(
                select(func.min(Statistics.start_ts))
                .join(StatisticsMeta, StatisticsMeta.id == Statistics.metadata_id)
                .where(StatisticsMeta.statistic_id == counter.entity_id)
            )

    start = await get_instance(hass).async_add_executor_job(oldest_start)
    if start is None:
        return None
    rows = await async_hours(hass, counter, start, start + HOUR)
    return rows[0] if rows else None


async def async_newest_minutes(hass: HomeAssistant, counter: Counter) -> Row | None:
    """Return the newest short-term row, which the live sum goes on from."""
    since = (dt_util.utcnow() - _RECENTLY).timestamp()
    rows = await _async_rows(hass, counter, since, None, "5minute")
    return rows[-1] if rows else None


async def _async_rows(
    hass: HomeAssistant,
    counter: Counter,
    since: float,
    until: float | None,
    period: Literal["hour", "5minute"],
) -> list[Row]:
    unit_class = STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].UNIT_CLASS
    assert unit_class
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        dt_util.utc_from_timestamp(since),
        dt_util.utc_from_timestamp(until) if until else None,
        {counter.entity_id},
        period,
        {unit_class: counter.unit},
        {"state", "sum"},
    )
    return [
        Row(int(row["start"]), state, total)
        for row in found.get(counter.entity_id, ())
        if (state := row.get("state")) is not None
        and (total := row.get("sum")) is not None
    ]


async def async_write(hass: HomeAssistant, counter: Counter, rows: list[Row]) -> None:
    """Add rows to a counter's statistics, and wait until they are stored."""
    known = await get_instance(hass).async_add_executor_job(
        lambda: get_metadata(hass, statistic_ids={counter.entity_id})
    )
    if counter.entity_id in known:
        _, metadata = known[counter.entity_id]
    else:
        metadata = _metadata(hass, counter)
    unit = metadata["unit_of_measurement"]
    convert = STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].converter_factory(
        counter.unit, unit
    )
    async_import_statistics(
        hass,
        metadata,
        [
            StatisticData(
                start=dt_util.utc_from_timestamp(row.start),
                state=convert(row.state),
                sum=convert(row.sum),
            )
            for row in rows
        ],
    )
    await async_stored(hass)


async def async_stored(hass: HomeAssistant) -> None:
    """Wait until the recorder has done all that it was told to.

    Its own `async_block_till_done` does not wait for what it is busy with.
    """
    future = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    await future


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
        unit_class=STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].UNIT_CLASS,
        unit_of_measurement=unit or counter.unit,
    )


async def async_lift(
    hass: HomeAssistant, counter: Counter, start: float, amount: float
) -> None:
    """Add an amount to all sums since a Unix time, and wait until that is stored."""
    get_instance(hass).async_adjust_statistics(
        counter.entity_id, dt_util.utc_from_timestamp(start), amount, counter.unit
    )
    await async_stored(hass)


def live_value(hass: HomeAssistant, counter: Counter) -> float | None:
    """Return a counter's present state in its own unit; None if it has none."""
    state = hass.states.get(counter.entity_id)
    if state is None:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    return STATISTIC_UNIT_TO_UNIT_CONVERTER[counter.unit].convert(
        value, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT), counter.unit
    )
