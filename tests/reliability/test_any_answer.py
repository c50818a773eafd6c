"""Any answer to any question, at the start and later: it costs nothing but itself."""

from asyncio import all_tasks, create_task, sleep
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import ours, poll, value

pytestmark = [
    pytest.mark.freeze_time("2026-06-10 12:00:07"),
    pytest.mark.usefixtures("no_pauses"),
]

STATUSES = (400, 403, 404, 408, 412, 429, 500, 502, 503)
BODIES = ({"data": None}, {}, {"data": []}, [], b"", b"<html>")
ODD = [
    *(("status", status) for status in (*STATUSES, 202)),
    *(("body", body) for body in BODIES),
]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the meter that is read by it, if it is but one."""

    path: str
    alias: str = ""
    key: str = ""


QUESTIONS = {
    "local": [
        Question("/open-api/v1/$"),
        Question("/io/$"),
        Question("/s01/realtime/", "s01", "electric_power"),
        Question("/usage/realtime/", "usage", "electric_power"),
    ],
    "remote": [
        Question("/cemm/$"),
        Question("/io/$"),
        Question("/s01/$"),
        Question("/s01/realtime/", "s01", "electric_power"),
        Question("/s01/totals/", "s01", "energy_import"),
    ],
}
SAMPLE = ("/s01/totals/", "/cemm/$")
ASKED = [
    pytest.param(
        *(api, question),
        id=f"{api} {question.path}",
        marks=[pytest.mark.rest] * (question.path not in SAMPLE),
    )
    for api, questions in QUESTIONS.items()
    for question in questions
]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, but for I/Os that the remote API can't address."""
    return [line for line in ours(caplog) if "I/O" not in line]


async def goes_on(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, watts: int
) -> None:
    """Expect p1's next value within 65 seconds."""
    sim.faults.append(shown := Fault("value", value=("p1", "electric_power", watts)))
    await poll(hass, freezer, 70, step=10)
    assert value(hass, "p1", "electric_power") == str(watts)
    sim.faults.remove(shown)


def is_refused(api: str, question: Question, odd: tuple[str, object]) -> bool:
    """Tell whether the key itself is refused: only that may stop everything."""
    return api == "remote" and question.path == "/cemm/$" and odd in REFUSALS


REFUSALS = [("status", 403), ("body", {"data": []})]


@pytest.mark.parametrize(("api", "question"), ASKED)
async def test_later(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    api: str,
    question: Question,
) -> None:
    """All kinds one after the other, each for twenty minutes."""
    caplog.set_level("INFO", "custom_components.cemm")
    entry: MockConfigEntry = request.getfixturevalue(f"{api}_entry")
    await setup(hass, entry)
    for n, (kind, answer) in enumerate(ODD):
        if is_refused(api, question, (kind, answer)):
            continue
        caplog.clear()
        sim.faults.append(Fault(kind, question.path, value=answer))
        # The list of meters is asked anew, so that it matters now.
        entry.runtime_data.coordinator.roster.due = 0
        await goes_on(hass, sim, freezer, 1000 + n)
        await poll(hass, freezer, 1200, step=60)
        await goes_on(hass, sim, freezer, 2000 + n)
        begun = told(caplog)
        assert len(begun) <= 1, begun
        sim.faults.clear()
        await poll(hass, freezer, 3500, step=100)
        ended = told(caplog)
        assert len(ended) == 2 * len(begun), (kind, answer, ended)
        assert entry.state is ConfigEntryState.LOADED
        if question.alias:
            state = value(hass, question.alias, question.key)
            assert state not in (None, STATE_UNAVAILABLE), (kind, answer)
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.parametrize(
    ("api", "questions", "odd"),
    [
        *((api, QUESTIONS[api], odd) for api in QUESTIONS for odd in ODD),
        *(
            pytest.param(api, [question], odd, marks=pytest.mark.rest)
            for api, questions in QUESTIONS.items()
            for question in questions
            for odd in ODD
        ),
    ],
    ids=str,
)
async def test_at_the_start(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    api: str,
    questions: list[Question],
    odd: tuple[str, object],
) -> None:
    """All questions but those of p1 and the gas meter at once, and each alone."""
    caplog.set_level("INFO", "custom_components.cemm")
    kind, answer = odd
    asked = [q for q in questions if not is_refused(api, q, odd)]
    sim.faults += [Fault(kind, question.path, value=answer) for question in asked]
    entry = await setup(hass, request.getfixturevalue(f"{api}_entry"))
    assert entry.state is ConfigEntryState.LOADED
    await poll(hass, freezer, 300, step=60)
    await goes_on(hass, sim, freezer, 1000)
    sim.faults.clear()
    await poll(hass, freezer, 3600, step=100)
    for alias, key in (("p1", "t1"), ("s01", "electric_power"), ("p1-gas", "gas")):
        assert value(hass, alias, key) not in (None, STATE_UNAVAILABLE), alias
    for question in filter(lambda q: q.alias, questions):
        state = value(hass, question.alias, question.key)
        assert state not in (None, STATE_UNAVAILABLE), question
    lines = told(caplog)
    begun = [line for line in lines if " no " in line]
    assert len(begun) <= len(asked)
    assert len(lines) == 2 * len(begun), lines


