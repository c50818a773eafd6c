"""Every language says everything that the code can say, and nothing else."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest
import voluptuous as vol

from custom_components import cemm
from custom_components.cemm import config_flow, issues
from custom_components.cemm.channels import CHANNELS, TARIFFS, describe
from custom_components.cemm.client import Period
from custom_components.cemm.flows import base, options, remote
from custom_components.cemm.kinds import MeterKind
from tests.helpers.glossary import NOT_SAID, TERMS
from tests.helpers.widths import cut_off, width

FOLDER = Path(cemm.__file__).parent
LANGUAGES = sorted(path.stem for path in (FOLDER / "translations").glob("*.json"))
SOURCES = {
    path.relative_to(FOLDER).as_posix(): path.read_text()
    for path in FOLDER.rglob("*.py")
}
OPTIONS = ("flows/options.py",)

# What Home Assistant's own flow manager and base classes abort with.
CORE_ABORTS = {
    "already_configured",
    "already_in_progress",
    "reauth_successful",
    "reconfigure_successful",
}


def load(language: str) -> dict[str, Any]:
    path = FOLDER / "translations" / f"{language}.json"
    texts: dict[str, Any] = json.loads(path.read_text())
    return texts


EN = load("en")


def flatten(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each entry."""
    if isinstance(texts, str):
        yield path, texts
        return
    for key, value in texts.items():
        yield from flatten(value, f"{path}.{key}" if path else key)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def used(pattern: str, modules: set[str] | None = None) -> set[str]:
    """Return what a regular expression with one group finds in the code."""
    return {
        found
        for name, source in SOURCES.items()
        if modules is None or name in modules
        for found in re.findall(pattern, source, re.DOTALL)
    }


# The languages among each other


