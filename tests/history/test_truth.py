"""The arithmetic against the simulated house, which knows what each hour used."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from custom_components.cemm.days import HOUR
from custom_components.cemm.history.count import count_hours
from simulator import House
from tests.helpers.history import a_counter
from tests.helpers.memory import COUNTERS, REGISTERS, fetch, truth

WINTER_TIME_ENDS = (date(2025, 3, 26), date(2025, 3, 31))
SUMMER_TIME_ENDS = (date(2025, 10, 22), date(2025, 10, 27))


@pytest.mark.parametrize("exact", [True, False], ids=["readings", "month data"])
@pytest.mark.parametrize("span", [WINTER_TIME_ENDS, SUMMER_TIME_ENDS])
@pytest.mark.parametrize(
    ("alias", "key", "dsmr"),
    [*((alias, key, 5) for alias, key in COUNTERS), ("p1-gas", "gas", 4)],
)
def test_every_hour_is_within_one_percent(
    alias: str, key: str, dsmr: int, span: tuple[date, date], exact: bool
) -> None:
    house = House(seed=3, dsmr=dsmr)
    found = fetch(house, alias, span)
    if not exact:
        found = [replace(day, closing=None) for day in found]
    counter = a_counter(key, *REGISTERS.get(key, (key,)))
    times = range(found[0].start, found[-1].end + 1, HOUR)
    used = count_hours(found, [counter], times[0], times[-1])[counter][0]
    assert len(used) == len(times)
    for (begin, end), (old, new) in zip(pairwise(times), pairwise(used), strict=True):
        real = truth(house, alias, key, end) - truth(house, alias, key, begin)
        assert new - old == pytest.approx(real, rel=0.01, abs=0.002)
    for day in found[1:-1]:
        used_that_day = used[times.index(day.end)] - used[times.index(day.start)]
        real = truth(house, alias, key, day.end) - truth(house, alias, key, day.start)
        assert used_that_day == pytest.approx(real, abs=0.002)


@pytest.mark.parametrize(("alias", "key"), [("p1", "t1"), ("p1", "energy_import")])
def test_what_was_used_after_the_last_reading_of_a_month_stays_there(
    alias: str, key: str
) -> None:
    """The CEMM notes readings every five minutes, the last one at 23:55."""
    house = House(seed=3)
    eve, first, second = fetch(house, alias, (date(2025, 9, 30), date(2025, 10, 2)))
    counter = a_counter(key, *REGISTERS.get(key, (key,)))
    days = [eve, first, second]
    used, _ = count_hours(days, [counter], first.start, first.end)[counter]
    real = truth(house, alias, key, first.end) - truth(house, alias, key, first.start)
    assert used[-1] == pytest.approx(real, abs=0.002)