@pytest.mark.parametrize("odd", REFUSALS, ids=str)
@pytest.mark.parametrize("at_start", [True, False])
async def test_a_key_that_is_refused_for_a_while(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    remote_entry: MockConfigEntry,
    odd: tuple[str, object],
    at_start: bool,
) -> None:
    """The user is asked for another key, and need not answer if it is accepted again."""
    if not at_start:
        await setup(hass, remote_entry)
    kind, answer = odd
    path = "" if kind == "status" else "/cemm/$"
    sim.faults.append(Fault(kind, path, api="remote", value=answer))
    if at_start:
        await setup(hass, remote_entry)
        assert remote_entry.state is ConfigEntryState.SETUP_ERROR
    await poll(hass, freezer, 700, step=50)
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    sim.requests.clear()

    await poll(hass, freezer, 2 * 3600, step=300)
    # It is not asked more than that.
    assert len(sim.requests) <= 3
    assert len(hass.config_entries.flow.async_progress()) == 1

    sim.faults.clear()
    await poll(hass, freezer, 3900, step=60)
    while remote_entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
        await hass.async_block_till_done(wait_background_tasks=True)
    assert not hass.config_entries.flow.async_progress()
    assert remote_entry.state is ConfigEntryState.LOADED
    await goes_on(hass, sim, freezer, 1234)


async def test_a_refused_key_is_not_asked_for_once_the_cemm_is_gone(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    remote_entry: MockConfigEntry,
) -> None:
    sim.faults.append(Fault("status", api="remote", value=403))
    await setup(hass, remote_entry)
    await hass.config_entries.async_remove(remote_entry.entry_id)
    sim.requests.clear()
    freezer.tick(timedelta(hours=2))
    await poll(hass, freezer, 3600, step=600)
    assert not sim.requests


@pytest.mark.parametrize(
    "path", ["/totals/", "/io/$", "/s01/", "/s01/$|/s01/realtime/"]
)
async def test_what_a_key_may_not_do_is_named_and_asks_for_no_other(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    caplog: pytest.LogCaptureFixture,
    remote_entry: MockConfigEntry,
    path: str,
) -> None:
    sim.faults.append(Fault("status", path, api="remote", value=403))
    await setup(hass, remote_entry)
    await poll(hass, freezer, 7200, step=60)
    await goes_on(hass, sim, freezer, 1234)
    assert not hass.config_entries.flow.async_progress()
    assert len([line for line in ours(caplog) if "403" in line]) == (
        3 if path == "/totals/" else 1
    )


async def pass_by(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float, step: float
) -> None:
    """Let time pass in steps, and while something waits for an answer."""
    end = time() + seconds
    while time() < end:
        freezer.tick(step)
        async_fire_time_changed(hass)
        await waited(hass, freezer)


