"""Names that a CEMM gives are text, wherever Home Assistant reads Markdown."""

import re

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.const import DOMAIN
from custom_components.cemm.issues import as_text
from custom_components.cemm.repairs import async_create_fix_flow
from simulator import Fault, SimMeter, Simulator, Source
from tests.helpers.common import device, issues, poll
from tests.helpers.flows import HOST, Lan, finish, in_progress, submit

from .conftest import MAC, setup

ORDINARY = [
    "CEMM Plus",
    "Jan's CEMM (garage)",
    "CEMM_basic",
    "Café & Bar, 2e etage: boven!",
    'Kees "de Meter" #2 - 100% @ home',
    "CEMM 2.26.0.0",
    "00:1E:C0:85:96:CC",
    "3 + 4 = 7",
]
MARKUP = [
    "![x](http://a.example/x.png)",
    "[Log in](https://a.example)",
    "[x][1]",
    "<img src=x onerror=alert(1)>",
    "<a href='//a.example'>x</a>",
    "<ha-alert>x</ha-alert>",
    "&#91;x&#93;(//a.example)",
    "&lt;img src=x&gt;",
    "https://a.example/x",
    "HTTP://A.EXAMPLE",
    "WWW.a.example",
    "see www.a.example",
    "me@a.example",
    "mailto:me@a.example",
    "\\[x](//a.example)",
    "`code` ~~gone~~ **bold** *slanted* __b__ _s_",
    "# CEMM",
    "- CEMM",
    "+ CEMM",
    "1. CEMM",
    "a | b",
    "<" * 200,
    "[" * 200,
]

# What any dialect of Markdown makes a picture, a link, HTML or another look of.
_SPECIAL = re.compile(
    r"[][<>`*~|\\]|://|www\.|\w@\w|&#?\w+;|\b_|_\b|^\s*([#+-]|\d[.)]) ?(?=\s|\w+$)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert as_text(name) == name


@pytest.mark.parametrize("name", MARKUP)
def test_markup_shows_as_it_was_written(name: str) -> None:
    text = as_text(name)
    assert not _SPECIAL.search(text)
    assert as_text(text) == text
    # Each character is itself, or its wide look-alike.
    assert [chr(ord(c) - 0xFEE0) if ord(c) > 0xFEE0 else c for c in text] == [*name]


@pytest.mark.parametrize(
    "name", [*MARKUP[:6], "[" * 200, "x" * 200, "", None, "CEMM Plus"]
)
async def test_what_is_found_is_named_in_plain_text(
    hass: HomeAssistant, lan: Lan, name: str | None
) -> None:
    info = {"mac": MAC, "name": name, "type": name, "version": name, "core": name}
    lan.simulators[0].faults.append(
        Fault("body", "^/open-api/v1/$", value={"data": info})
    )
    form = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={"host": HOST, "mac": MAC},
    )
    [flow] = in_progress(hass)
    shown = {**(form["description_placeholders"] or {})}
    title = flow["context"]["title_placeholders"]["name"]
    assert title == f"{shown['name']} ({HOST})"
    assert shown["name"] == as_text((name or "")[:64]) or shown["name"] == "CEMM"
    assert shown["address"] == HOST

    entry = await finish(hass, await submit(hass, form, {}))
    assert entry.title == ((name or "")[:64].strip() or "CEMM")
    cemm = device(hass)
    assert cemm
    assert cemm.name == entry.title, "a device page shows text as text"


@pytest.mark.parametrize("name", MARKUP[:6])
async def test_issues_and_their_ways_out_name_it_in_plain_text(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, name: str
) -> None:
    sim.house.meters["pulse-1"] = SimMeter(9, "pulse", Source.WATER)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=name,
        unique_id=MAC,
        data={"connection": "local", "host": sim.base},
        options={"import_history": False},
    )
    await setup(hass, entry)
    mac, sim.house.mac = sim.house.mac, "00:1E:C0:00:00:01"
    sim.faults.append(Fault("drop", times=2))
    await poll(hass, freezer, 660, step=60)
    sim.house.mac = mac

    raised = issues(hass)
    assert raised.keys() == {"volume_kind", "wrong_device"}
    for issue in raised.values():
        placeholders = issue.translation_placeholders
        assert placeholders
        assert placeholders["name"] == as_text(name)
        fix = await async_create_fix_flow(hass, issue.issue_id, issue.data)
        fix.hass = hass
        form = await fix.async_step_init()  # type: ignore[attr-defined]
        assert form["description_placeholders"]["name"] == as_text(name)
