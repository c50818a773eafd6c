"""What the hourly look at a healthy past costs the database: `python -m dev.benchmark.look [URL]`.

Prints JSON: the seconds that the recorder's threads worked for a look after the start and for
an hourly one, and how many statements of these wrote anything.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import json
import sys
import time
from typing import Any
from unittest.mock import patch

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    get_metadata,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.dt import utc_from_timestamp
from sqlalchemy import Engine, delete, event, insert, literal, select

from custom_components.cemm.days import DAY, HOUR, MINUTE, floor_hour
from custom_components.cemm.history.counters import Counter, counters
from custom_components.cemm.history.recorder import unit_class
from simulator import Clock, House, Simulator

from .home import Cemm, recorded, running_home
from .servers import mac, serving

_YEARS = 8
_COUNTERS = 8
_SHORT_TERM = 5 * MINUTE
_KEPT_FOR = 10 * DAY
"""How long the recorder keeps short-term rows."""


def house() -> list[Simulator]:
    """Return the CEMM of a house with eight counters."""
    built = House(mac=mac(0))
    built.meters = {a: built.meters[a] for a in ("p1", "p1-gas", "pulse-2")}
    return [Simulator(built, Clock())]


@dataclass(slots=True)
class Cost:
    """What the database has done."""

    seconds: float = 0
    writes: int = 0


async def measure(database: str | None) -> dict[str, Cost]:
    """Look twice at the past of a healthy house."""
    with serving(house) as served:
        async with running_home(database) as hass:
            cemm = Cemm(hass, served.hosts[0], mac(0))
            await cemm.add(every_sensor=False)
            history = cemm.entry.runtime_data.history
            look = history._async_catch_up  # noqa: SLF001  what the hourly timer calls
            await look()
            await _fill(hass, cemm)
            costs = {}
            for name in ("first", "hourly"):
                with _measured(hass) as costs[name]:
                    await look()
                    await recorded(hass)
    return costs


async def _fill(hass: HomeAssistant, cemm: Cemm) -> None:
    """Let the recorder have all hours of some years, and short-term rows of some days."""
    coordinator = cemm.entry.runtime_data.coordinator
    found = list(counters(hass, coordinator.mac, coordinator.data))
    assert len(found) == _COUNTERS, found
    last = floor_hour(time.time()) - HOUR
    for counter in found:
        row = StatisticData(start=utc_from_timestamp(last), state=0, sum=0)
        async_import_statistics(hass, _metadata(counter), [row])
    await recorded(hass)
    recorder = get_instance(hass)
    await recorder.async_add_executor_job(_insert, recorder, last)


def _metadata(counter: Counter) -> StatisticMetaData:
    return {
        "mean_type": StatisticMeanType.NONE,
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistic_id": counter.entity_id,
        "unit_class": unit_class(counter),
        "unit_of_measurement": counter.unit,
    }


def _insert(recorder: Recorder, last: int) -> None:
    """Insert the rows of one counter and copy them for the others."""
    ids = [key for key, _ in get_metadata(recorder.hass, statistic_type="sum").values()]
    now = int(time.time()) // _SHORT_TERM * _SHORT_TERM
    tables: list[tuple[type[Statistics | StatisticsShortTerm], range]] = [
        (Statistics, range(last - _YEARS * 365 * DAY, last + 1, HOUR)),
        (StatisticsShortTerm, range(now - _KEPT_FOR, now, _SHORT_TERM)),
    ]
    assert recorder.engine
    with recorder.engine.begin() as connection:
        connection.execute(delete(Statistics))
        for table, starts in tables:
            length = starts.step
            rows = [
                {
                    "metadata_id": ids[0],
                    "created_ts": start + length + 10,
                    "start_ts": start,
                    "state": (start + length) / DAY,
                    "sum": (start + length - last) / DAY,
                }
                for start in starts
            ]
            connection.execute(insert(table), rows)
            columns = [table.created_ts, table.start_ts, table.state, table.sum]
            of_first = select(*columns).where(table.metadata_id == ids[0])
            for other in ids[1:]:
                copy = of_first.add_columns(literal(other))
                names = [*columns, table.metadata_id]
                connection.execute(insert(table).from_select(names, copy))
        connection.execute(
            insert(StatisticsRuns), {"start": utc_from_timestamp(now - _SHORT_TERM)}
        )


@contextmanager
def _measured(hass: HomeAssistant) -> Iterator[Cost]:
    """Measure what the recorder's threads do for others, and how much is written."""
    cost = Cost()
    engine = get_instance(hass).engine
    add_job = Recorder.async_add_executor_job

    def timed_job(recorder: Recorder, job: Any, *args: Any) -> Any:
        def timed() -> Any:
            before = time.perf_counter()
            try:
                return job(*args)
            finally:
                cost.seconds += time.perf_counter() - before

        return add_job(recorder, timed)

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        cost.writes += not statement.startswith("SELECT") and "statistics" in statement

    assert isinstance(engine, Engine)
    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(Recorder, "async_add_executor_job", timed_job):
            yield cost
    finally:
        event.remove(engine, "before_cursor_execute", note)


def main() -> None:
    """Run the command."""
    database = sys.argv[1] if len(sys.argv) > 1 else None
    costs = asyncio.run(measure(database))
    print(json.dumps({name: [c.seconds, c.writes] for name, c in costs.items()}))


if __name__ == "__main__":
    main()
