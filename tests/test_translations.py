"""Every language says everything that the code can say, and nothing else."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest

from custom_components import cemm
from custom_components.cemm import issues
from custom_components.cemm.channels import CHANNELS, MeterKind, describe

FOLDER = Path(cemm.__file__).parent
LANGUAGES = sorted(path.stem for path in (FOLDER / "translations").glob("*.json"))
SOURCES = {path.stem: path.read_text() for path in FOLDER.rglob("*.py")}


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
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def used(pattern: str) -> set[str]:
    """Return what a regular expression with one group finds in the code."""
    return {
        found for source in SOURCES.values() for found in re.findall(pattern, source)
    }


def test_english_and_dutch_are_there() -> None:
    assert {"en", "nl"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_the_same(language: str) -> None:
    texts, english = dict(flatten(load(language))), dict(flatten(EN))

    assert texts.keys() == english.keys()
    assert all(text.strip() == text != "" for text in texts.values())
    differing = [
        key
        for key, text in texts.items()
        if placeholders(text) != placeholders(english[key])
    ]
    assert not differing


@pytest.mark.parametrize("language", set(LANGUAGES) - {"en"})
def test_each_language_is_translated(language: str) -> None:
    texts, english = dict(flatten(load(language))), dict(flatten(EN))
    same = [key for key, text in texts.items() if text == english[key]]
    # Some words are the same in two languages, but not most.
    assert len(same) < len(texts) / 5


def sensor_keys() -> set[str]:
    """Return the translation key of every row, for every kind of meter."""
    return {
        str(describe(key, kind).translation_key)
        for kind in MeterKind
        for key in (*CHANNELS, "unknown")
    }


def test_each_sensor_has_a_name_and_no_name_is_left_over() -> None:
    # A CEMM's own sensors are no channels: their rows name their keys themselves.
    own = used(r'translation_key\s*=\s*"(\w+)"') & EN["entity"]["sensor"].keys()
    assert sensor_keys() | own == EN["entity"]["sensor"].keys()
    assert set(EN["entity"]["sensor"]["rate"]["state"]) == set(
        CHANNELS["rate"].options or ()
    )


def test_each_kind_of_meter_has_a_name() -> None:
    assert set(EN["device"]) == set(MeterKind)


def test_each_issue_has_a_text() -> None:
    keys = {
        value
        for name, value in vars(issues).items()
        if name.isupper() and isinstance(value, str) and name != "DOMAIN"
    }
    assert keys == EN["issues"].keys()
    for key, texts in EN["issues"].items():
        assert ("description" in texts) != ("fix_flow" in texts), key


def test_each_exception_has_a_message() -> None:
    raised = {
        key
        for source in SOURCES.values()
        for call in re.findall(r"translation_domain=DOMAIN,(.*?)\)", source, re.DOTALL)
        for line in re.findall(r"translation_key=(.*)", call)
        for key in re.findall(r'"(\w+)"', line)
    }
    assert raised
    assert raised <= EN["exceptions"].keys()
    assert EN["exceptions"].keys() <= used(r'"(\w+)"')


@pytest.mark.parametrize("flow", ["config", "options"])
@pytest.mark.parametrize("kind", ["error", "abort"])
def test_each_error_and_abort_is_one_of_the_code(flow: str, kind: str) -> None:
    strings = used(r'"([a-z0-9_]+)"') | {
        # Home Assistant's own flow manager and base classes abort with these.
        "already_configured",
        "already_in_progress",
        "reauth_successful",
        "reconfigure_successful",
    }
    assert set(EN[flow].get(kind, {})) <= strings
    if kind == "abort":
        aborts = used(r'async_abort\(\s*reason="(\w+)"') | used(
            r'AbortFlow\(\s*"(\w+)"'
        )
        assert (
            aborts
            <= EN["config"]["abort"].keys() | EN["options"].get("abort", {}).keys()
        )


def test_each_icon_belongs_to_something_with_a_name() -> None:
    icons = json.loads((FOLDER / "icons.json").read_text())
    assert icons["entity"]["sensor"].keys() <= EN["entity"]["sensor"].keys()
    states = icons["entity"]["sensor"]["rate"]["state"]
    assert states.keys() == EN["entity"]["sensor"]["rate"]["state"].keys()
    # What has a device class has its icon.
    for kind in MeterKind:
        for key in CHANNELS:
            row = describe(key, kind)
            if row.device_class is None:
                assert row.translation_key in icons["entity"]["sensor"], key
