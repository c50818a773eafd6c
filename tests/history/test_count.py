"""How counters went on while the CEMM was off."""

from datetime import date

import pytest

from custom_components.cemm.client import Measurement, Reading
from custom_components.cemm.days import HOUR
from custom_components.cemm.history.count import count_hours
from custom_components.cemm.history.counters import Counter
from custom_components.cemm.history.profile import Day
from tests.helpers.history import a_counter

YESTERDAY, TODAY = date(2026, 11, 16), date(2026, 11, 17)
EVE = Day(
    date(2026, 11, 15), closing=Reading({"t1": Measurement(1_794_783_300_000, 10)})
)
A_DAY = 24 * 60


def use(it: Counter, days: list[Day]) -> tuple[float, float]:
    """Return what was counted until this morning, and the unmeasured minutes."""
    start, end = Day(YESTERDAY).start, Day(TODAY).start + 6 * HOUR
    used, unknown = count_hours(days, [it], start, end)[it]
    return used[-1], unknown[-1]


def test_net_amounts_leave_open_what_was_imported() -> None:
    days = [Day(YESTERDAY, {}, {"electric_energy_low": 2.0}), Day(TODAY)]
    used, unknown = use(a_counter("energy_import", "t1", "t2"), days)
    assert used == pytest.approx(2)
    assert unknown == A_DAY + 6 * 60


def test_amounts_and_readings_leave_open_what_came_after_them() -> None:
    volume = [Day(YESTERDAY, {}, {"volume": 2.0}), Day(TODAY)]
    assert use(a_counter("volume", "volume"), volume)[1] == 6 * 60
    closing = Reading({"t1": Measurement((Day(YESTERDAY).end - 300) * 1000, 12.0)})
    read = [EVE, Day(YESTERDAY, closing=closing), Day(TODAY)]
    used, unknown = use(a_counter("energy_import", "t1"), read)
    assert used == pytest.approx(2, abs=0.01)
    assert unknown == 5 + 6 * 60
