"""Tests of the simulated house: plausible, the same for the same seed, and exact."""

from datetime import date, datetime

import pytest

from simulator import House, SimMeter, Source
from simulator.days import TIME_ZONE, Schedule, day_at, midnight
from simulator.house import _ledgers
from simulator.ledger import NOTHING

SPRING, AUTUMN, LEAP = date(2025, 3, 30), date(2025, 10, 26), date(2024, 2, 29)
DAYS = [SPRING, AUTUMN, LEAP, date(2025, 1, 7), date(2025, 6, 21)]
UNITS = {"p1": 60, "s01": 60, "mb5": 60, "usage": 60, "p1-gas": 1000, "pulse-2": 1000}


@pytest.fixture(scope="module")
def house() -> House:
    return House(seed=1, since=date(2023, 1, 1))


def hours(day: date) -> range:
    start = midnight(day)
    return range(start, day_at(start).end, 3600)


def net(house: House, alias: str, begin: float, end: float) -> int:
    before, after = house.passed(alias, begin), house.passed(alias, end)
    t1, t2, t3, t4 = (new - old for old, new in zip(before, after, strict=True))
    return t1 + t2 - t3 - t4


@pytest.mark.parametrize(("day", "count"), [(SPRING, 23), (AUTUMN, 25), (LEAP, 24)])
def test_hours_of_a_day(day: date, count: int) -> None:
    assert len(hours(day)) == count
    assert day_at(hours(day)[-1] + 3599).date == day


@pytest.mark.parametrize(
    ("moment", "low"),
    [
        ((2025, 1, 10, 6, 59), True),  # a Friday
        ((2025, 1, 10, 7, 0), False),
        ((2025, 1, 10, 22, 59), False),
        ((2025, 1, 10, 23, 0), True),
        ((2025, 1, 11, 12, 0), True),
        ((2025, 3, 31, 6, 59), True),  # the first Monday of summer time
        ((2025, 3, 31, 7, 0), False),
    ],
)
def test_tariff(moment: tuple[int, ...], low: bool) -> None:
    assert Schedule().is_low(datetime(*moment, tzinfo=TIME_ZONE).timestamp()) is low


@pytest.mark.parametrize("alias", UNITS)
@pytest.mark.parametrize("day", DAYS)
def test_minutes_add_up_to_readings(house: House, alias: str, day: date) -> None:
    whole = 0
    for hour in hours(day):
        minutes = house.minutes(alias, hour)
        assert len(minutes) == 60
        amount, rest = divmod(sum(minutes), UNITS[alias])
        assert rest == 0
        assert amount == net(house, alias, hour, hour + 3600)
        whole += amount
    assert whole == net(house, alias, hours(day)[0], hours(day)[-1] + 3600)


@pytest.mark.parametrize("day", DAYS)
def test_seconds_add_up_to_readings(house: House, day: date) -> None:
    """Power holds for ten seconds; a reading is its sum, shown in whole Wh."""
    for hour in hours(day)[::5]:
        joules = 0.0
        for second in range(0, 3600, 10):
            passed = net(house, "p1", hour, hour + second)
            assert passed == int(joules / 3600)
            joules += 10 * house.power("p1", hour + second)


@pytest.mark.parametrize("day", DAYS)
def test_an_hour_moves_one_register(house: House, day: date) -> None:
    for hour in hours(day):
        low = house.schedule.is_low(hour)
        passed = zip(
            house.passed("p1", hour), house.passed("p1", hour + 3600), strict=True
        )
        moved = {
            name
            for name, (old, new) in zip(("t1", "t2", "t3", "t4"), passed, strict=True)
            if new > old
        }
        assert moved <= ({"t1"} if low else {"t2"}) or moved <= (
            {"t3"} if low else {"t4"}
        )
        signs = {minute > 0 for minute in house.minutes("p1", hour) if minute}
        assert len(signs) <= 1


