"""The model of the recorder, row by row against the real one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
import logging
from operator import itemgetter
from random import Random
from typing import Any, Literal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    PurgeTask,
    StatisticsTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_purge_done,
    async_wait_recording_done,
)

from custom_components.cemm.days import HOUR
from custom_components.cemm.history.recorder import SHORT_TERM, async_stored
from custom_components.cemm.history.rows import Row

from .recorder_model import DuplicateRowError, RecorderModel

type Period = Literal["5minute", "hour"]
type Rows = dict[int, Row]
type StateClass = Literal["total_increasing", "total"]

# 25 minutes before a full hour.
START = 1_762_342_500
PERIODS: tuple[Period, ...] = ("5minute", "hour")
STATE_CLASSES: tuple[StateClass, ...] = ("total_increasing", "total")


@pytest.fixture
def needed() -> Sequence[str]:
    """Return what is needed without the integration."""
    return ("_at_the_start",)


@pytest.fixture
def _at_the_start(freezer: FrozenDateTimeFactory) -> Iterator[None]:
    """Begin at a fixed time.

    A new database notes the last period as one that is done.
    """
    freezer.move_to(dt_util.utc_from_timestamp(START))
    # It would tell of every reset.
    logger = logging.getLogger("homeassistant.components.sensor.recorder")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


@pytest.fixture
def persistent_database() -> bool:
    """Keep the database in a file, with connections of their own for readers."""
    return True


@pytest.fixture
def recorder_config() -> dict[str, Any]:
    """Store states when they are needed; delete what is older than a day."""
    return {"commit_interval": 3600, "purge_keep_days": 1}


@dataclass
class Sensor:
    """A sensor of the real Home Assistant, and its model."""

    entity_id: str
    state_class: StateClass
    model: RecorderModel
    value: float | None = None
    time: float = 0.0
    use: list[object] = field(default_factory=list)
    """What happened, for who wants to know why a test fails."""

    @property
    def attributes(self) -> dict[str, str]:
        return {
            "device_class": "energy",
            "state_class": self.state_class,
            "unit_of_measurement": "kWh",
        }


class Both:
    """The real recorder and the models, to which the same happens."""

    def __init__(
        self, hass: HomeAssistant, recorder: Recorder, freezer: FrozenDateTimeFactory
    ) -> None:
        self._hass = hass
        self._recorder = recorder
        self._freezer = freezer
        self.sensors: list[Sensor] = []
        self.now = START

    def add(self, number: int, state_class: StateClass) -> Sensor:
        model = RecorderModel(state_class, keep_days=1)
        sensor = Sensor(f"sensor.{state_class}_{number}", state_class, model)
        self.sensors.append(sensor)
        return sensor

    def write(self, sensor: Sensor, at: float, value: float | None) -> None:
        sensor.use.append((at, value))
        sensor.time, sensor.value = at, sensor.value if value is None else value
        sensor.model.write(at, value)
        # Whole numbers too, as text, have no more than one form.
        state = "unavailable" if value is None else str(float(value))
        self._hass.states.async_set(
            sensor.entity_id, state, sensor.attributes, timestamp=at
        )

    async def compile(self) -> None:
        """End the period."""
        self._recorder.queue_task(
            StatisticsTask(dt_util.utc_from_timestamp(self.now), fire_events=False)
        )
        await self._go_on(1)

    async def outage(self, random: Random, periods: int) -> None:
        """Stop within a period, start again within a later one's last, and catch up."""
        await self._hass.async_block_till_done()
        self._hass.states._states.clear()
        self._hass.states._states_data.clear()
        for sensor in self.sensors:
            sensor.use.append("restart")
            sensor.model.restart()
            # At its start, Home Assistant writes down what it knows, if only the names.
            part = random.choice((1, random.random()))
            at = self.now + (periods - part) * SHORT_TERM
            self.write(sensor, at, random.choice((None, sensor.value)))
        self._freezer.move_to(
            dt_util.utc_from_timestamp(self.now + periods * SHORT_TERM)
        )
        self._recorder.queue_task(CompileMissingStatisticsTask())
        await self._go_on(periods)

    async def _go_on(self, periods: int) -> None:
        await async_stored(self._hass)
        self.now += periods * SHORT_TERM
        for sensor in self.sensors:
            sensor.model.compile(self.now)

    def adjust(self, sensor: Sensor, start: float, amount: float) -> None:
        sensor.use.append(("adjust", start, amount))
        sensor.model.adjust(start, amount)
        self._recorder.async_adjust_statistics(
            sensor.entity_id, dt_util.utc_from_timestamp(start), amount, "kWh"
        )

    async def purge(self, before: float) -> None:
        for sensor in self.sensors:
            sensor.use.append(("purge", before))
            sensor.model.purge(before)
        self._recorder.queue_task(
            PurgeTask(
                dt_util.utc_from_timestamp(before), repack=False, apply_filter=False
            )
        )
        await async_wait_purge_done(self._hass)

    def import_row(self, sensor: Sensor, period: Period, row: Row) -> None:
        sensor.use.append(("import", period, row))
        if period == "hour":
            sensor.model.import_hours([row])
        else:
            sensor.model.import_five_minutes([row])
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=sensor.entity_id,
            unit_class="energy",
            unit_of_measurement="kWh",
        )
        data = StatisticData(
            start=dt_util.utc_from_timestamp(row.start), state=row.state, sum=row.sum
        )
        self._recorder.async_import_statistics(
            metadata, [data], Statistics if period == "hour" else StatisticsShortTerm
        )

    async def rows(self, period: Period) -> dict[str, Rows]:
        await async_wait_recording_done(self._hass)
        found = await self._recorder.async_add_executor_job(
            lambda: statistics_during_period(
                self._hass,
                dt_util.utc_from_timestamp(0),
                None,
                {sensor.entity_id for sensor in self.sensors},
                period,
                None,
                {"state", "sum"},
            )
        )
        return {
            entity_id: {
                int(row["start"]): Row(int(row["start"]), row["state"], row["sum"])
                for row in rows
            }
            for entity_id, rows in found.items()
        }

    async def compare(self) -> Counter[str]:
        """Compare all rows, and return how many there are."""
        compared = Counter[str]()
        for period in PERIODS:
            rows = await self.rows(period)
            for sensor in self.sensors:
                real = rows.get(sensor.entity_id, {})
                model = (
                    sensor.model.five_minutes
                    if period == "5minute"
                    else sensor.model.hours
                )
                compared[period] += len(real)
                assert {
                    start: (real.get(start), model.get(start))
                    for start in sorted(real | model)
                    if real.get(start) != model.get(start)
                } == {}, (sensor.entity_id, sensor.use)
        return compared


