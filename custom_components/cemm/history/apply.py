"""The one place in which rows of statistics are changed.

What to do is computed elsewhere, from rows that were just read. Whoever reads rows in order
to change them holds the lock of the `Reconciler` until that is stored, so that no two changes
cross; the recorder itself only ever adds rows at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from math import inf
from time import time
from typing import override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    adjust_statistics,
    get_metadata,
    import_statistics,
)
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from custom_components.cemm.client import CemmError
from custom_components.cemm.days import MINUTE

from .counters import Statistic
from .recorder import (
    HOURS,
    MINUTES,
    SHORT_TERM,
    Table,
    async_compiled_until,
    async_metadata,
    async_newest,
    async_rows,
    async_stored,
    rows,
    unit_class,
)
from .rows import Row
from .want import Difference, Move

# The most rows that the recorder gets at once: it has live ones to write too.
_AT_ONCE = 1000

# So often it is tried to have rows changed.
_TRIES = 3

# The noise of floats that were added.
_EXACT = 1e-6


async def async_apply(
    hass: HomeAssistant, statistic: Statistic, what: Difference
) -> None:
    """Do what makes rows as they should be, and see that it is done.

    The moves come first: if only they get done, the missing rows are missing still.
    Raises CemmError like `async_queue`, and when the recorder does not do it.
    """
    for move in what.moves:
        await _async_move(hass, statistic, move)
    for part in batched(what.rows, _AT_ONCE, strict=False):
        await async_write(hass, statistic, part)


async def async_write(
    hass: HomeAssistant, statistic: Statistic, rows: Sequence[Row]
) -> None:
    """Write rows at once; raises like `async_apply`."""
    left = rows
    first, last = min(rows).start, max(rows).end
    for _ in range(_TRIES):
        await async_queue(hass, statistic, Difference(rows=left))
        await async_stored(hass)
        found = await async_rows(hass, statistic, first, last)
        there = {row.start: row for row in found}
        left = [row for row in left if not row.is_like(there.get(row.start))]
        if not left:
            return
    raise CemmError(f"rows of {statistic.entity_id} were not written")


async def _async_move(hass: HomeAssistant, statistic: Statistic, move: Move) -> None:
    """Move sums, again where it was lost: a locked database makes the recorder go on."""
    table = MINUTES
    old = await async_newest(hass, statistic, table)
    if old is None or old.start < move.start:
        table, old = HOURS, await async_newest(hass, statistic)
    for _ in range(_TRIES):
        await async_queue(hass, statistic, Difference([move]))
        await async_stored(hass)
        new = await async_rows(hass, statistic, old.start, table=table) if old else []
        if not new or not old or abs(new[0].sum - old.sum) > abs(move.amount) / 2:
            return
    raise CemmError(f"sums of {statistic.entity_id} were not moved")


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
        get_instance(hass).queue_task(_WriteTask(statistic, metadata, what.rows))


async def async_prepend(
    hass: HomeAssistant,
    statistic: Statistic,
    mark: Row | None,
    origin: float,
    rows: Sequence[Row],
) -> None:
    """Have older rows written, and all sums moved such that they begin at 0 there.

    Home Assistant takes what was before the first row as 0: it would show a sum that begins
    below 0 as a fall. The ``mark`` is the short-term row that the live sum went on from;
    where there is none, rows that are there stay as they are. Raises as `async_queue` does.
    """
    if mark is None:
        await async_queue(hass, statistic, Difference(rows=rows))
        return
    metadata = await _async_metadata(hass, statistic)
    task = _PrependTask(statistic, metadata, rows, mark=mark, origin=origin)
    get_instance(hass).queue_task(task)


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
    begin = [Row(int(newest) - SHORT_TERM, state, 0.0)]
    get_instance(hass).queue_task(_WriteTask(statistic, metadata, begin, MINUTES))
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


@dataclass(slots=True)
class _WriteTask(RecorderTask):
    """Writes rows in the unit in which they are stored by then.

    The user may change that while they wait, and what is stored is converted then.
    """

    statistic: Statistic
    metadata: StatisticMetaData
    rows: Sequence[Row]
    table: Table = HOURS

    @override
    def run(self, instance: Recorder) -> None:
        """Write them; in the recorder's own thread."""
        entity_id = self.statistic.entity_id
        if found := get_metadata(instance.hass, statistic_ids={entity_id}):
            self.metadata["unit_of_measurement"] = found[entity_id][1][
                "unit_of_measurement"
            ]
        data = _data(self.statistic, self.metadata, self.rows)
        for _ in range(_TRIES):
            # It says no when it is worth trying again.
            if import_statistics(instance, self.metadata, data, self.table):
                return


@dataclass(slots=True)
class _PrependTask(_WriteTask):
    """Moves all sums such that they begin at 0 with the rows that it then writes.

    How much they were moved already is read in the same breath: that nothing is remembered
    of it makes good whatever the recorder has lost.
    """

    mark: Row = field(kw_only=True)
    """A short-term row of before: it tells by how much all sums were moved since."""
    origin: float = field(kw_only=True)
    """The sum before the first of the rows, as long as nothing is moved."""

    @override
    def run(self, instance: Recorder) -> None:
        """Write only what goes on as it should: the rest is written another time."""
        if not self._is_moved(instance):
            return
        end = self.rows[-1].end
        later = rows(instance.hass, self.statistic, end, end + 1)
        # A sum must not fall by the noise of floats either.
        most = later[0].sum if later else inf
        self.rows = [
            replace(row, sum=min(row.sum - self.origin, most)) for row in self.rows
        ]
        super(_PrependTask, self).run(instance)

    def _is_moved(self, instance: Recorder) -> bool:
        mark, statistic = self.mark, self.statistic
        for _ in range(_TRIES):
            there = rows(
                *(instance.hass, statistic, mark.start, mark.start + 1), table=MINUTES
            )
            if not there:
                break
            lift = mark.sum - self.origin - there[0].sum
            if abs(lift) <= _EXACT:
                return True
            start = dt_util.utc_from_timestamp(self.rows[0].start)
            adjust_statistics(
                instance, statistic.entity_id, start, lift, statistic.unit
            )
        return False


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
