"""A week in which anything happens: its rows end as those of a week in which nothing did."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from random import Random
from time import time
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import statistics as ha_statistics
from homeassistant.components.recorder.db_schema import (
    Base,
    States,
    Statistics,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.tasks import PurgeTask
from homeassistant.const import Platform
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_purge_done,
)
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager
from sqlalchemy import NullPool, create_engine, delete, update

from custom_components.cemm.client import USAGE
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import DAY, HOUR, midnight
from custom_components.cemm.history import apply
from custom_components.cemm.history.rows import Row
from simulator import Clock, Simulator
from tests.conftest import MAC, UID
from tests.helpers.history import all_counters, all_rows, finished, small_house, truth
from tests.helpers.home import Home

from .conftest import NOW

SINCE = date(2025, 11, 2)
COUNTERS = ("p1_t1", "p1_t2", "p1_t3", "p1_t4", "p1-gas_gas")

# Meters that are asked less often look like those that are read once an hour.
EVERY = 1800


class Week:
    """A house, its Home Assistant, and what may happen to them."""

    def __init__(
        self,
        freezer: FrozenDateTimeFactory,
        home: Home,
        sim: Simulator,
        database: str,
    ) -> None:
        self.freezer = freezer
        self.home = home
        self.sim = sim
        self.database = database
        self.rng = Random(0)
        self.blurred: list[tuple[float, float]] = []
        """When what was recorded may be in another hour."""

    async def go_on(self, hours: float) -> None:
        """Let time pass, once what has begun is done: that takes seconds, not half an hour."""
        await finished(self.home.entry)
        await self.home.live(time() + hours * HOUR, EVERY)

    async def soon(self) -> None:
        """Let the CEMM be asked every ten seconds, as in a house, not each half hour.

        What rose much while nobody asked counts once the next measurement goes on from it.
        """
        for _ in range(3):
            await self.home.poll(after=10)

    async def restarted(self) -> None:
        await self.home.start()
        await self.soon()

    async def database_lost(self) -> None:
        await self.home.stop()
        engine = create_engine(self.database, poolclass=NullPool)
        Base.metadata.drop_all(engine)
        engine.dispose()
        await self.restarted()

    async def database_of_two_days_ago(self) -> None:
        await self.home.stop()
        then = time() - 2 * DAY
        if any(begin <= then <= end for begin, end in self.blurred):
            # What its last rows lack is spread over all that is missing after them.
            self.blurred.append((then, time()))
        engine = create_engine(self.database, poolclass=NullPool)
        with engine.begin() as connection:
            # MariaDB lets no row go that another one points at.
            connection.execute(update(States).values(old_state_id=None))
            for column in (
                Statistics.start_ts,
                StatisticsShortTerm.start_ts,
                States.last_updated_ts,
            ):
                connection.execute(delete(column.class_).where(column >= then))
            start = dt_util.utc_from_timestamp(then).replace(tzinfo=None)
            connection.execute(
                delete(StatisticsRuns).where(StatisticsRuns.start >= start)
            )
        engine.dispose()
        await self.restarted()

    async def purge_of_all(self) -> None:
        """As with `keep_days: 0`.

        Which of the last hours were recorded by half is known no more then.
        """
        self.blurred.append((time() - 4 * HOUR, time() + HOUR))
        get_instance(self.home.hass).queue_task(
            PurgeTask(dt_util.utcnow(), repack=False, apply_filter=False)
        )
        await async_wait_purge_done(self.home.hass)

    async def no_recorder_for_a_day(self) -> None:
        await self.home.stop()
        self.home.records = False
        await self.restarted()
        await self.go_on(24)
        await self.home.stop()
        self.home.records = True
        await self.restarted()

    async def sensor_disabled_for_a_day(self) -> None:
        await self.disable(er.RegistryEntryDisabler.USER)
        await self.go_on(24)
        await self.disable(None)

    async def disable(self, by: er.RegistryEntryDisabler | None) -> None:
        """Disable sensors, or enable them again: Home Assistant loads the entry anew then."""
        registry = er.async_get(self.home.hass)
        for name in ("p1_t2", "p1-gas_gas"):
            entity_id = registry.async_get_entity_id(
                Platform.SENSOR, DOMAIN, f"{MAC}_{name}"
            )
            assert entity_id
            registry.async_update_entity(entity_id, disabled_by=by)
        await self.home.hass.async_block_till_done()
        self.freezer.tick(timedelta(seconds=31))
        await self.home.hass.async_block_till_done()

    async def clock_ahead(self) -> None:
        """Home Assistant's is, not the CEMM's."""
        ahead = self.rng.choice([120, 1000, 4000])
        begin = time()
        self.freezer.tick(ahead)
        self.sim.clock.advance(-ahead)
        await self.go_on(self.rng.randint(1, 5))
        self.blurred.append((begin - HOUR, time() + HOUR))
        self.freezer.tick(-ahead)
        self.sim.clock.advance(ahead)

    async def cemm_away(self) -> None:
        await self.sim.stop()
        await self.soon()
        await self.go_on(self.rng.randint(1, 30))
        await self.sim.start()
        await self.soon()

    async def home_assistant_off(self) -> None:
        await self.home.stop()
        self.freezer.tick(self.rng.choice([30, 3000, 5 * HOUR, 30 * HOUR]))
        await self.restarted()

    async def database_locked(self) -> None:
        """Half of what it is to write is lost, while much is to be mended."""
        with lost(self.rng, 0.5):
            await self.rng.choice([self.purge_of_all, self.cemm_away])()
            await self.go_on(3)

    async def check(self) -> None:
        """Compare all rows with what was used, and see that they stay."""
        await finished(self.home.entry)
        await self.home.live(time() + 4 * HOUR)
        await self.home.tick()
        rows = await all_rows(self.home.hass, self.home.entry)
        for name, counter in all_counters(self.home.hass, self.home.entry).items():
            assert rows[name][0].start == midnight(SINCE), name
            old = Row(rows[name][0].start - HOUR, 0.0, 0.0)
            origin = truth(self.sim.house, counter, old.end)
            for row in rows[name]:
                used = truth(self.sim.house, counter, row.end)
                used -= truth(self.sim.house, counter, old.end)
                what = name, str(dt_util.utc_from_timestamp(row.start)), old, row
                assert row.start == old.end, what
                assert row.sum >= old.sum - 1e-6, what
                if not any(a <= row.start <= b for a, b in self.blurred):
                    assert row.sum - old.sum == pytest.approx(
                        used, rel=0.01, abs=0.01
                    ), what
                old = row
            used = truth(self.sim.house, counter, old.end) - origin
            assert old.sum == pytest.approx(used, rel=0.01, abs=0.01), name
        await self.home.tick()
        assert await all_rows(self.home.hass, self.home.entry) == rows


HAPPENINGS = [
    Week.database_lost,
    Week.database_of_two_days_ago,
    Week.purge_of_all,
    Week.no_recorder_for_a_day,
    Week.sensor_disabled_for_a_day,
    Week.clock_ahead,
    Week.cemm_away,
    Week.home_assistant_off,
    Week.database_locked,
]

# The others are among the tests of one thing each.
SAMPLE = [Week.no_recorder_for_a_day]


@contextmanager
def lost(rng: Random, share: float) -> Iterator[None]:
    """Lose a share of the moves and of the rows that are written."""
    adjust, write = ha_statistics.adjust_statistics, apply.import_statistics

    def adjusted(*args: Any) -> bool:
        return rng.random() < share or adjust(*args)

    def written(*args: Any) -> bool:
        return rng.random() < share or write(*args)

    with (
        patch.object(ha_statistics, "adjust_statistics", adjusted),
        patch.object(apply, "adjust_statistics", adjusted),
        patch.object(apply, "import_statistics", written),
    ):
        yield


@pytest.fixture(params=["local"])
async def week(
    request: pytest.FixtureRequest,
    freezer: FrozenDateTimeFactory,
    async_test_recorder: RecorderInstanceContextManager,
    recorder_db_url: str,
) -> AsyncIterator[Week]:
    """Return a week whose past is imported already."""
    freezer.move_to(NOW)
    house = small_house(SINCE, "p1", "p1-gas", prompt=True)
    sim = Simulator(house, Clock())
    await sim.start()
    data = {"connection": "local", "host": sim.base}
    if request.param == "remote":
        data = {
            "connection": "remote",
            "api_key": "demo",
            "url": sim.remote_url,
            "uid": UID,
        }
    home = Home(
        *(freezer, async_test_recorder, data),
        aliases=["p1", "p1-gas", USAGE],
        only=COUNTERS,
    )
    home.keep_days, home.imports = 2, True
    # A question that is under way when the clock leaps has taken too long.
    home.polls = False
    found = Week(freezer, home, sim, recorder_db_url)
    await home.start()
    await found.go_on(12)
    yield found
    await home.stop()
    await sim.stop()


BOTH_APIS = pytest.mark.parametrize(
    "week", ["local", pytest.param("remote", marks=pytest.mark.rest)], indirect=True
)


@BOTH_APIS
@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(
            *(each,), id=each.__name__, marks=[pytest.mark.rest] * (each not in SAMPLE)
        )
        for each in HAPPENINGS
    ],
)
async def test_it_happens_once(
    week: Week, happens: Callable[[Week], Awaitable[None]]
) -> None:
    await happens(week)
    await week.check()


@pytest.mark.rest
async def test_home_assistant_is_back_right_after_an_hour(week: Week) -> None:
    """The last five minutes of the hour are summarised in time, though nobody saw them."""
    await week.home.live(time() // HOUR * HOUR + HOUR)
    await week.home.stop()
    week.freezer.move_to(
        dt_util.utc_from_timestamp(time() // HOUR * HOUR + 7 * HOUR + 5)
    )
    await week.home.start()
    await week.go_on(1)
    await week.check()


@pytest.mark.parametrize(
    ("week", "seed"),
    [
        pytest.param(
            ("local", "remote")[seed % 2],
            seed,
            id=str(seed),
            marks=pytest.mark.rest,
        )
        for seed in range(8)
    ],
    indirect=["week"],
)
async def test_it_all_happens(week: Week, seed: int) -> None:
    rng = week.rng = Random(seed)
    end = time() + 6 * DAY
    happened = []
    while time() < end:
        happens = rng.choice(HAPPENINGS)
        happened.append(f"{dt_util.utcnow():%d %H:%M} {happens.__name__}")
        await happens(week)
        await week.go_on(rng.randint(1, 16))
    print(happened)  # noqa: T201  a failure is told with it
    await week.check()


@pytest.mark.rest
@BOTH_APIS
@pytest.mark.parametrize(
    "kept", [1, *(pytest.param(n, marks=pytest.mark.rest) for n in (0, 2))]
)
async def test_moves_that_are_lost_before_home_assistant_is_killed(
    week: Week, kept: int
) -> None:
    """Nobody has read the rows of an import back then."""
    adjust, asked = ha_statistics.adjust_statistics, 0

    def adjusted(*args: Any) -> bool:
        nonlocal asked
        asked += 1
        return asked > kept or adjust(*args)

    await week.home.stop()
    engine = create_engine(week.database, poolclass=NullPool)
    Base.metadata.drop_all(engine)
    engine.dispose()
    with (
        patch.object(apply, "adjust_statistics", adjusted),
        patch.object(Row, "is_like", side_effect=RuntimeError("killed")),
    ):
        await week.home.start()
        await week.go_on(1)
        await week.home.stop()
        # Its timers end with the process, which here goes on.
        week.home.entry.runtime_data.history._stop_retry()
    assert asked > kept
    await week.home.start()
    await week.go_on(3)
    await week.check()
