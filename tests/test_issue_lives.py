"""An issue is there exactly as long as its cause is, and so is what the user decided about it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import json
from pathlib import Path
from string import Formatter
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import cemm
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.issues import LASTING
from simulator import Fault, SimMeter, Simulator, Source
from simulator.ledger import Registers

from .conftest import MAC, setup
from .helpers.common import issues, poll, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

DAY = 86_400
OTHER = "00:1E:C0:00:00:01"
TEXTS = {
    path.stem: json.loads(path.read_text())["issues"]
    for path in (Path(cemm.__file__).parent / "translations").glob("*.json")
}


class Home:
    """A CEMM, the Home Assistant that reads it, and the time that passes."""

    def __init__(
        self,
        hass: HomeAssistant,
        sim: Simulator,
        entry: MockConfigEntry,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        self.hass, self.sim, self.entry, self.freezer = hass, sim, entry, freezer

    async def go_on(self, seconds: float, step: float = 10) -> None:
        for _ in range(round(seconds / step)):
            await poll(self.hass, self.freezer, step, step)
            # What could not be set up is tried again in the background; time stands still.
            for _ in range(2000):
                if self.entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
                    await asyncio.sleep(0)

    async def reload(self) -> None:
        await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.hass.async_block_till_done()

    async def restart(self) -> None:
        """Forget all that ends with Home Assistant, and read what it has stored."""
        await self.hass.config_entries.async_unload(self.entry.entry_id)
        for key in [key for key in self.hass.data if key.startswith(DOMAIN)]:
            del self.hass.data[key]
        registry = ir.async_get(self.hass)
        await registry._store.async_save(
            json.loads(json.dumps(registry._data_to_save()))
        )
        await registry._async_load()
        await setup(self.hass, self.entry)

    def found(self, key: str) -> ir.IssueEntry | None:
        return issues(self.hass).get(key)


type Act = Callable[[Home], Awaitable[None]]


@dataclass(frozen=True)
class Cause:
    """What raises an issue, and what ends it."""

    begin: Act
    end: Act
    connection: str = "local"


async def answers(home: Home) -> None:
    """Wait until what could not be set up is tried again."""
    home.sim.faults.clear()
    home.sim.house.mac = MAC.upper()
    await home.go_on(1500, 100)


async def healed(home: Home) -> None:
    home.sim.faults.clear()
    await home.go_on(70, 5)


async def a_week_later(home: Home) -> None:
    await home.go_on(8 * DAY, DAY)


def fault(fault: Fault, seconds: float, step: float) -> Act:
    async def begin(home: Home) -> None:
        home.sim.faults.append(Fault(fault.kind, fault.path, value=fault.value))
        await home.go_on(seconds, step)

    return begin


async def begins_anew(home: Home) -> None:
    shown = float(value(home.hass, "p1", "t1") or 0)
    home.sim.faults.append(Fault("offset", value=("p1", "t1", 5 - shown)))
    await home.go_on(1300, 100)


async def another_cemm(home: Home) -> None:
    home.sim.faults.append(Fault("drop"))
    await home.go_on(100)
    home.sim.faults.clear()
    home.sim.house.mac = OTHER
    await home.go_on(100)


def unsaid(alias: str) -> Cause:
    """Return the cause that a meter of this alias does not say what it counts."""

    async def begin(home: Home) -> None:
        home.sim.house.meters[alias] = SimMeter(9, "pulse", Source.WATER)
        await home.go_on(1500, 60)

    async def end(home: Home) -> None:
        home.sim.house.meters[alias].type = "water"
        await home.go_on(1500, 60)

    return Cause(begin, end)


async def other_inputs(home: Home) -> None:
    meters = home.sim.house.meters
    if "s03" not in meters:
        meters["s02"] = SimMeter(8, "electricity", Source.EV, start=Registers(900_000))
        meters["s03"] = SimMeter(
            9, "electricity", Source.SOLAR, start=Registers(6_780_000)
        )
        await home.go_on(1800, 60)
    meters["s02"], meters["s03"] = meters["s03"], meters["s02"]
    await home.reload()
    await home.go_on(1800, 30)


async def dismissed(home: Home) -> None:
    issue = home.found("inputs_swapped")
    assert issue
    ir.async_delete_issue(home.hass, DOMAIN, issue.issue_id)


OUT_OF_REACH = fault(Fault("status", value=502), DAY + 7200, 3600)
CAUSES = {
    "meter_stopped": Cause(fault(Fault("frozen", value="p1"), 390, 30), healed),
    "meter_leapt": Cause(
        fault(Fault("offset", value=("p1", "t1", 7000)), 1300, 100), a_week_later
    ),
    "meter_replaced": Cause(begins_anew, a_week_later),
    "meter_remade": Cause(
        fault(Fault("without", "/mb5/", value=["totals"]), 1300, 100), a_week_later
    ),
    "inputs_swapped": Cause(other_inputs, dismissed),
    "volume_kind": unsaid("pulse-1"),
    "volume_kind of s01": unsaid("s01"),
    "volume_kind of mb7": unsaid("mb7"),
    "wrong_device": Cause(another_cemm, answers),
    "cemm_unreachable": Cause(OUT_OF_REACH, answers),
    "cemm_unreachable_remote": Cause(OUT_OF_REACH, answers, "remote"),
}


@pytest.fixture
async def home(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    request: pytest.FixtureRequest,
) -> Home:
    connection = CAUSES[request.getfixturevalue("name")].connection
    entry = request.getfixturevalue(f"{connection}_entry")
    return Home(hass, sim, await setup(hass, entry), freezer)


@pytest.fixture
async def raised(home: Home, name: str) -> str:
    """Return the key of the issue that is raised now, and alone."""
    key = name.partition(" ")[0]
    assert not issues(home.hass)
    await CAUSES[name].begin(home)
    assert list(issues(home.hass)) == [key]
    return key


# News, what goes with its cause, and what stays until it is dismissed.
SAMPLE = ("meter_replaced", "meter_stopped", "volume_kind", "inputs_swapped")

every_issue = pytest.mark.parametrize("name", CAUSES)


def test_all_issues_are_here() -> None:
    """That of a wrong clock needs a recorder, see the tests of the history."""
    here = {name.partition(" ")[0] for name in CAUSES}
    assert here == TEXTS["en"].keys() - {"clock_wrong"}


@every_issue
async def test_it_ends_with_its_cause(home: Home, name: str, raised: str) -> None:
    check_texts(home, raised)
    await CAUSES[name].end(home)
    assert not issues(home.hass)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.rest] * (name not in SAMPLE))
        for name in CAUSES
    ],
)
@pytest.mark.parametrize(
    "again", [pytest.param(Home.reload, marks=pytest.mark.rest), Home.restart]
)
@pytest.mark.parametrize("ignored", [pytest.param(False, marks=pytest.mark.rest), True])
async def test_it_stays_and_so_does_what_the_user_decided(
    home: Home, name: str, raised: str, again: Act, ignored: bool
) -> None:
    before = home.found(raised)
    assert before
    if ignored:
        ir.async_ignore_issue(home.hass, DOMAIN, before.issue_id, True)
    for _ in range(2):
        await again(home)
        for _ in range(5):
            after = home.found(raised)
            assert after
            assert bool(after.dismissed_version) is ignored
            assert after.created == before.created
            check_texts(home, raised)
            await home.go_on(130)
    assert list(issues(home.hass)) == [raised]

    await CAUSES[name].end(home)
    assert not issues(home.hass)
    assert not stored(home)


@pytest.mark.rest
@every_issue
async def test_it_does_not_outlive_a_cause_that_ends_while_home_assistant_is_off(
    home: Home, name: str, raised: str
) -> None:
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    await CAUSES[name].end(home)
    await home.restart()
    await home.go_on(1500, 60)
    assert not issues(home.hass)
    assert not stored(home)


@pytest.mark.rest
@every_issue
async def test_what_is_ignored_is_told_when_it_happens_again(
    home: Home, name: str, raised: str
) -> None:
    found = home.found(raised)
    assert found
    ir.async_ignore_issue(home.hass, DOMAIN, found.issue_id, True)
    await CAUSES[name].end(home)
    home.sim.faults.clear()
    await home.go_on(1500, 60)
    if name.startswith("volume_kind"):
        home.sim.house.meters[
            name.rsplit(maxsplit=1)[-1] if " " in name else "pulse-1"
        ].type = ""
    await CAUSES[name].begin(home)
    again = home.found(raised)
    assert again
    assert not again.dismissed_version


@pytest.mark.parametrize("name", ["meter_leapt", "meter_replaced"])
async def test_another_event_is_told_though_the_last_one_was_ignored(
    home: Home, name: str, raised: str
) -> None:
    before = home.found(raised)
    assert before
    ir.async_ignore_issue(home.hass, DOMAIN, before.issue_id, True)
    await home.go_on(2 * DAY, 3600)
    await CAUSES[name].begin(home)
    again = home.found(raised)
    assert again
    assert not again.dismissed_version
    assert again.created > before.created


@every_issue
async def test_it_goes_with_its_cemm(home: Home, raised: str) -> None:
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )
    assert list(issues(home.hass)) == [raised] * (raised in LASTING)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert not issues(home.hass)
    assert not stored(home)


@pytest.mark.rest
@every_issue
async def test_it_names_its_cemm_where_there_are_two(home: Home, name: str) -> None:
    MockConfigEntry(
        domain=DOMAIN, title="CEMM Plus", unique_id=OTHER.lower()
    ).add_to_hass(home.hass)
    MockConfigEntry(domain=DOMAIN, title="CEMM", unique_id="2").add_to_hass(home.hass)
    await CAUSES[name].begin(home)
    [issue] = issues(home.hass).values()
    # In what is said of it: a title has no room for that on a phone.
    texts = "\n".join(strings(TEXTS["en"][str(issue.translation_key)]))
    assert str(home.entry.unique_id) in texts.format(
        **issue.translation_placeholders or {}
    )


def stored(home: Home) -> list[Any]:
    """Return what is kept of any issue, be it shown or not."""
    return [key for key in ir.async_get(home.hass).issues if key[0] == DOMAIN]


def check_texts(home: Home, key: str) -> None:
    """Make sure that no text of an issue has a gap, in any language."""
    issue = home.found(key)
    assert issue
    given = issue.translation_placeholders or {}
    for language, texts in TEXTS.items():
        for text in strings(texts[key]):
            needed = {name for _, name, _, _ in Formatter().parse(text) if name}
            assert all(given.get(name) for name in needed), (language, text)


def strings(texts: Any) -> list[str]:
    if isinstance(texts, str):
        return [texts]
    return [text for each in texts.values() for text in strings(each)]
