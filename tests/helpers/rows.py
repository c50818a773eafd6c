"""Rows that are not as the recorder and the import left them, and rows as they should be."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from homeassistant.components.recorder import statistics as ha_statistics
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import StatisticData
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util import dt as dt_util
import pytest
from sqlalchemy import ColumnElement, delete

from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import (
    SHORT_TERM,
    async_metadata,
    async_stored,
)
from custom_components.cemm.history.rows import Row
from simulator import House

from .history import truth
from .past import Past


async def delete_rows(past: Past, *where: ColumnElement[bool], **tables: Any) -> None:
    """Delete rows behind the recorder's back, as if it had another database."""

    def work() -> None:
        with session_scope(hass=past.hass) as session:
            for table in tables.values():
                session.execute(delete(table).where(*where))
        instance.statistics_meta_manager.reset()
        cache = ha_statistics.get_short_term_statistics_run_cache(past.hass)
        cache._latest_id_by_metadata_id.clear()

    instance = get_instance(past.hass)
    await async_stored(past.hass)
    await instance.async_add_executor_job(work)


async def lose_database(past: Past) -> None:
    """Let the recorder begin with nothing."""
    await delete_rows(
        past,
        hours=Statistics,
        minutes=StatisticsShortTerm,
        runs=StatisticsRuns,
        meta=StatisticsMeta,
    )


async def assert_whole(past: Past) -> None:
    """See that all hours are there, and that a second look writes nothing."""
    rows = await past.rows()
    for name, counter in past.counters().items():
        assert rows[name][0].start == midnight(past.house.since), name
        assert_hours(past.house, counter, rows[name])
    await assert_settled(past)


async def assert_settled(past: Past) -> None:
    """See that another look finds nothing to do."""
    rows, asked = await past.rows(), len(past.sim.requests)
    await past.next_hour()
    assert await past.rows() == rows
    assert not [r for r in list(past.sim.requests)[asked:] if "/data/" in r.path]


def assert_hours(house: House, counter: Counter, rows: list[Row]) -> None:
    """See that each hour since the first one has its own use."""
    for old, row in pairwise([Row(rows[0].start - HOUR, 0.0, 0.0), *rows]):
        what = counter.name, old, row
        assert row.start == old.end, what
        assert row.sum >= old.sum - 1e-6, what
        used = truth(house, counter, row.end) - truth(house, counter, old.end)
        assert row.sum - old.sum == pytest.approx(used, rel=0.01, abs=0.01), what


async def write_minutes(past: Past, counter: Counter, hour: Row) -> None:
    """Write the last short-term row of an hour."""
    metadata = (await async_metadata(past.hass, [counter]))[counter]
    start = dt_util.utc_from_timestamp(hour.end - SHORT_TERM)
    data: StatisticData = {"start": start, "state": hour.state, "sum": hour.sum}
    get_instance(past.hass).async_import_statistics(
        metadata, [data], StatisticsShortTerm
    )

    def work() -> None:
        with session_scope(hass=past.hass) as session:
            created = {StatisticsShortTerm.created_ts: hour.end}
            session.query(StatisticsShortTerm).update(created)

    await async_stored(past.hass)
    await get_instance(past.hass).async_add_executor_job(work)


async def correct(past: Past, counter: Counter, start: int, amount: float) -> None:
    """Add to an hour's use, as in the developer tools."""
    get_instance(past.hass).async_adjust_statistics(
        counter.entity_id, dt_util.utc_from_timestamp(start), amount, counter.unit
    )
    await async_stored(past.hass)


def uncorrected(rows: list[Row], corrected: dict[int, float]) -> list[Row]:
    """Return rows as they would be without what the user added."""
    return [
        replace(row, sum=round(row.sum - added, 6))
        for row in rows
        for added in [sum(by for at, by in corrected.items() if at <= row.start)]
    ]
