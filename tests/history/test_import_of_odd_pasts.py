"""An odd past, imported into a real recorder."""

from datetime import date

import pytest

from custom_components.cemm.days import HOUR, midnight
from simulator import House
from simulator.days import Schedule
from simulator.ledger import Registers
from tests.helpers.history import SINCE, Rows, assert_adds_up, assert_true, keep, truth
from tests.helpers.past import Past

ODD = date(2025, 11, 3)
SPELLS = frozenset({*range(11, 17), 22, 23, *range(7)})
EACH_API = pytest.mark.parametrize(
    "past", ["local", pytest.param("remote", marks=pytest.mark.rest)], indirect=True
)


@pytest.fixture
def schedule() -> Schedule:
    return Schedule()


@pytest.fixture
def house(schedule: Schedule) -> House:
    return House(seed=1, since=SINCE, schedule=schedule)


async def all_imported(past: Past, *aliases: str) -> Rows:
    """Import all there is of some meters; nothing of it may be missing."""
    keep(past.house, *aliases)
    await past.setup()
    await past.history.async_import()
    rows = await past.rows()
    for found in rows.values():
        assert found[0].start == midnight(SINCE)
    for alias in aliases:
        own = {
            name.removeprefix(f"{alias}_"): found
            for name, found in rows.items()
            if name.startswith(f"{alias}_")
        }
        assert_adds_up(own)
    return rows


@pytest.mark.rest
@EACH_API
async def test_amounts_that_contradict_measured_days(past: Past) -> None:
    wrong = {
        "p1": ("electric_energy_high", 3580.0),
        "s01": ("electric_energy_low", -900.0),
        "p1-gas": ("gas", 500.0),
    }
    for alias, (channel, amount) in wrong.items():
        past.house.meters[alias].misbooked[channel, ODD] = amount
    rows = await all_imported(past, *wrong)
    for name, counter in past.counters().items():
        if counter.alias in wrong:
            assert_true(past.house, counter, rows[name])


@EACH_API
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(Schedule(SPELLS, SPELLS), id="two spells"),
        pytest.param(
            Schedule(frozenset(), frozenset()), id="always high", marks=pytest.mark.rest
        ),
        pytest.param(
            Schedule(summer_time=False), id="winter time", marks=pytest.mark.rest
        ),
        pytest.param(
            Schedule(odd=((ODD, frozenset({0, 5, 9, 12, 17, 20})),)), id="an odd day"
        ),
    ],
)
async def test_tariffs_that_are_not_the_usual_ones(
    past: Past, schedule: Schedule
) -> None:
    rows = await all_imported(past, "p1")
    for name, counter in past.counters().items():
        if not schedule.odd or counter.rule.tariff is None:
            assert_true(past.house, counter, rows[name])


@pytest.mark.parametrize("past", ["remote"], indirect=True)
async def test_states_before_a_swap_are_those_of_the_old_meter(past: Past) -> None:
    for meter in past.house.meters.values():
        at = midnight(ODD) + 9 * HOUR
        meter.swaps.append((at, Registers()))
    rows = await all_imported(past, "p1", "p1-gas")
    for name, counter in past.counters().items():
        for row in rows[name]:
            assert row.state >= -1e-6
            if not midnight(ODD) <= row.end < midnight(date(2025, 11, 4)):
                real = truth(past.house, counter, row.end)
                assert row.state == pytest.approx(real, abs=0.02)
