"""A year of a house with five meters, through both APIs, hour by hour against the truth.

Too long for the suite: `scripts/test tests/history/year.py` takes some ten minutes.
"""

from datetime import date
import faulthandler
from itertools import groupby, pairwise

import pytest

from custom_components.cemm.days import HOUR, date_at, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.helpers.history import NEWEST, assert_seamless, assert_true, truth
from tests.helpers.past import Past

# With both kinds of days that do not have 24 hours, one of them twice.
SINCE = date(2024, 10, 20)


@pytest.fixture
def house() -> House:
    return House(seed=1, since=SINCE)


@pytest.mark.parametrize("past", ["local", "remote"], indirect=True)
async def test_a_year(past: Past) -> None:
    # It is meant to take long.
    faulthandler.cancel_dump_traceback_later()
    past.wish()
    await past.settle()
    imported = await past.rows()
    for rows in imported.values():
        assert (rows[0].start, rows[-1].end) == (midnight(SINCE), NEWEST)

    # A second run has nothing to write.
    again = await past.history.async_import()
    assert not any(again.values())
    assert await past.rows() == imported

    # The recorder's own rows join, and what lies between is filled in.
    await past.go_live(20)
    joined = await past.rows()
    for name, counter in past.counters().items():
        rows = joined[name]
        assert rows[-1].end == NEWEST + 4 * HOUR
        assert_seamless(rows)
        old = rows[: len(imported[name])]
        assert_true(past.house, counter, old)
        assert max(_errors_by_day(past.house, counter, old)) < 0.002


def _errors_by_day(house: House, counter: Counter, rows: list[Row]) -> list[float]:
    """Return by how much the use of each whole day is wrong, in kWh or m³."""
    days = [list(group) for _, group in groupby(rows, lambda row: date_at(row.start))]
    return [
        abs(
            (day[-1].sum - before[-1].sum)
            - truth(house, counter, day[-1].end)
            + truth(house, counter, day[0].start)
        )
        for before, day in pairwise(days)
    ]
