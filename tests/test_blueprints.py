"""The blueprints are ones that Home Assistant takes, for sensors that exist; and they work."""

from pathlib import Path
import re
import shutil
from typing import Any
from urllib.parse import unquote

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from simulator import Fault, Simulator
from tests.helpers.common import poll, sensor

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "blueprints"
BLUEPRINTS = sorted(FOLDER.rglob("*.yaml"))
README = (ROOT / "README.md").read_text()
MINUTE, HOUR = 60, 3600


async def automate(
    hass: HomeAssistant, folder: Path, name: str, **inputs: object
) -> None:
    """Make an automation of a blueprint, as a user would who has imported it."""
    shutil.copytree(FOLDER, folder / "blueprints")
    hass.config.config_dir = str(folder)
    blueprint = {"path": f"cemm/{name}.yaml", "input": inputs}
    assert await async_setup_component(
        hass, AUTOMATION, {AUTOMATION: {"use_blueprint": blueprint}}
    )
    assert len(hass.states.async_entity_ids(AUTOMATION)) == 1
    assert hass.states.get(hass.states.async_entity_ids(AUTOMATION)[0]).state == "on"  # type: ignore[union-attr]


def entity(hass: HomeAssistant, alias: str, key: str) -> str:
    found = sensor(hass, alias, key)
    assert found
    return found.entity_id


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_the_readme_leads_to_it(path: Path) -> None:
    address = load_yaml_dict(str(path))["blueprint"]["source_url"]
    file = path.relative_to(ROOT).as_posix()
    assert address.endswith(f"/cemm-home-assistant/cemm/blob/main/{file}")
    assert f"]({file})" in README
    links = re.findall(r"blueprint_import/\?blueprint_url=([^)]*)\)", README)
    assert address in map(unquote, links)
    assert len(links) == len(BLUEPRINTS)


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("loaded_entry")
async def test_there_is_a_sensor_to_choose(hass: HomeAssistant, path: Path) -> None:
    inputs = load_yaml_dict(str(path))["blueprint"]["input"]
    filters: list[dict[str, Any]] = [
        each
        for field in inputs.values()
        for each in (field["selector"].get("entity") or {}).get("filter", ())
        if each.get("integration") == "cemm"
    ]
    assert filters
    for each in filters:
        assert [
            entry
            for entry in er.async_get(hass).entities.values()
            if (entry.platform, entry.domain, entry.original_device_class)
            == (each["integration"], each["domain"], each["device_class"])
        ]


@pytest.mark.freeze_time("2026-06-10 12:00:07")
@pytest.mark.usefixtures("loaded_entry")
async def test_own_sun_is_used_as_long_as_it_shines(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    tmp_path: Path,
) -> None:
    turned = [
        async_mock_service(hass, "switch", f"turn_{state}") for state in ("on", "off")
    ]
    power = entity(hass, "p1", "electric_power")
    await automate(
        hass, tmp_path, "use_own_sun", power=power, appliance="switch.boiler"
    )
    for value, minutes, calls in (
        (-1400, 10, [0, 0]),
        (-1600, 4, [0, 0]),
        (-1600, 2, [1, 0]),
        (-200, 10, [1, 0]),
        (300, 4, [1, 0]),
        (300, 2, [1, 1]),
    ):
        sim.faults[:] = [Fault("value", value=("p1", "electric_power", value))]
        await poll(hass, freezer, minutes * MINUTE, step=30)
        assert [*map(len, turned)] == calls, (value, minutes)
    assert turned[0][0].data["entity_id"] == ["switch.boiler"]


@pytest.mark.freeze_time("2026-06-10 00:00:07+02:00")
async def test_water_that_runs_at_night_is_told(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    tmp_path: Path,
) -> None:
    await hass.config.async_set_time_zone("Europe/Amsterdam")
    told = async_mock_service(hass, "persistent_notification", "create")
    flow = entity(hass, "pulse-2", "flow")
    await automate(hass, tmp_path, "notice_a_leak", flow=flow)

    sim.faults[:] = [Fault("value", value=("pulse-2", "flow", 0))]
    await poll(hass, freezer, HOUR, step=60)
    sim.faults[:] = [Fault("value", value=("pulse-2", "flow", 2))]
    await poll(hass, freezer, HOUR - MINUTE, step=60)
    assert not told
    await poll(hass, freezer, 5 * MINUTE, step=60)
    [call] = told
    assert "Water meter pulse-2 Flow" in call.data["message"]

    # By day somebody may be watering the garden.
    sim.faults[:] = [Fault("value", value=("pulse-2", "flow", 0))]
    await poll(hass, freezer, 4 * HOUR, step=300)
    sim.faults[:] = [Fault("value", value=("pulse-2", "flow", 2))]
    await poll(hass, freezer, 2 * HOUR, step=300)
    assert len(told) == 1
