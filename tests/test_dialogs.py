"""Each dialog is left open while the house changes under it, and sent then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
import json
import logging
import pathlib
from string import Formatter
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_USER,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import cemm
from custom_components.cemm import issues
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.devices import async_remove_meter
from custom_components.cemm.kinds import Options
from custom_components.cemm.runtime import CemmRuntime
from simulator import Fault, House, SimMeter, Simulator, Source
from tests.helpers.flows import SECOND, Lan
from tests.helpers.history import small_house
from tests.helpers.menu import days_ago

from .conftest import MAC, setup

TEXTS = {
    path.stem: json.loads(path.read_text())
    for path in (pathlib.Path(cemm.__file__).parent / "translations").glob("*.json")
}
FIXABLE = sorted(
    key for key, each in TEXTS["en"]["issues"].items() if "fix_flow" in each
)
ALIAS = "pulse-1"

WAITING = (FlowResultType.MENU, FlowResultType.FORM)

type Result = dict[str, Any]
type Path = tuple[int, ...]


@pytest.fixture
def enable_custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Start the recorder before anything else."""
    for name in ("homeassistant", "sqlalchemy.engine"):
        logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture
def house() -> House:
    """Return a small house with next to no past."""
    return small_house(days_ago(1), "p1", "mb5")


@dataclass
class Home:
    """All that a dialog can be about."""

    hass: HomeAssistant
    sim: Simulator
    data: dict[str, dict[str, str]]
    entry: MockConfigEntry

    async def anew(self, connection: str | None) -> None:
        """Set up the CEMM as if nothing had been done yet, or not at all."""
        for flow in self.hass.config_entries.flow.async_progress():
            self.hass.config_entries.flow.async_abort(flow["flow_id"])
        for entry in self.hass.config_entries.async_entries(DOMAIN):
            await self.hass.config_entries.async_remove(entry.entry_id)
        self.sim.faults.clear()
        self.sim.house.meters[ALIAS] = SimMeter(9, "pulse", Source.WATER)
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            title="CEMM Plus",
            unique_id=MAC,
            data=self.data[connection or "local"],
            options={"import_history": False},
        )
        if connection:
            await setup(self.hass, self.entry)
            assert self.entry.state is ConfigEntryState.LOADED

    @property
    def runtime(self) -> CemmRuntime:
        runtime: CemmRuntime = self.entry.runtime_data
        return runtime


@pytest.fixture
async def home(
    hass: HomeAssistant,
    sim: Simulator,
    lan: Lan,
    local_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
) -> AsyncIterator[Home]:
    """Provide a CEMM that can be found in the network and is one of two behind a key."""
    for component in (REPAIRS, "energy"):
        assert await async_setup_component(hass, component, {})
    sim.linked.append(SECOND)
    data = {"local": dict(local_entry.data), "remote": dict(remote_entry.data)}
    home = Home(hass, sim, data, local_entry)
    yield home
    await home.anew(None)


# The dialogs


@dataclass(frozen=True)
class Start:
    """How a dialog begins."""

    flow: str
    """The part of the translations that has its texts."""
    connection: str | None
    begin: Callable[[Home], Awaitable[Any]]

    def manager(self, hass: HomeAssistant) -> Any:
        if self.flow in ("config", "options"):
            flows = hass.config_entries
            return flows.flow if self.flow == "config" else flows.options
        return hass.data[REPAIRS]["flow_manager"]

    def texts(self, language: str) -> dict[str, Any]:
        texts = TEXTS[language]
        return texts.get(self.flow) or texts["issues"][self.flow]["fix_flow"]


def user(source: str, *data: str) -> Callable[[Home], Awaitable[Any]]:
    async def begin(home: Home) -> Any:
        known = {"host": home.sim.base, "mac": MAC} | home.data["remote"]
        return await home.hass.config_entries.flow.async_init(
            DOMAIN, context={"source": source}, data={key: known[key] for key in data}
        )

    return begin


async def options(home: Home) -> Any:
    return await home.hass.config_entries.options.async_init(home.entry.entry_id)


def repair(key: str) -> Callable[[Home], Awaitable[Any]]:
    async def begin(home: Home) -> Any:
        alias = (
            "p1" if key in issues.NEWS else ALIAS if key == issues.VOLUME_KIND else ""
        )
        issues.async_raise(
            *(home.hass, home.entry, key, alias),
            changes=["Import: 1 → 2"],
            host=home.sim.base,
        )
        issue_id = issues.issue_id(home.entry, key, alias)
        return await home.hass.data[REPAIRS]["flow_manager"].async_init(
            DOMAIN, data={"issue_id": issue_id}
        )

    return begin


