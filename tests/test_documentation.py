"""The README says what the code does: its tables and examples do not drift from it."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
import voluptuous as vol
import yaml

from custom_components.cemm.channels import CHANNELS, describe
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.kinds import MeterKind
from custom_components.cemm.services import async_setup_services

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "custom_components" / DOMAIN
README = (ROOT / "README.md").read_text()
EN: dict[str, Any] = json.loads((FOLDER / "translations" / "en.json").read_text())
ICONS: dict[str, Any] = json.loads((FOLDER / "icons.json").read_text())
ACTIONS: dict[str, Any] = yaml.safe_load((FOLDER / "services.yaml").read_text())


def table(first_column: str) -> list[list[str]]:
    """Return the rows of the table of the README that begins with this heading."""
    rows = README.split(f"\n| {first_column} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def examples() -> Iterator[Any]:
    """Yield the content of each YAML example."""
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        yield yaml.safe_load(text)


# Sensors


def units() -> dict[str, str]:
    """Return what the README says of each sensor's unit, or the states of one."""
    return {
        name.strip().casefold(): row[1]
        for row in table("Sensor")
        for name in row[0].split(",")
    }


def test_the_table_of_sensors_names_each_of_them() -> None:
    names = {
        texts["name"].replace("{channel}", "…").casefold()
        for texts in EN["entity"]["sensor"].values()
    }
    assert units().keys() == names


@pytest.mark.parametrize("kind", MeterKind)
def test_the_table_of_sensors_has_their_units(kind: MeterKind) -> None:
    for key in CHANNELS:
        row = describe(key, kind)
        name = EN["entity"]["sensor"][row.translation_key]["name"]
        unit = row.native_unit_of_measurement or ", ".join(row.options or ())
        assert units()[name.casefold()] == unit, name


# Actions


def fields(schema: vol.Schema) -> dict[str, bool]:
    """Return each field, and whether it is required."""
    return {str(key): isinstance(key, vol.Required) for key in schema.schema}


def test_each_action_is_described_where_users_meet_it(hass: HomeAssistant) -> None:
    async_setup_services(hass)
    registered = hass.services.async_services_for_domain(DOMAIN)

    assert registered.keys() == ACTIONS.keys()
    assert registered.keys() == EN["services"].keys() == ICONS["services"].keys()
    for name, service in registered.items():
        described = ACTIONS[name]["fields"]
        assert isinstance(service.schema, vol.Schema)
        assert fields(service.schema) == {
            field: texts.get("required", False) for field, texts in described.items()
        }
        assert EN["services"][name]["fields"].keys() == described.keys()


def test_each_selector_of_an_action_has_names() -> None:
    for action in ACTIONS.values():
        for field in action["fields"].values():
            if select := field["selector"].get("select"):
                names = EN["selector"][select["translation_key"]]["options"]
                assert list(names) == select["options"]


def test_the_table_of_actions_names_each_field() -> None:
    rows = {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in table("Action")}
    assert rows == {
        f"`{DOMAIN}.{name}`": action["fields"].keys()
        for name, action in ACTIONS.items()
    }


def test_the_examples_of_actions_are_accepted(hass: HomeAssistant) -> None:
    async_setup_services(hass)
    registered = hass.services.async_services_for_domain(DOMAIN)
    shown = [
        example
        for example in examples()
        if example.get("action", "").startswith(f"{DOMAIN}.")
    ]
    assert shown
    for example in shown:
        schema = registered[example["action"].partition(".")[2]].schema
        assert schema is not None
        schema(example["data"])


# Dialogs


def test_the_readme_calls_what_users_click_by_its_name() -> None:
    config, options = EN["config"]["step"], EN["options"]["step"]
    said = [
        *config["user"]["menu_options"].values(),
        *config["local"]["data"].values(),
        *config["remote"]["data"].values(),
        config["remote"]["sections"]["advanced"]["name"],
        *config["remote"]["sections"]["advanced"]["data"].values(),
        *options["init"]["menu_options"].values(),
        *options["settings"]["data"].values(),
        options["settings"]["sections"]["volume_kinds"]["name"],
        config["nothing_found"]["title"],
        config["reauth_confirm"]["title"],
    ]
    assert not [text for text in said if text not in README]
