"""Months without data in the CEMM's memory, imported through the remote API."""

from datetime import date

import pytest

from custom_components.cemm.days import midnight
from simulator import House
from tests.helpers.history import assert_adds_up, assert_seamless, keep, truth
from tests.helpers.past import Past

SINCE = date(2025, 8, 25)


@pytest.fixture
def house() -> House:
    return House(seed=1, since=SINCE)


@pytest.mark.rest
@pytest.mark.parametrize("past", ["remote"], indirect=True)
@pytest.mark.parametrize(
    ("first", "end"),
    [
        (date(2025, 9, 1), date(2025, 10, 1)),
        (date(2025, 8, 29), date(2025, 10, 3)),
        (date(2025, 9, 10), date(2025, 9, 20)),
    ],
)
async def test_readings_tell_what_was_used(past: Past, first: date, end: date) -> None:
    dark = midnight(first), midnight(end)
    past.house.forgotten.append(dark)
    keep(past.house, "p1", "p1-gas")
    await past.setup()
    await past.history.async_import()
    rows = await past.rows()
    own = {name.removeprefix("p1_"): found for name, found in rows.items()}
    assert_adds_up(own)
    for name, counter in past.counters().items():
        assert_seamless(rows[name])
        assert rows[name][0].start == midnight(SINCE)
        for row in rows[name]:
            if not dark[0] < row.end < dark[1]:
                real = truth(past.house, counter, row.end)
                assert row.state == pytest.approx(real, abs=0.02)