STARTS = {
    "user": Start("config", None, user(SOURCE_USER)),
    "user again": Start("config", "local", user(SOURCE_USER)),
    "found": Start("config", None, user(SOURCE_INTEGRATION_DISCOVERY, "host", "mac")),
    "linked": Start(
        "config",
        None,
        user(SOURCE_INTEGRATION_DISCOVERY, "connection", "api_key", "url", "uid"),
    ),
    "reauth": Start("config", "remote", lambda h: h.entry.start_reauth_flow(h.hass)),
    **{
        f"reconfigure {way}": Start(
            "config", way, lambda h: h.entry.start_reconfigure_flow(h.hass)
        )
        for way in ("local", "remote")
    },
    **{f"options {way}": Start("options", way, options) for way in ("local", "remote")},
    **{key: Start(key, "local", repair(key)) for key in FIXABLE},
}


# What happens meanwhile


async def nothing(home: Home) -> None:
    """Leave everything as it is."""


async def removed(home: Home) -> None:
    await home.hass.config_entries.async_remove(home.entry.entry_id)


async def disabled(home: Home) -> None:
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )


async def unloaded(home: Home) -> None:
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def changing(home: Home) -> None:
    """Change the connection: it is not in use yet."""
    way = "remote" if home.entry.data["connection"] == "local" else "local"
    home.hass.config_entries.async_update_entry(home.entry, data=home.data[way])


async def changed(home: Home) -> None:
    await changing(home)
    await home.hass.config_entries.async_reload(home.entry.entry_id)


async def meter_gone(home: Home) -> None:
    """Let the meters vanish that a dialog may be about, as `roster` does after a while."""
    for alias in (ALIAS, "p1", "mb5"):
        if alias in home.runtime.coordinator.roster.listed:
            home.runtime.coordinator._meters.forget(alias)
            async_remove_meter(home.hass, home.entry, alias)
    home.runtime.coordinator.async_set_updated_data(
        home.runtime.coordinator._meters.data
    )


async def out_of_reach(home: Home) -> None:
    home.sim.faults.append(Fault("drop"))


async def added(home: Home) -> None:
    """Let somebody else add the CEMM."""
    await setup(home.hass, home.entry)


BEFORE = (nothing, added, out_of_reach)
"""What can happen to a CEMM that is not set up."""
EVENTS = (
    *(nothing, removed, disabled, unloaded, changing, changed),
    *(meter_gone, out_of_reach),
)


# After these nothing is left that a dialog could do: it says so.
POINTLESS = {
    "reauth": (removed, disabled, changing, changed),
    "options local": (removed,),
    "options remote": (removed,),
    "volume_kind": (removed, disabled, unloaded, changed, meter_gone),
    "cemm_unreachable": (removed, disabled, changing, changed),
    "wrong_device": (removed, disabled, changing, changed),
    **dict.fromkeys(issues.NEWS, (removed, meter_gone)),
}
SAMPLE = (removed,)


# Sending


def inputs(home: Home, shown: Result) -> Iterator[dict[str, Any]]:
    """Yield all that a user may send."""
    if shown["type"] is FlowResultType.MENU:
        yield from ({"next_step_id": step} for step in shown["menu_options"])
        return
    known = {
        "host": home.sim.base,
        "api_key": "demo",
        "advanced": {"url": home.sim.remote_url},
        "import_history": False,
        "extra_aliases": ["s01"],
        "volume_kinds": {ALIAS: "water"},
        "start_date": "2026-01-01",
        "end_date": "2026-01-01",
        "kind": "gas",
    }
    schema = shown["data_schema"].schema if shown["data_schema"] else {}
    for field in schema.keys() & {"device", "uid"}:
        known[field] = schema[field].config["options"][0]["value"]
    yield {str(field): known[field] for field in schema}


async def walk(home: Home, start: Start, path: Path) -> Result:
    """Begin anew, and go on by what was sent each time, as a number."""
    await home.anew(start.connection)
    manager = start.manager(home.hass)
    shown: Result = await start.begin(home)
    for number in path:
        shown = await send(home, manager, shown, number)
    await home.hass.async_block_till_done()
    return shown


