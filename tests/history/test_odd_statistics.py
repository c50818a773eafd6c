"""Statistics that something else has left under a counter's name."""

from datetime import date

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.util import dt as dt_util
import pytest

from custom_components.cemm.days import HOUR, midnight
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.recorder import async_stored
from simulator import House
from tests.helpers.history import NEWEST, live_rows, small_house, write as write_rows
from tests.helpers.past import Past

SINCE = date(2025, 10, 30)


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1-gas", "pulse-2")


def metadata(counter: Counter, *, has_sum: bool, unit: str) -> StatisticMetaData:
    return StatisticMetaData(
        mean_type=(StatisticMeanType.NONE if has_sum else StatisticMeanType.ARITHMETIC),
        has_sum=has_sum,
        name=None,
        source="recorder",
        statistic_id=counter.entity_id,
        unit_class={"m³": "volume", "kWh": "energy"}[unit],
        unit_of_measurement=unit,
    )


async def test_a_counter_with_a_foreign_unit_does_not_stop_the_others(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.settle()
    gas = past.counters()["p1-gas_gas"]
    start = dt_util.utc_from_timestamp(NEWEST - 5 * HOUR)
    async_import_statistics(
        past.hass,
        metadata(gas, has_sum=True, unit="kWh"),
        [StatisticData(start=start, state=5.0, sum=1.0)],
    )
    await async_stored(past.hass)
    before = await past.rows()
    past.wish()
    await past.next_hour()
    rows = await past.rows()
    assert rows["pulse-2_volume"][0].start == midnight(SINCE)
    assert rows["p1-gas_gas"] == before["p1-gas_gas"]
    assert "Traceback" not in caplog.text


async def test_rows_are_not_written_over_after_older_ones_without_a_sum(
    past: Past,
) -> None:
    """The counter was taken for a measurement once."""
    await past.settle()
    gas = past.counters()["p1-gas_gas"]
    live = live_rows(past.house, gas, midnight(date(2025, 11, 4)), NEWEST)
    start = dt_util.utc_from_timestamp(live[0].start - HOUR)
    async_import_statistics(
        past.hass,
        metadata(gas, has_sum=False, unit="m³"),
        [StatisticData(start=start, mean=1.0, min=1.0, max=1.0)],
    )
    # With its first state the recorder notes that there is a sum now.
    async_import_statistics(past.hass, metadata(gas, has_sum=True, unit="m³"), [])
    await async_stored(past.hass)
    await write_rows(past.hass, gas, live)
    assert (await past.rows())["p1-gas_gas"] == live
    await past.history.async_import(date(2025, 11, 2))
    rows = (await past.rows())["p1-gas_gas"]
    assert rows[0].start == midnight(date(2025, 11, 2))
    assert [row for row in rows if row.start >= live[0].start] == live
