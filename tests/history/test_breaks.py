"""What a meter's readings do when they change their meaning, and what the recorder books."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.tasks import PurgeTask
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.const import DOMAIN
from custom_components.cemm.history.recorder import async_stored
from custom_components.cemm.repairs import ChangeFlow, async_create_fix_flow
from simulator import Simulator
from tests.helpers.common import issues
from tests.helpers.lab import Answer, Lab
from tests.helpers.table import Tried

POWER = 3.0
"""kW that are used all the time; of gas and water m³ per hour."""

pytestmark = pytest.mark.freeze_time("2026-06-10 12:07:01+00:00")


def p1(
    t1: float | None, t2: float | None = None, totals: Answer | None = None
) -> Answer:
    return {"t1": t1, "t2": t2, "t3": None, "t4": None}, totals


@dataclass(frozen=True)
class Case:
    """A change of meaning, told by what was used since the beginning."""

    before: Callable[[float], Answer]
    after: Callable[[float], Answer]
    used: tuple[str, ...] = ("t1", "energy_import")
    """The statistics that what is used is counted by."""
    told: str | None = None
    """The issue that is raised."""
    meter: tuple[str, str] = ("p1", "p1")
    back_after: float | None = None
    """When it is as before again."""


def split(low: float, high: float | None) -> dict[str, float | None]:
    return {"t1": low, "t2": high, "t3": None, "t4": None}


CASES = {
    "totals begin": Case(
        lambda u: (split(8204 + u, None), None),
        lambda u: (split(8204 + u, None), split(5000 + u, 3204)),
        told="meter_remade",
    ),
    "totals end": Case(
        lambda u: (split(8204 + u, None), split(5000 + u, 3204)),
        lambda u: (split(8204 + u, None), None),
        told="meter_remade",
    ),
    "totals end on a young meter": Case(
        lambda u: (split(1 + u, None), split(0.3 + u, 0.7)),
        lambda u: (split(1 + u, None), None),
        told="meter_remade",
    ),
    "totals begin and say the same": Case(
        lambda u: (split(5000 + u, 3000), None),
        lambda u: (split(5000 + u, 3000), split(5000 + u, 3000)),
    ),
    "another meter with one tariff": Case(
        lambda u: (split(2000 + u, 4000), None),
        lambda u: (split(5 + u, None), None),
        told="meter_replaced",
    ),
    "another meter that begins at 300": Case(
        lambda u: (split(5000 + u, 0), None),
        lambda u: (split(300 + u, 0), None),
        told="meter_replaced",
    ),
    "another meter with nearly the same total": Case(
        lambda u: (split(5000 + u, 3000), None),
        lambda u: (split(4000 + u, 3704), None),
        told="meter_replaced",
    ),
    "another meter with the same total": Case(
        lambda u: (split(5000 + u, 3000), None),
        lambda u: (split(4000 + u, 4000), None),
        told="meter_replaced",
    ),
    "another meter that begins at 0": Case(
        lambda u: (split(5000 + u, 3000), None),
        lambda u: (split(max(u - 0.5, 0), 0), None),
        told="meter_replaced",
    ),
    "a register rolls over": Case(
        lambda u: (split(99_999 + u, 3000), None),
        lambda u: (split((99_999 + u) % 99_999, 3000), None),
        told="meter_replaced",
    ),
    "a leap that stays": Case(
        lambda u: (split(1000 + u, 3000), None),
        lambda u: (split(5000 + u, 3000), None),
        told="meter_leapt",
    ),
    "a leap of one register": Case(
        lambda u: (split(1000 + u, 3000), None),
        lambda u: (split(1000 + u, 3050), None),
        told="meter_leapt",
    ),
    "a register appears": Case(
        lambda u: (split(1000 + u, None), None),
        lambda u: (split(1000 + u, 3000), None),
    ),
    "a register at 0 has always been more": Case(
        lambda u: (split(1000 + u, 0), None),
        lambda u: (split(1000 + u, 3000), None),
    ),
    "a register is missing for good": Case(
        lambda u: (split(1000 + u, 3000), None),
        lambda u: (split(1000 + u, None), None),
    ),
    "one answer of 50 more": Case(
        lambda u: (split(100 + u, 0), None),
        lambda u: (split(150 + u, 0), None),
        back_after=10,
    ),
    "one answer of 5 more": Case(
        lambda u: (split(100 + u, 0), None),
        lambda u: (split(105 + u, 0), None),
        back_after=10,
    ),
    "registers change places": Case(
        lambda u: (split(4000 + u, 6000), None),
        lambda u: (split(6000, 4000 + u), None),
        back_after=240,
    ),
    "registers change places for half an hour": Case(
        lambda u: (split(4000 + u, 6000), None),
        lambda u: (split(6000, 4000 + u), None),
        back_after=1800,
        # While it is believed, the other register counts.
        used=("t1", "t2", "energy_import"),
        told="meter_replaced",
    ),
    "all at 0 for a quarter of an hour": Case(
        lambda u: (split(4000 + u, 6000), None),
        lambda u: (split(0, 0), None),
        back_after=840,
    ),
    "all at 0 for half an hour": Case(
        lambda u: (split(4000 + u, 6000), None),
        lambda u: (split(0, 0), None),
        back_after=1800,
        told="meter_replaced",
    ),
    "a pulse counter set back": Case(
        lambda u: ({"volume": 20 + u, "flow": 1}, None),
        lambda u: ({"volume": 17 + u, "flow": 1}, None),
        used=("volume",),
        told="meter_replaced",
        meter=("pulse-2", "water"),
    ),
    "another gas meter": Case(
        lambda u: ({"gas": 5000 + u}, None),
        lambda u: ({"gas": 700 + u}, None),
        used=("gas",),
        told="meter_replaced",
        meter=("p1-gas", "gas"),
    ),
    "a pulse meter for electricity is replaced": Case(
        lambda u: ({"electric_energy": 700 + u, "electric_energy_high": 900}, None),
        lambda u: ({"electric_energy": u, "electric_energy_high": 0}, None),
        used=("electric_energy", "energy_import"),
        told="meter_replaced",
        meter=("s01", "electricity"),
    ),
}
FIRST = {
    "gas at 0 for two minutes": (
        120,
        Case(
            lambda u: ({"gas": 0}, None),
            lambda u: ({"gas": 5000 + u}, None),
            used=("gas",),
            meter=("p1-gas", "gas"),
        ),
    ),
    "all registers at 0 for six minutes": (
        360,
        Case(
            lambda u: (split(0, 0), None),
            lambda u: (split(5000 + u, 6000), None),
        ),
    ),
    "one register at 0 for six minutes": (
        360,
        Case(
            lambda u: (split(5000 + u, 0), None),
            lambda u: (split(5000 + u, 6000), None),
        ),
    ),
    "all registers at 0 for half an hour": (
        1800,
        Case(
            lambda u: (split(0, 0), None),
            lambda u: (split(5000 + u, 6000), None),
        ),
    ),
    "water at 0 for one answer": (
        10,
        Case(
            lambda u: ({"volume": 0, "flow": 1}, None),
            lambda u: ({"volume": 0.4 + u, "flow": 1}, None),
            used=("volume",),
            meter=("pulse-2", "water"),
        ),
    ),
}


@pytest.fixture
def recorder_config() -> dict[str, int]:
    return {"commit_interval": 3600}


@pytest.fixture
def build(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> Callable[[Case], Lab]:
    """Return what makes a lab in which a case happens."""

    def lab(case: Case) -> Lab:
        found = Lab(sim, freezer, *case.meter)
        found.hass, found.entry = hass, local_entry
        return found

    return lab


def used_since(begin: float, now: float) -> float:
    return POWER * (now - begin) / 3600


async def assert_right(
    lab: Lab, case: Case, sums: dict[str, float], used: float, doubt: float = 1200
) -> None:
    """Book what was used, or a little less: without that of the time of doubt."""
    found = await lab.sums()
    for key in sums.keys() | found.keys():
        rise = found[key] - sums.get(key, 0.0)
        most = used if key in case.used else 0.0
        assert most - POWER * doubt / 3600 <= rise <= most + 0.01, (key, rise, used)


def assert_no_spike(rows: dict[str, tuple[list, list]], most: float) -> None:
    """Rise by no more than was used in any row, and fall in none."""
    for key, tables in rows.items():
        for table in tables:
            for old, new in pairwise(table):
                assert -1e-6 <= new.sum - old.sum <= most, (key, old, new)


RESTARTS = [
    None,
    pytest.param(20, marks=pytest.mark.rest),
    pytest.param(400, marks=pytest.mark.rest),
    pytest.param(720, marks=pytest.mark.rest),
]


# One of each kind; the others are tried with `--all`.
SAMPLE = {
    "totals begin",
    "another meter that begins at 300",
    "a leap that stays",
    "registers change places",
    "one register at 0 for six minutes",
}


def sampled(cases: Mapping[str, object]) -> Iterator[object]:
    """Yield the cases, of which most are left out of the sample."""
    for name, case in cases.items():
        marks = () if name in SAMPLE else pytest.mark.rest
        values = case if isinstance(case, tuple) else (case,)
        yield pytest.param(*values, id=name, marks=marks)


@pytest.mark.parametrize("restart", RESTARTS, ids=str)
@pytest.mark.parametrize("case", sampled(CASES))
async def test_a_change_of_meaning_is_no_use(
    build: Callable[[Case], Lab],
    case: Case,
    restart: float | None,
    request: pytest.FixtureRequest,
    tried: Tried,
) -> None:
    lab = build(case)
    begin = lab.now
    lab.script = lambda at: case.before(used_since(begin, at))
    await lab.start()
    await lab.go_on(1200)
    changed = lab.now
    first = await lab.sums()

    def script(at: float) -> Answer:
        is_over = case.back_after and at > changed + case.back_after
        now = case.before if at <= changed or is_over else case.after
        return now(used_since(begin, at))

    lab.script = script
    if restart:
        await lab.go_on(restart)
        await lab.restart(after=10)
        await lab.go_on(1500 - restart - 10)
    else:
        await lab.go_on(1500)
    doubt = 1200.0
    if not (case.back_after and case.back_after > 1500):
        await assert_right(lab, case, first, used_since(changed, lab.now), doubt)
    if case.back_after:
        await lab.go_on(case.back_after)
        doubt += case.back_after
        await assert_right(lab, case, first, used_since(changed, lab.now), doubt)
    found = [key for key in issues(lab.hass) if key.startswith("meter_")]
    assert found == ([case.told] if case.told else [])

    await lab.go_on(3600)
    rows = await lab.rows()
    assert_no_spike(rows, POWER + 0.1)
    assert await lab.rows() == rows
    assert not lab.entry.runtime_data.history._ledger.breaks
    if restart is None:
        kind = request.node.callspec.id.removesuffix("-None")
        tried(f"Readings that change their meaning: {kind}", len(rows))


@pytest.mark.parametrize(("seconds", "case"), sampled(FIRST))
async def test_a_first_0_is_worth_nothing(
    build: Callable[[Case], Lab],
    case: Case,
    seconds: float,
    request: pytest.FixtureRequest,
    tried: Tried,
) -> None:
    lab = build(case)
    begin = lab.now
    lab.script = lambda at: (case.after if at > begin + seconds else case.before)(
        used_since(begin, at)
    )
    await lab.start()
    await lab.go_on(seconds + 1500)
    await assert_right(lab, case, {}, used_since(begin, lab.now), seconds + 1200)
    assert not [key for key in issues(lab.hass) if key.startswith("meter_")]
    await lab.go_on(3600)
    rows = await lab.rows()
    assert_no_spike(rows, POWER + 0.1)
    tried(f"Readings that begin with 0: {request.node.callspec.id}", len(rows))


async def test_one_answer_after_hours_without_home_assistant(
    build: Callable[[Case], Lab],
) -> None:
    case = CASES["a leap that stays"]
    lab = build(case)
    begin = lab.now
    lab.script = lambda at: case.before(used_since(begin, at))
    await lab.start()
    await lab.go_on(1200)
    first = await lab.sums()
    stopped = lab.now
    back = lab.now + 5 * 3600
    lab.script = lambda at: (case.after if at < back + 10 else case.before)(
        used_since(begin, at)
    )
    await lab.restart(after=5 * 3600)
    await lab.go_on(1500)
    await assert_right(lab, case, first, used_since(stopped, lab.now))
    assert not issues(lab.hass)


async def leap(build: Callable[[Case], Lab], before: float = 1200) -> tuple[Lab, float]:
    """Let the readings leap for good, and the sums be right again."""
    lab, case = build(CASES["a leap that stays"]), CASES["a leap that stays"]
    begin = lab.now
    lab.script = lambda at: case.before(used_since(begin, at))
    await lab.start()
    await lab.go_on(before)
    lab.script = lambda at: case.after(used_since(begin, at))
    await lab.go_on(1500)
    return lab, begin


@pytest.mark.parametrize("after", [600, pytest.param(3 * 3600, marks=pytest.mark.rest)])
async def test_the_user_says_that_it_was_use(
    build: Callable[[Case], Lab], after: float
) -> None:
    lab, begin = await leap(build)
    await lab.go_on(after)
    (issue,) = [each for key, each in issues(lab.hass).items() if key == "meter_leapt"]
    assert issue.translation_placeholders
    assert "→" in issue.translation_placeholders["changes"]
    flow = await async_create_fix_flow(lab.hass, issue.issue_id, issue.data)
    flow.hass, flow.handler, flow.issue_id = lab.hass, DOMAIN, issue.issue_id
    assert isinstance(flow, ChangeFlow)
    menu = await flow.async_step_init()
    assert menu["menu_options"] == ["dismiss", "was_use"]
    assert (await flow.async_step_was_use())["type"] == "create_entry"

    for _ in range(2):
        await lab.go_on(600)
        sums, used = await lab.sums(), used_since(begin, lab.now)
        assert sums["t1"] == pytest.approx(4000 + used, abs=0.1)
        assert sums["energy_import"] == pytest.approx(4000 + used, abs=0.1)
        assert sums["t2"] == 0


@pytest.mark.rest
async def test_what_was_deleted_from_the_five_minutes_is_in_the_hours(
    build: Callable[[Case], Lab], recorder_mock: Recorder
) -> None:
    """The user may say so after weeks."""
    lab, begin = await leap(build, before=3600)
    (issue,) = [each for key, each in issues(lab.hass).items() if key == "meter_leapt"]
    await lab.go_on(2 * 3600)
    now = datetime.fromtimestamp(lab.now - 3000, UTC)
    recorder_mock.queue_task(PurgeTask(now, repack=False, apply_filter=False))
    await async_stored(lab.hass)
    flow = await async_create_fix_flow(lab.hass, issue.issue_id, issue.data)
    assert isinstance(flow, ChangeFlow)
    flow.hass = lab.hass
    await flow.async_step_was_use()
    await lab.go_on(600)
    sums, used = await lab.sums(), used_since(begin, lab.now)
    assert sums["t1"] == pytest.approx(4000 + used, abs=0.1)
    rows = (await lab.rows())["t1"][0]
    used = POWER * (len(rows) - 1)
    assert rows[-1].sum - rows[0].sum == pytest.approx(4000 + used, abs=0.1)


async def test_counters_from_the_totals_of_the_remote_api(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They are asked for every five minutes only."""
    lab = Lab(sim, freezer, "s01", "electricity", question="totals")
    lab.hass, lab.entry = hass, remote_entry
    case = CASES["a pulse meter for electricity is replaced"]
    begin = lab.now
    lab.script = lambda at: case.before(used_since(begin, at))
    await lab.start()
    await lab.go_on(1800)
    changed, first = lab.now, await lab.sums()
    assert first
    lab.script = lambda at: case.after(used_since(begin, at))
    await lab.go_on(1800)
    await assert_right(lab, case, first, used_since(changed, lab.now))
    assert "meter_replaced" in issues(hass)
    await lab.go_on(3600)
    assert_no_spike(await lab.rows(), POWER + 0.3)