async def send(home: Home, manager: Any, shown: Result, number: int) -> Result:
    """Send one of what can be sent, and wait until something takes no more time."""
    sent = list(inputs(home, shown))[number]
    result: Result = await manager.async_configure(shown["flow_id"], sent)
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await home.hass.async_block_till_done()
        result = await manager.async_configure(result["flow_id"])
    return result


_paths: dict[str, dict[str, Path]] = {}


async def paths(home: Home, name: str) -> dict[str, Path]:
    """Return each step that waits for the user, and what leads there from a start."""
    found: dict[str, Path] = {}
    todo: list[Path] = [()]
    while name not in _paths and todo:
        path = todo.pop(0)
        shown = await walk(home, STARTS[name], path)
        if shown["type"] in WAITING and shown["step_id"] not in found:
            found[shown["step_id"]] = path
            todo += [(*path, n) for n, _ in enumerate(inputs(home, shown))]
    return _paths.setdefault(name, found)


def check_texts(start: Start, result: Result) -> None:
    """Make sure that what is said has a text in each language, with nothing left blank."""
    if result["type"] is FlowResultType.CREATE_ENTRY or result.get(
        "translation_domain"
    ):
        return  # Home Assistant's own words.
    given = result.get("description_placeholders") or {}
    for language in TEXTS:
        texts = start.texts(language)
        if result["type"] is FlowResultType.ABORT:
            said = [texts["abort"][result["reason"]]]
        else:
            step = texts["step"][result["step_id"]]
            said = [step.get("title", ""), step.get("description", "")]
            said += [
                texts["error"][key] for key in (result.get("errors") or {}).values()
            ]
        for text in said:
            needed = {name for _, name, _, _ in Formatter().parse(text) if name}
            assert all(given.get(name) for name in needed), text


def check_whole(home: Home) -> None:
    """No entry is half of one kind and half of another, or has odd options."""
    for entry in home.hass.config_entries.async_entries(DOMAIN):
        assert entry.data.keys() == home.data[entry.data["connection"]].keys()
        assert not Options.of(entry.options).odd
        assert entry.options.keys() <= {
            "import_history",
            "extra_aliases",
            "volume_kinds",
        }


@pytest.mark.parametrize(
    ("start", "event"),
    [
        pytest.param(name, event, marks=() if event in SAMPLE else pytest.mark.rest)
        for name, start in STARTS.items()
        for event in (EVENTS if start.connection else BEFORE)
    ],
)
async def test_what_is_sent_later_is_done_or_ends_with_a_word(
    home: Home,
    start: str,
    event: Callable[[Home], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = STARTS[start]
    manager = begun.manager(home.hass)
    for step, path in (await paths(home, start)).items():
        shown = await walk(home, begun, path)
        for number, sent in enumerate(list(inputs(home, shown))):
            if number:
                shown = await walk(home, begun, path)
            assert shown["step_id"] == step
            check_texts(begun, shown)
            await event(home)
            result: Result = {"type": FlowResultType.ABORT}
            try:
                result = await send(home, manager, shown, number)
            except UnknownFlow:
                assert event is not nothing, "Home Assistant has not closed it"
            else:
                check_texts(begun, result)
            if event in POINTLESS.get(start, ()):
                assert result["type"] is FlowResultType.ABORT
            await home.hass.async_block_till_done()
            check_whole(home)
            if event is removed and start != "user again":
                assert not home.hass.config_entries.async_entries(DOMAIN), (step, sent)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_each_step_is_reached(home: Home) -> None:
    """A new one is among those above by itself."""
    reached: dict[str, set[str]] = {}
    for name, start in STARTS.items():
        reached.setdefault(start.flow, set()).update(await paths(home, name))
    for flow, steps in reached.items():
        texts = TEXTS["en"].get(flow) or TEXTS["en"]["issues"][flow]["fix_flow"]
        assert steps == texts["step"].keys()


@pytest.mark.parametrize("event", [changing, removed])
@pytest.mark.parametrize("start", ["reauth", "wrong_device", "cemm_unreachable"])
async def test_what_changes_while_the_cemm_is_asked_counts_too(
    home: Home, start: str, event: Callable[[Home], Awaitable[None]]
) -> None:
    shown = await walk(home, STARTS[start], ())
    manager = STARTS[start].manager(home.hass)
    home.sim.faults.append(Fault("latency", value=0.2))
    sending = home.hass.async_create_task(send(home, manager, shown, 0))
    await asyncio.sleep(0.05)
    await event(home)
    result = await sending
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "over")
    check_whole(home)