def test_the_languages_where_meters_hang_are_there() -> None:
    assert LANGUAGES == ["de", "en", "fr", "nb", "nl"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_the_same(language: str) -> None:
    texts, english = dict(flatten(load(language))), dict(flatten(EN))

    assert list(texts) == list(english)
    differing = [
        key
        for key, text in texts.items()
        if placeholders(text) != placeholders(english[key])
    ]
    assert not differing


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_one_that_home_assistant_takes(language: str) -> None:
    for key, text in flatten(load(language)):
        assert text.strip() == text != "", key
        assert not re.search(r"<[a-z/]", text, re.IGNORECASE), f"{key}: HTML"
        assert "[%key:" not in text, f"{key}: a reference that nothing resolves"
        assert all(map(str.isidentifier, placeholders(text))), key
        if key.endswith((".title", ".name")):
            assert not text.endswith("."), f"{key}: a title is no sentence"
        elif key.startswith(("config.error", "config.abort", "exceptions")):
            assert text.endswith("."), f"{key}: an error is a sentence"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_each_language_is_translated(language: str) -> None:
    texts, english = dict(flatten(load(language))), dict(flatten(EN))
    same = {text for key, text in texts.items() if text == english[key]}
    # Some words are the same in two languages, but no sentences.
    assert not [text for text in same if len(text.split()) > 3]
    assert len(same) < len(texts) / 10


# The room that a page leaves for them

# Beside the reading of a meter, a device's page that is 1,280 px wide leaves this (px)
# for its name; and so much for the names that are longer in most other languages.
ROOM = {"en": 133, "nl": 133}
ROOM_OF_OTHERS = 151
# What solar panels count has fewer digits.
ROOM_OF_TARIFFS = 168
NARROW = 130
# And so much has a title in the list of repairs on a phone.
ROOM_OF_TITLES = 259


def on_a_page(*measured: str) -> Iterator[dict[str, bool]]:
    """Yield the sensors of each kind of meter: translation key → on by default."""
    for kind in MeterKind:
        rows = [describe(key, kind, measured) for key in CHANNELS if key in measured]
        yield {
            str(row.translation_key): row.entity_registry_enabled_default
            for row in rows
        }


PAGES = [
    *on_a_page(*CHANNELS),
    *on_a_page(*(CHANNELS.keys() - TARIFFS)),
]


def room(language: str, key: str) -> int:
    if re.fullmatch(r"production_t\d", key):
        return ROOM_OF_TARIFFS
    return ROOM.get(language, ROOM_OF_OTHERS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_sensors_have_room_beside_their_values(language: str) -> None:
    sensors = load(language)["entity"]["sensor"]
    on = {key for page in PAGES for key, is_on in page.items() if is_on}
    too_wide = {
        sensors[key]["name"]: f"{found:.0f} px, more than {room(language, key)}"
        for key in {*on, "history_import"}
        if (found := width(sensors[key]["name"])) > room(language, key)
    }
    assert not too_wide


@pytest.mark.parametrize("language", LANGUAGES)
def test_sensors_of_a_meter_can_be_told_apart(language: str) -> None:
    sensors = load(language)["entity"]["sensor"]
    for page in PAGES:
        names = [cut_off(sensors[key]["name"], NARROW) for key in page]
        assert len({*names}) == len(names), names


METERS = {"smart_meter": "", "electricity_meter": "mb5", "water_meter": "pulse-2"}


@pytest.mark.parametrize("alias", METERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_of_repairs_have_room_on_a_phone(language: str, alias: str) -> None:
    texts = load(language)
    meter = texts["device"][alias]["name"].format(alias=METERS[alias])
    names = {"name": "CEMM Plus", "alias": "pulse-2", "meter": meter}
    titles = [each["title"].format(**names) for each in texts["issues"].values()]
    assert not {title for title in titles if width(title) > ROOM_OF_TITLES}


# The words


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_are_those_of_home_assistant(language: str) -> None:
    texts = dict(flatten(load(language)))
    differing = {
        key: f"{text!r} lacks {wanted[language]!r}"
        for term, wanted in TERMS.items()
        for key, text in texts.items()
        if language in wanted
        and re.search(rf"\b{term}", dict(flatten(EN))[key], re.IGNORECASE)
        and wanted[language].casefold() not in text.casefold()
    }
    wrong = {
        key: f"{text!r} has {term!r}"
        for term in NOT_SAID[language]
        for key, text in texts.items()
        if term in text
    }
    assert not differing | wrong


# The texts and the code


def sensor_keys() -> set[str]:
    """Return the translation key of every row, for every kind of meter."""
    return {
        str(describe(key, kind).translation_key)
        for kind in MeterKind
        for key in (*CHANNELS, "unknown")
    }


def test_each_sensor_has_a_name_and_no_name_is_left_over() -> None:
    # A CEMM's own sensors are no channels: their classes name their keys.
    own = used(r'_attr_translation_key = "(\w+)"')
    assert sensor_keys() | own == EN["entity"]["sensor"].keys()
    assert set(EN["entity"]["sensor"]["rate"]["state"]) == set(
        CHANNELS["rate"].options or ()
    )


def test_each_kind_of_meter_has_a_name() -> None:
    assert set(EN["device"]) == set(MeterKind)


@pytest.mark.parametrize("flow", ["config", "options"])
def test_each_step_has_a_text(flow: str) -> None:
    modules = (
        {*OPTIONS} if flow == "options" else SOURCES.keys() - {*OPTIONS, "repairs.py"}
    )
    steps = used(r'async_show_(?:form|menu)\(\s*step_id="(\w+)"', modules)
    assert steps
    assert EN[flow]["step"].keys() == steps
    actions = used(r'progress_action="(\w+)"', modules)
    assert EN[flow]["progress"].keys() == actions


@pytest.mark.parametrize(
    ("step", "schema"),
    [
        ("config.step.local", config_flow.LOCAL_SCHEMA),
        ("config.step.remote", remote.remote_schema()),
        ("config.step.reauth_confirm", remote.REAUTH_SCHEMA),
        ("config.step.history", base.HISTORY_SCHEMA),
        ("config.step.pick", base.choice("device", {})),
        ("config.step.remote_cemm", base.choice("uid", {})),
        ("options.step.import_history", options.IMPORT_SCHEMA),
    ],
)
def test_each_field_has_a_name_and_an_explanation(
    step: str, schema: vol.Schema
) -> None:
    text: Any = EN
    for key in step.split("."):
        text = text[key]
    sections = text.get("sections", {}).keys()
    fields = {str(field) for field in schema.schema}
    assert text["data"].keys() == text["data_description"].keys() == fields - sections
    assert sections <= fields


def test_each_line_of_a_menu_has_a_name_and_leads_somewhere() -> None:
    menus = {
        step: set(re.findall(r'"(\w+)"', lines))
        for source in SOURCES.values()
        for step, lines in re.findall(
            r'step_id="(\w+)",\s*menu_options=\[(.*?)\]', source
        )
    }
    menus["init"] |= options._ACTIONS.keys()
    steps = {**EN["config"]["step"], **EN["options"]["step"]}
    assert menus == {
        name: step["menu_options"].keys()
        for name, step in steps.items()
        if "menu_options" in step
    }
    for line in set().union(*menus.values()):
        assert used(rf"(def async_step_{line})\(")


def test_each_choice_has_a_name() -> None:
    options = {key: set(texts["options"]) for key, texts in EN["selector"].items()}
    assert options == {"volume_kind": {"water", "gas"}, "period": set(Period)}


def test_each_issue_has_a_text() -> None:
    keys = {
        value
        for name, value in vars(issues).items()
        if name.isupper() and isinstance(value, str) and name != "DOMAIN"
    }
    assert keys == EN["issues"].keys()
    steps = used(r'async_show_(?:form|menu)\(\s*step_id="(\w+)"', {"repairs.py"})
    steps |= {"confirm"}
    for key, texts in EN["issues"].items():
        assert ("description" in texts) != ("fix_flow" in texts), key
        assert texts.get("fix_flow", {}).get("step", {}).keys() <= steps
        # What `issues.async_raise` gives, and the address of an outage.
        given = {"name", "alias", "meter", "host", "changes"}
        assert all(given >= placeholders(text) for _, text in flatten(texts))


def test_each_exception_has_a_message_and_no_message_is_left_over() -> None:
    raised = used(r'_misuse\("(\w+)"') | {
        key
        for call in used(r"translation_domain=DOMAIN,\s*translation_key=(.*?)[,)\n]")
        for key in re.findall(r'"(\w+)"', call)
    }
    assert raised == EN["exceptions"].keys()


@pytest.mark.parametrize("flow", ["config", "options"])
def test_each_error_and_abort_is_one_of_the_code(flow: str) -> None:
    modules = (
        {*OPTIONS} if flow == "options" else SOURCES.keys() - {*OPTIONS, "repairs.py"}
    )
    strings = used(r'"([a-z0-9_]+)"', modules | {"flows/base.py"}) | CORE_ABORTS
    assert EN[flow]["error"].keys() <= strings
    assert EN[flow]["abort"].keys() <= strings

    aborts = used(r'async_abort\(\s*reason=(?:[^,)]*else )?"(\w+)"', modules)
    assert aborts
    assert aborts <= EN[flow]["abort"].keys()
    if flow == "config":
        assert EN[flow]["abort"].keys() >= CORE_ABORTS
        assert {key for _, key in base._ERRORS} <= EN[flow]["error"].keys()


# The icons


def test_each_icon_belongs_to_something_with_a_name() -> None:
    icons = json.loads((FOLDER / "icons.json").read_text())
    sensors = icons["entity"]["sensor"]
    assert sensors.keys() <= EN["entity"]["sensor"].keys()
    states = sensors["rate"]["state"]
    assert states.keys() == EN["entity"]["sensor"]["rate"]["state"].keys()
    # What has a device class has its icon.
    without = used(r'_attr_translation_key = "(\w+)"') | {
        str(row.translation_key)
        for kind in MeterKind
        for key in CHANNELS
        if (row := describe(key, kind)).device_class is None
    }
    assert without <= sensors.keys()
    assert all(icon.startswith("mdi:") for _, icon in flatten(icons))
