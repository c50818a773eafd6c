"""How counters went on while the CEMM was off."""

from datetime import date

import pytest

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.client import Measurement, Reading
from custom_components.cemm.days import HOUR
from custom_components.cemm.history.counters import Counter, Use
from custom_components.cemm.history.results import Course, count_hours
from custom_components.cemm.history.usage import Chapter, Day

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
        use=Use.SOURCE,
    )


def course(it: Counter, chapter: Chapter) -> Course:
    start = chapter.days[0].start
    return count_hours(chapter, [it], start, chapter.days[-1].start + 6 * HOUR)[it]


def test_net_amounts_leave_open_what_was_imported() -> None:
    chapter = Chapter([Day(YESTERDAY, {}, {"electric_energy_low": 2.0}), Day(TODAY)])
    found = course(counter("energy_import", "t1", "t2"), chapter)
    assert found.used[-1] == pytest.approx(2)
    assert found.unknown[-1] == A_DAY + 6 * 60


def test_amounts_and_readings_leave_open_what_came_after_them() -> None:
    volume = Chapter([Day(YESTERDAY, {}, {"volume": 2.0}), Day(TODAY)])
    assert course(counter("volume", "volume"), volume).unknown[-1] == 6 * 60
    closing = Reading({"t1": Measurement((Day(YESTERDAY).end - 300) * 1000, 12.0)})
    read = Chapter([Day(YESTERDAY, closing=closing), Day(TODAY)], EVE)
    found = course(counter("energy_import", "t1"), read)
    assert found.used[-1] == pytest.approx(2, abs=0.01)
    assert found.unknown[-1] == 5 + 6 * 60


def test_one_course_follows_another() -> None:
    found = Course([0, 1], [0, 60]).followed_by(Course([0, 2, 5], [0, 0, 60]))
    assert found == Course([0, 1, 3, 6], [0, 60, 60, 120])