async def waited(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    while any(t.get_name().endswith(("refresh", "set up")) for t in all_tasks()):
        # A slow answer takes the time of the test, too.
        for _ in range(20):
            await sleep(0)
        freezer.tick(0.2)
    await hass.async_block_till_done()


@pytest.mark.parametrize("which", ["local", "remote"])
@pytest.mark.parametrize("path", ["/s01/", "/s01/|/p1-gas/|/usage/|/totals/"])
async def test_a_meter_that_hangs_is_asked_seldom_and_costs_no_other(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *,
    request: pytest.FixtureRequest,
    which: str,
    path: str,
) -> None:
    def asked(alias: str) -> int:
        paths = [request.path for request in sim.requests]
        return sum(f"/{alias}/realtime/" in path for path in paths)

    entry = await setup(hass, request.getfixturevalue(f"{which}_entry"))
    await pass_by(hass, freezer, 300, 10)
    sim.requests.clear()
    await pass_by(hass, freezer, 600, 5)
    before = asked("p1")

    sim.requests.clear()
    sim.faults.append(Fault("latency", path, value=1000))
    for _ in range(20):
        await pass_by(hass, freezer, 30, 5)
        assert value(hass, "p1", "electric_power") != STATE_UNAVAILABLE
    # A hang is borne once; after that it costs nothing.
    assert asked("p1") >= before - (3 if which == "local" else 2)
    assert 1 <= asked("s01") <= 4
    sim.faults.append(Fault("value", value=("p1", "electric_power", 1234)))
    sim.faults.reverse()
    await pass_by(hass, freezer, 70, 5)
    assert value(hass, "p1", "electric_power") == "1234"

    sim.faults.clear()
    await pass_by(hass, freezer, 700, 5)
    assert entry.runtime_data.coordinator.data["s01"].available


async def test_additional_aliases_that_hang_do_not_prevent_loading(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    local_entry: MockConfigEntry,
) -> None:
    extra = [f"mb{n}" for n in range(5, 12)]
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        local_entry, options={"extra_aliases": extra}
    )
    sim.house.meters["mb7"] = sim.house.meters["mb5"]
    sim.house.io_list = False
    sim.faults.append(Fault("latency", r"/mb\d+/realtime/", value=1000))
    task = create_task(setup(hass, local_entry), name="set up")
    await waited(hass, freezer)
    await task
    assert local_entry.state is ConfigEntryState.LOADED
    # Ten seconds each: when two have broken off, the others are left for later.
    assert len([request for request in sim.requests if "/mb" in request.path]) == 2
    for n in range(60):
        await pass_by(hass, freezer, 20, 5)
        assert value(hass, "p1", "electric_power") != STATE_UNAVAILABLE, n
    sim.requests.clear()
    await pass_by(hass, freezer, 600, 5)
    p1 = [request for request in sim.requests if "/p1/realtime/" in request.path]
    assert len(p1) > 36  # as without any that hangs

    sim.faults.clear()
    await pass_by(hass, freezer, 700, 5)
    assert value(hass, "mb5", "t1") not in (None, STATE_UNAVAILABLE)
    assert value(hass, "mb7", "t1") not in (None, STATE_UNAVAILABLE)


async def test_a_refused_key_that_somebody_tries_is_accepted_at_once(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    remote_entry: MockConfigEntry,
) -> None:
    await setup(hass, remote_entry)
    sim.faults.append(Fault("status", api="remote", value=403))
    await poll(hass, freezer, 120, step=60)
    assert hass.config_entries.flow.async_progress()
    sim.faults.clear()
    await remote_entry.runtime_data.coordinator.async_refresh()
    assert not hass.config_entries.flow.async_progress()
    await goes_on(hass, sim, freezer, 1234)


async def test_a_meter_that_is_asked_alone_and_fails_is_no_outage(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    local_entry: MockConfigEntry,
) -> None:
    """One more question shows that the CEMM answers: no poll failed."""
    await setup(hass, local_entry)
    await poll(hass, freezer, 600, step=10)
    coordinator = local_entry.runtime_data.coordinator
    sim.faults.append(Fault("status", "/p1-gas/", value=500))
    for alias in coordinator.roster.listed:
        coordinator._meters[alias].schedule.due = monotonic() + 30
    coordinator._meters["p1-gas"].schedule.due = 0.0
    coordinator._planned = 0.0
    sim.requests.clear()
    await coordinator._async_refresh(scheduled=True)
    assert len(sim.requests) == 2
    assert coordinator._outage.failed_polls == 0