def test_charging_in_the_sun_exports_nothing(house: House) -> None:
    june = range(midnight(date(2024, 5, 1)), midnight(date(2024, 8, 1)), 3600)
    charging = [hour for hour in june if net(house, "mb5", hour, hour + 3600)]
    sunny = [hour for hour in charging if net(house, "s01", hour, hour + 3600) > 0]
    assert sunny
    assert all(min(house.minutes("p1", hour)) >= 0 for hour in sunny)


@pytest.mark.parametrize("day", DAYS)
def test_meters_agree_with_each_other(house: House, day: date) -> None:
    for hour in hours(day):
        for at in range(hour, hour + 3600, 50):
            grid, solar = house.power("p1", at), house.power("s01", at)
            assert grid + solar == house.power("usage", at)
            assert house.power("usage", at) - house.power("mb5", at) > 0
    at = hours(day)[12] + 1234
    assert house.reading("p1", "gas", at) == house.reading("p1-gas", "gas", at)


def test_registers(house: House) -> None:
    at = midnight(SPRING) + 40_000.5
    t1, t2, t3, t4 = (house.reading("p1", key, at) for key in ("t1", "t2", "t3", "t4"))
    assert house.reading("p1", "electric_energy", at) == round(t1 - t3, 3)
    assert house.reading("p1", "electric_energy_high", at) == round(t2 - t4, 3)
    start = house.meters["p1"].start
    assert house.reading("p1", "t1", midnight(house.since)) == start.t1 / 1000
    assert house.reading("p1", "t1", midnight(house.since) - 86_400) == start.t1 / 1000
    with pytest.raises(KeyError):
        house.reading("s02", "t1", at)
    with pytest.raises(KeyError):
        house.reading("p1", "flow", at)


def test_same_seed_same_house(house: House) -> None:
    at = midnight(AUTUMN) + 12_345
    registers = [(alias, key) for alias in ("p1", "s01", "mb5") for key in ("t1", "t2")]
    registers += [("p1-gas", "gas"), ("pulse-2", "volume")]
    _ledgers.cache_clear()
    same, other = House(1, since=house.since), House(2, since=house.since)
    # The order in which one asks makes no difference.
    same.reading("p1", "t1", at + 9_000_000)
    for alias, key in registers:
        assert same.reading(alias, key, at) == house.reading(alias, key, at)
        assert other.reading(alias, key, at) != house.reading(alias, key, at)


def test_a_believable_year(house: House) -> None:
    begin, end = midnight(date(2024, 1, 1)), midnight(date(2025, 1, 1))
    kwh = {alias: net(house, alias, begin, end) / 1000 for alias in UNITS}
    assert 3000 < kwh["s01"] < 5000
    assert 2000 < kwh["mb5"] < 4500
    assert 2500 < kwh["usage"] - kwh["mb5"] < 5000
    assert 900 < kwh["p1-gas"] < 2000
    assert 60 < kwh["pulse-2"] < 150
    january, july = (
        net(house, "s01", midnight(date(2024, m, 1)), midnight(date(2024, m + 1, 1)))
        for m in (1, 7)
    )
    assert july > 4 * january
    charged = zip(house.passed("mb5", begin), house.passed("mb5", end), strict=True)
    assert all(new > old for old, new in list(charged)[:2])


def test_no_sun_at_night_and_no_water_between_draws(house: House) -> None:
    night = midnight(date(2025, 6, 21)) + 3600
    assert set(house.minutes("s01", night)) == {0}
    water = [flow for hour in hours(SPRING) for flow in house.minutes("pulse-2", hour)]
    assert water.count(0) > len(water) * 0.8
    assert max(water) >= 4000


@pytest.mark.parametrize(
    ("cadence", "phase", "measured"), [(10, 3, 993), (1, 0, 999), (300, 0, 900)]
)
def test_measured_at(cadence: float, phase: float, measured: float) -> None:
    meter = SimMeter(1, "p1", Source.GRID, cadence=cadence, phase=phase)
    assert meter.measured_at(1000.1) == measured
    assert meter.start == NOTHING
