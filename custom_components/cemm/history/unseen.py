"""Hours that have a row although the recorder did not see how they ended."""

from collections import defaultdict
from collections.abc import Collection

from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import session_scope
from sqlalchemy import and_, select

from custom_components.cemm.days import HOUR, MINUTE

from .counters import Counter
from .recorder import SHORT_TERM, async_query

# The recorder compiles a period this long (seconds) after its end, at the latest.
_IN_TIME = 5 * MINUTE


async def async_unseen_hours(
    hass: HomeAssistant, counters: Collection[Counter], since: float
) -> dict[Counter, set[int]]:
    """Return the starts of the hours whose end the recorder did not see.

    While a sensor is unavailable it writes nothing: the row of the hour in which that
    began holds the last state before. And for the time that Home Assistant was off
    it repeats the last state, as soon as it runs again. Either is known by the newest
    short-term row of the hour; a row that is no copy of it was corrected since.
    """
    statement = (
        select(
            StatisticsMeta.statistic_id,
            Statistics.start_ts,
            Statistics.state,
            StatisticsShortTerm.start_ts,
            StatisticsShortTerm.created_ts,
            StatisticsShortTerm.state,
        )
        .join(StatisticsMeta, StatisticsMeta.id == Statistics.metadata_id)
        .join(
            StatisticsShortTerm,
            and_(
                StatisticsShortTerm.metadata_id == Statistics.metadata_id,
                StatisticsShortTerm.start_ts >= Statistics.start_ts,
                StatisticsShortTerm.start_ts < Statistics.start_ts + HOUR,
            ),
        )
        .where(StatisticsMeta.statistic_id.in_([c.entity_id for c in counters]))
        .where(Statistics.start_ts >= since)
        .order_by(StatisticsShortTerm.start_ts)
    )

    def find() -> dict[Counter, set[int]]:
        with session_scope(hass=hass, read_only=True) as session:
            newest = {
                (row[0], int(row[1])): row[2:] for row in session.execute(statement)
            }
        unseen: dict[str, set[int]] = defaultdict(set)
        for (entity_id, hour), (state, period, created, copied) in newest.items():
            end = period + SHORT_TERM
            if state == copied and (end < hour + HOUR or created > end + _IN_TIME):
                unseen[entity_id].add(hour)
        return {counter: unseen[counter.entity_id] for counter in counters}

    return await async_query(hass, find)