@pytest.fixture
async def both(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> Both:
    assert await async_setup_component(hass, "sensor", {})
    await async_wait_recording_done(hass)
    return Both(hass, recorder_mock, freezer)


def times(random: Random, start: int) -> list[float]:
    """Return when states are written in a period, more often at its very edges."""
    count = random.choice((0, 0, 1, 1, 2, 5))
    end = start + SHORT_TERM
    edges = (start, (end * 1_000_000 - 1) / 1_000_000, end - 2e-6, end - 2.5e-7)
    return sorted(
        {
            random.choice(edges)
            if random.random() < 0.3
            else start + random.random() * SHORT_TERM
            for _ in range(count)
        }
    )


def value(random: Random, old: float | None) -> float | None:
    """Return what may follow a value: mostly more."""
    if old is None:
        return random.choice((None, 0.0, 0.5, 1234.567, -3.0))
    return random.choice(
        (
            old,
            old + round(random.random(), 3),
            old + round(random.random() * 100, 3),
            old + random.random(),
            old * (1 - random.random() * 0.1),
            0.9 * old,
            old * (0.9 - random.random() * 0.1),
            old * random.random(),
            0.0,
            0.0 - old,
            None,
        )
    )


def happen(random: Random, both: Both) -> None:
    """Let every sensor count for one period."""
    # The recorder takes the first state that it gets for the oldest.
    writes = sorted(
        ((at, sensor) for sensor in both.sensors for at in times(random, both.now)),
        key=itemgetter(0),
    )
    for at, sensor in writes:
        if at > sensor.time:
            both.write(sensor, at, value(random, sensor.value))
    for sensor in both.sensors:
        if random.random() < 0.1:
            # On a full minute, and with seconds.
            back = random.randrange(0, 3 * HOUR, random.choice((60, 1)))
            both.adjust(sensor, both.now - back, random.uniform(-50, 50))
        if random.random() < 0.05:
            # What is past, be there a row or not.
            start = both.now - 2 * SHORT_TERM
            row = Row(start, random.uniform(0, 50), random.uniform(-50, 50))
            both.import_row(sensor, "5minute", row)
        if random.random() < 0.05:
            start = (both.now // HOUR - random.choice((1, 2, 5))) * HOUR
            both.import_row(sensor, "hour", Row(start, 1.0, random.uniform(-50, 50)))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.rest)])
async def test_the_model_makes_the_recorders_rows(both: Both, seed: int) -> None:
    random = Random(seed)
    for number, state_class in product(range(40), STATE_CLASSES):
        both.add(number, state_class)
    compared = Counter[str]()
    for _ in range(45):
        happen(random, both)
        if random.random() < 0.1:
            await both.outage(random, random.choice((2, 4, 20)))
        else:
            await both.compile()
        if random.random() < 0.1:
            compared += await both.compare()
            # Never all rows: the recorder would take new ones for those it remembers.
            await both.purge(both.now - random.choice((1, 3, 13, 50)) * SHORT_TERM)
    compared += await both.compare()
    assert compared["5minute"] > 2000
    assert compared["hour"] > 300


async def test_an_outage_longer_than_states_are_kept(both: Both) -> None:
    """Only the last day is made up for, since the full hour."""
    random = Random(1)
    for number, state_class in product(range(3), STATE_CLASSES):
        both.add(number, state_class)
    for _ in range(5):
        happen(random, both)
        await both.compile()
    await both.outage(random, 31 * HOUR // SHORT_TERM + 5)
    happen(random, both)
    await both.compile()
    compared = await both.compare()
    assert compared["hour"] > 24
    # What was before the outage is gone now, and with it the sums of some.
    await both.purge(both.now - 24 * HOUR)
    for _ in range(20):
        happen(random, both)
        await both.compile()
    await both.compare()


async def test_a_row_that_is_there_costs_all_rows_of_the_period(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """That is why the model refuses to go on."""
    imported, other = both.add(1, "total"), both.add(2, "total")
    for sensor in both.sensors:
        both.write(sensor, START + 1, 1.0)
    for _ in range(4):
        await both.compile()
    await both.compare()
    hour = START // HOUR * HOUR
    both.import_row(imported, "hour", Row(hour, 5.0, 5.0))
    with pytest.raises(DuplicateRowError):
        await both.compile()
    assert "Blocked attempt to insert duplicated statistic rows" in caplog.text
    assert len((await both.rows("5minute"))[other.entity_id]) == 4
    assert other.entity_id not in await both.rows("hour")
