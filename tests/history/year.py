"""A year of a house with five meters, through both APIs, hour by hour against the truth.

Too long for the suite: `scripts/test tests/history/year.py` takes some ten minutes.
"""

from datetime import date
import faulthandler
from itertools import groupby, pairwise

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.days import HOUR, date_at, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.conftest import setup
from tests.helpers.history import (
    NEWEST,
    all_counters,
    all_rows,
    assert_seamless,
    assert_true,
    finished,
    go_live,
    truth,
)

# With both kinds of days that do not have 24 hours, one of them twice.
SINCE = date(2024, 10, 20)


@pytest.fixture
def house() -> House:
    return House(seed=1, since=SINCE)


async def test_a_year(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    house: House,
    entry: MockConfigEntry,
) -> None:
    # It is meant to take long.
    faulthandler.cancel_dump_traceback_later()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={"import_history": True})
    await setup(hass, entry)
    await finished(entry)
    imported = await all_rows(hass, entry)
    for rows in imported.values():
        assert (rows[0].start, rows[-1].end) == (midnight(SINCE), NEWEST)

    # A second run has nothing to write.
    again = await entry.runtime_data.history.async_import()
    assert not any(again.values())
    assert await all_rows(hass, entry) == imported

    # The recorder's own rows join, and what lies between is filled in.
    await go_live(hass, entry, freezer, 20)
    joined = await all_rows(hass, entry)
    for name, counter in all_counters(hass, entry).items():
        rows = joined[name]
        assert rows[-1].end == NEWEST + 4 * HOUR
        assert_seamless(rows)
        past = rows[: len(imported[name])]
        assert_true(house, counter, past)
        assert max(_errors_by_day(house, counter, past)) < 0.002


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
