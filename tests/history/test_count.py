"""How counters went on while the CEMM was off."""

from datetime import date

import pytest

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.client import Measurement, Reading
from custom_components.cemm.days import HOUR
from custom_components.cemm.history.count import HourlyUse, count_hours
from custom_components.cemm.history.counters import Counter, Priority
from custom_components.cemm.history.usage import Day, MeterDays

YESTERDAY, TODAY = date(2026, 11, 16), date(2026, 11, 17)
EVE = Day(
    date(2026, 11, 15), closing=Reading({"t1": Measurement(1_794_783_300_000, 10)})
)
A_DAY = 24 * 60


def counter(key: str, *registers: str) -> Counter:
    row = CHANNELS[key]
    assert row.history and row.max_rate
    return Counter(
        *("sensor.it", f"p1_{key}", "kWh"),
        alias="p1",
        key=key,
        rule=row.history,
        max_rate=row.max_rate,
        registers=registers,
        priority=Priority.SOURCE,
    )


def use(it: Counter, meter_days: MeterDays) -> HourlyUse:
    start = meter_days.days[0].start
    return count_hours(meter_days, [it], start, meter_days.days[-1].start + 6 * HOUR)[
        it
    ]


def test_net_amounts_leave_open_what_was_imported() -> None:
    meter_days = MeterDays(
        [Day(YESTERDAY, {}, {"electric_energy_low": 2.0}), Day(TODAY)]
    )
    found = use(counter("energy_import", "t1", "t2"), meter_days)
    assert found.used[-1] == pytest.approx(2)
    assert found.unknown[-1] == A_DAY + 6 * 60


def test_amounts_and_readings_leave_open_what_came_after_them() -> None:
    volume = MeterDays([Day(YESTERDAY, {}, {"volume": 2.0}), Day(TODAY)])
    assert use(counter("volume", "volume"), volume).unknown[-1] == 6 * 60
    closing = Reading({"t1": Measurement((Day(YESTERDAY).end - 300) * 1000, 12.0)})
    read = MeterDays([Day(YESTERDAY, closing=closing), Day(TODAY)], EVE)
    found = use(counter("energy_import", "t1"), read)
    assert found.used[-1] == pytest.approx(2, abs=0.01)
    assert found.unknown[-1] == 5 + 6 * 60


def test_one_course_follows_another() -> None:
    found = HourlyUse([0, 1], [0, 60]).followed_by(HourlyUse([0, 2, 5], [0, 0, 60]))
    assert found == HourlyUse([0, 1, 3, 6], [0, 60, 60, 120])
