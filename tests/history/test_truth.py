"""The arithmetic against the simulated house, which knows what each hour used."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from custom_components.cemm.client.models import parse_history, parse_reading
from custom_components.cemm.days import HOUR, days
from custom_components.cemm.history.count import count_hours
from custom_components.cemm.history.profile import Day
from simulator import House
from simulator.readings import Readings
from tests.helpers.history import a_counter

NOW = Day(date(2026, 1, 1)).start + 12 * HOUR
WINTER_TIME_ENDS = (date(2025, 3, 26), date(2025, 3, 31))
SUMMER_TIME_ENDS = (date(2025, 10, 22), date(2025, 10, 27))
REGISTERS = {"energy_import": ("t1", "t2"), "energy_export": ("t3", "t4")}
COUNTERS = [
    *(("p1", key) for key in ("t1", "t2", "t3", "t4", *REGISTERS)),
    *(("s01", key) for key in ("t1", "t2", "t4", "energy_import")),
    *(("mb5", key) for key in ("t1", "t2", "energy_import")),
    ("p1-gas", "gas"),
    ("pulse-2", "volume"),
]


def fetch(house: House, alias: str, span: tuple[date, date]) -> list[Day]:
    """Return what the CEMM says of some days of one month."""
    readings = Readings(house, NOW)
    meter = house.meters[alias]

    def history(period: str, at: float) -> object:
        return {"data": dict(readings.history(alias, meter, period, at))}

    found = []
    for day in days(*span):
        start = Day(day).start
        month = parse_history(history("month", start + HOUR))
        keys = [key for a, key in COUNTERS if a == alias and key not in REGISTERS]
        totals = {key: readings.total(alias, meter, key, start + HOUR) for key in keys}
        found.append(
            Day.of(
                day,
                parse_history(history("day", start + HOUR)),
                {
                    name: sample.value
                    for name, samples in month.channels.items()
                    for sample in samples
                    if sample.start == start and sample.value is not None
                },
                parse_reading({"data": totals}),
            )
        )
    return found


def truth(house: House, alias: str, key: str, at: float) -> float:
    return sum(house.counter(alias, part, at) for part in REGISTERS.get(key, (key,)))


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
