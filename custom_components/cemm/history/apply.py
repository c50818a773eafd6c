"""The one place in which rows of statistics are changed.

What to do is computed elsewhere, from rows that were just read. Whoever reads rows in order
to change them holds the lock of the `Reconciler` until that is stored, so that no two changes
cross; the recorder itself only ever adds rows at the end.
"""

from collections.abc import Sequence
from itertools import batched
from time import time

from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    async_import_statistics,
)
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import MINUTE

from .counters import Statistic
from .recorder import (
    SHORT_TERM,
    async_compiled_until,
    async_metadata,
    async_stored,
    unit_class,
)
from .rows import Row
from .want import Difference

# The most rows that the recorder gets at once: it has live ones to write too.
_AT_ONCE = 1000


async def async_apply(
    hass: HomeAssistant, statistic: Statistic, what: Difference
) -> None:
    """Do what makes rows as they should be, and wait until it is stored.

    The moves come first: if only they get done, the missing rows are missing still.
    Raises CemmError like `async_queue`.
    """
    await async_queue(hass, statistic, Difference(what.moves))
    for part in batched(what.rows, _AT_ONCE, strict=False):
        await async_queue(hass, statistic, Difference(rows=part))
        await async_stored(hass)
    await async_stored(hass)


async def async_queue(
    hass: HomeAssistant, statistic: Statistic, what: Difference
) -> None:
    """Have rows changed, after all that the recorder has to do.

    A move adds to all later sums, the live one too. Raises CemmError when the entity was
    renamed or removed meanwhile: nobody would ever find the rows. The next attempt knows
    the new name.
    """
    if not what:
        return
    metadata = await _async_metadata(hass, statistic)
    for move in what.moves:
        get_instance(hass).async_adjust_statistics(
            statistic.entity_id,
            dt_util.utc_from_timestamp(move.start),
            move.amount,
            statistic.unit,
        )
    if what.rows:
        async_import_statistics(hass, metadata, _data(statistic, metadata, what.rows))


async def async_begin_at(
    hass: HomeAssistant, statistic: Statistic, state: float
) -> None:
    """Make a reading the one that the recorder begins to count at, and wait until it is.

    It goes on from its newest short-term row: that of the newest five minutes that it
    has summarised, as it writes no other for them. Raises as `async_queue` does.
    """
    metadata = await _async_metadata(hass, statistic)
    newest = await async_compiled_until(hass)
    if newest is None:
        newest = (time() - MINUTE) // SHORT_TERM * SHORT_TERM
    data = _data(statistic, metadata, [Row(int(newest) - SHORT_TERM, state, 0.0)])
    get_instance(hass).async_import_statistics(metadata, data, StatisticsShortTerm)
    await async_stored(hass)


async def _async_metadata(
    hass: HomeAssistant, statistic: Statistic
) -> StatisticMetaData:
    """Return what the recorder has to be told of a statistic with its rows."""
    known = await async_metadata(hass, [statistic])
    if er.async_get(hass).async_get(statistic.entity_id) is None:
        raise CemmError(f"{statistic.entity_id} is gone, or has another name")
    # It may have been taken for a measurement once.
    return {**(known.get(statistic) or _new_metadata(hass, statistic)), "has_sum": True}


def _new_metadata(hass: HomeAssistant, statistic: Statistic) -> StatisticMetaData:
    """Return what the recorder itself will make of the sensor's first state."""
    state = hass.states.get(statistic.entity_id)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    return StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source="recorder",
        statistic_id=statistic.entity_id,
        unit_class=unit_class(statistic),
        unit_of_measurement=unit or statistic.unit,
    )


def _data(
    statistic: Statistic, metadata: StatisticMetaData, rows: Sequence[Row]
) -> list[StatisticData]:
    """Return rows in the unit in which they are stored."""
    unit = metadata["unit_of_measurement"]
    convert = STATISTIC_UNIT_TO_UNIT_CONVERTER[statistic.unit].converter_factory(
        statistic.unit, unit
    )
    return [
        StatisticData(
            start=dt_util.utc_from_timestamp(row.start),
            state=convert(row.state),
            sum=convert(row.sum),
        )
        for row in rows
    ]
