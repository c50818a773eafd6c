"""What an older version has written is understood."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Simulator

from .conftest import MAC, setup
from .helpers.common import device, issues, poll, sensor, value

NOW = 1_781_092_807
pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


async def test_files_of_an_older_version(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """As version 0.0.0 wrote them: readings by register, and no breaks."""
    truth = sim.house.reading("p1", "t1", NOW - 60)
    counters = {
        "t1": {"time": (NOW - 60) * 1000, "value": truth, "since": NOW - 60.0},
        # It reads far less than this since it was replaced.
        "t2": {"time": (NOW - 60) * 1000, "value": 99_000.0, "since": NOW - 60.0},
    }
    for name, data in {
        "counters": {"last_success": NOW - 60.0, "counters": {"p1": counters}},
        "history": {"imported": ["p1_t1"], "complete": {"p1_t1": 0}, "wanted": None},
    }.items():
        key = f"cemm.{local_entry.entry_id}.{name}"
        hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}

    await setup(hass, local_entry)
    assert value(hass, "p1", "t1") == f"{truth}"
    assert value(hass, "p1", "t2") == "99000.0"
    await poll(hass, freezer, 900)
    assert float(value(hass, "p1", "t2") or 0) < 20_000
    assert "meter_replaced" in issues(hass)
    assert {
        entity.unique_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), local_entry.entry_id
        )
    } >= {f"{MAC}_p1_t1", f"{MAC}_p1_energy_import", f"{MAC}_pulse-2_volume"}
    stored = hass_storage[f"cemm.{local_entry.entry_id}.history"]["data"]
    assert stored["imported"] == {}
    assert {each["name"] for each in stored["breaks"]} >= {"p1_t2", "p1_energy_import"}


@pytest.mark.parametrize("name", ["counters", "history"])
@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        "text",
        7,
        {"data": {}, "version": 1},
        {"data": [], "version": 1},
        {"data": "text", "version": 1},
        {"data": {"imported": 5, "counters": []}, "version": 1},
        {"data": {"imported": [], "complete": {}, "wanted": None}, "version": 2},
        {"data": {"counters": {}, "last_success": 1.0}, "version": 2},
    ],
    ids=str,
)
async def test_files_of_another_shape(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    name: str,
    content: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A newer version wrote them, or nobody knows who: they are kept, and others begun."""
    hass.config.config_dir = str(tmp_path)
    path = tmp_path / ".storage" / f"cemm.{local_entry.entry_id}.{name}"
    path.parent.mkdir()
    path.write_text(json.dumps(content))
    # The file on disk, not those that are kept in memory for tests.
    with patch.object(Store, "_async_load", Store._async_load_data):
        await setup(hass, local_entry)
    assert value(hass, "p1", "t1")
    if content != {}:  # Home Assistant itself takes that for no file.
        assert json.loads(Path(f"{path}.old").read_text()) == content
        told = [r for r in caplog.records if str(path) in r.getMessage()]
        assert [record.levelname for record in told] == ["WARNING"]
    await hass.config_entries.async_unload(local_entry.entry_id)
    caplog.clear()
    await setup(hass, local_entry)
    assert str(path) not in caplog.text


async def test_a_meter_whose_type_an_older_version_kept_as_its_model(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    """The remote API cannot read it: nothing else tells what it measures."""
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    del hass_storage[f"cemm.{loaded_entry.entry_id}.counters"]["data"]["types"]
    found = device(hass, "pulse-2")
    assert found
    dr.async_get(hass).async_update_device(found.id, model="water")
    hass.config_entries.async_update_entry(loaded_entry, data=remote_entry.data)
    for _ in range(2):
        await setup(hass, loaded_entry)
        state = sensor(hass, "pulse-2", "volume")
        assert state
        assert state.attributes["device_class"] == "water"
        found = device(hass, "pulse-2")
        assert found and found.model == "Pulse 2"
        await hass.config_entries.async_unload(loaded_entry.entry_id)
