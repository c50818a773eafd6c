"""What is remembered of registers when Home Assistant stops, or its power is cut."""

import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import Measurement
from custom_components.cemm.meters.doubts import Doubt
from custom_components.cemm.meters.guard import GroupState
from custom_components.cemm.meters.store import (
    groups_as_json,
    restore_ended,
    restore_groups,
)
from simulator import Fault, Simulator
from tests.conftest import setup
from tests.helpers.common import issues, poll, value

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")


class Disk:
    """What is stored of the registers."""

    def __init__(
        self, hass: HomeAssistant, entry: MockConfigEntry, storage: dict[str, Any]
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._storage = storage

    def image(self) -> dict[str, Any]:
        """Return what is stored by now."""
        return dict(self._storage)

    def registers(self, image: dict[str, Any] | None = None) -> Any:
        """Return what is stored of each register by now, or was stored then."""
        stored = self._storage if image is None else image
        return stored[f"cemm.{self._entry.entry_id}.counters"]["data"]["counters"]

    async def power_is_cut(self, image: dict[str, Any]) -> None:
        """Start again with what was stored then."""
        await self._hass.config_entries.async_unload(self._entry.entry_id)
        self._storage.clear()
        self._storage.update(image)
        await setup(self._hass, self._entry)


@pytest.fixture
def disk(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> Disk:
    return Disk(hass, loaded_entry, hass_storage)


async def replaced(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Let a new meter begin to count, and wait until it is believed."""
    old = float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", 5 - round(old, 3))))
    await poll(hass, freezer, 700)
    assert "meter_replaced" in issues(hass)


@pytest.mark.parametrize("minutes", [0, 5, 8, 20])
async def test_home_assistant_stops(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    disk: Disk,
    minutes: int,
) -> None:
    await poll(hass, freezer, minutes * 60, step=60)
    await replaced(hass, sim, freezer)
    await poll(hass, freezer, 100)
    shown = value(hass, "p1", "t1")
    await hass.async_stop(force=True)
    assert str(disk.registers()["p1"]["t1"]["value"]) == shown


async def test_the_power_is_cut_after_a_meter_was_replaced(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, disk: Disk
) -> None:
    await poll(hass, freezer, 1800, step=300)
    await replaced(hass, sim, freezer)
    on_disk = disk.image()
    await disk.power_is_cut(on_disk)
    assert float(value(hass, "p1", "t1") or 0) < 10


async def test_the_power_is_cut_just_after_a_cemm_was_added(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, disk: Disk
) -> None:
    await poll(hass, freezer, 20)
    assert disk.registers()["p1"]["t1"]["value"] > 0


async def test_the_power_is_cut_while_a_new_meter_is_in_doubt(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, disk: Disk
) -> None:
    """What it began with is kept: that is where counting goes on from."""
    await poll(hass, freezer, 20)
    old = float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", 5 - round(old, 3))))
    await poll(hass, freezer, 30)
    on_disk = disk.image()
    await poll(hass, freezer, 60)
    doubts = disk.registers(on_disk)["p1"]["groups"]["registers"]["doubts"]
    assert [doubt["first"]["t1"] for doubt in doubts] == [pytest.approx(5, abs=0.1)]
    await disk.power_is_cut(on_disk)
    assert float(value(hass, "p1", "t1") or 0) == pytest.approx(old, abs=0.2)
    await poll(hass, freezer, 700)
    assert float(value(hass, "p1", "t1") or 0) < 10


SINCE = 1_790_000_000.5
KNOWN = {
    "tariffs": GroupState(
        {"t1": Measurement(1_790_000_000_000, 5000.25), "t2": Measurement(5, 0)},
        {"t1": SINCE, "t2": SINCE - 7},
        from_totals=True,
        doubts=(
            Doubt(
                {"t1": 3.5},
                {"t1": Measurement(1_790_000_100_000, 3.75)},
                from_totals=False,
                began=SINCE + 10,
                measured=SINCE + 90,
                seen=SINCE + 100,
                persisted=90.5,
                measurements=2,
            ),
            Doubt({"t1": 0.0}, {"t1": Measurement(7, 0.0)}, False, SINCE, SINCE, SINCE),
        ),
    ),
    "nets": GroupState(
        {"electric_energy": Measurement(5, -3.5)}, {"electric_energy": SINCE}, False
    ),
    "gas": GroupState({"gas": Measurement(5, 900)}, {"gas": SINCE}, False),
}


def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(groups_as_json(KNOWN)))
    return found


def test_what_is_known_of_registers_survives() -> None:
    assert restore_groups(stored()) == KNOWN


def test_an_older_version_kept_registers_alone() -> None:
    old = {
        "t1": {"time": 1_790_000_000_000, "value": 5000.25, "since": SINCE},
        "gas": {"time": 5, "value": 900, "since": SINCE},
    }
    assert restore_groups(old) == {
        "tariffs": GroupState(
            {"t1": Measurement(1_790_000_000_000, 5000.25)}, {"t1": SINCE}
        ),
        "gas": GroupState({"gas": Measurement(5, 900)}, {"gas": SINCE}),
    }


def test_an_older_version_finds_its_registers() -> None:
    """Who goes back to one keeps the meters' readings."""
    assert stored()["t1"] == {
        "time": 1_790_000_000_000,
        "value": 5000.25,
        "since": SINCE,
    }


@pytest.mark.parametrize("damaged", [None, [], "5000", 7, {}, {"groups": {}}])
def test_damaged_json_is_forgotten(damaged: Any) -> None:
    assert restore_groups(damaged) == {}


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        {},
        {"time": 1, "value": 5.0},
        {"time": 1.5, "value": 5.0, "since": SINCE},
        {"time": 1, "value": "5.0", "since": SINCE},
        {"time": 1, "value": True, "since": SINCE},
        {"time": 1, "value": float("nan"), "since": SINCE},
        {"time": 1, "value": float("inf"), "since": SINCE},
        {"time": 1, "value": 5.0, "since": None},
        {"time": 1, "value": 5.0, "since": float("nan")},
    ],
)
def test_a_damaged_register_begins_anew(damaged: Any) -> None:
    found = restore_groups({**stored(), "t1": damaged})
    assert found["tariffs"].good.keys() == found["tariffs"].seen.keys() == {"t2"}
    assert found["gas"] == KNOWN["gas"]
    assert "gas" not in restore_groups({**stored(), "gas": damaged})


DOUBT = {
    "first": {"t1": 3.5},
    "newest": {"t1": {"time": 5, "value": 3.75}},
    "from_totals": False,
    "began": SINCE,
    "measured": SINCE,
    "seen": SINCE,
    "persisted": 90.5,
    "measurements": 2,
}


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        {},
        {"registers": None},
        {"registers": {"from_totals": True}},
        {"registers": {"from_totals": 1, "doubts": []}},
        {"registers": {"from_totals": True, "doubts": {}}},
        {"registers": {"from_totals": True, "doubts": [{}]}},
        *(
            {"registers": {"from_totals": True, "doubts": [{**DOUBT, key: value}]}}
            for key, value in {
                "first": None,
                "newest": {"t1": 3.75},
                "from_totals": None,
                "began": None,
                "seen": "now",
                "persisted": float("nan"),
                "measurements": 1.5,
                "more": 1,
            }.items()
        ),
    ],
)
def test_damaged_doubts_are_forgotten_and_the_registers_stay(damaged: Any) -> None:
    found = restore_groups({**stored(), "groups": damaged})
    known = KNOWN["tariffs"]
    assert found["tariffs"] == GroupState(known.good, known.seen)


@pytest.mark.parametrize("damaged", [None, [], {"t1": None}, {"t1": "5"}, {"t1": {}}])
def test_damaged_last_states_are_forgotten(damaged: Any) -> None:
    assert restore_ended({**stored(), "ended": damaged}) == {}


def test_a_doubt_that_fits_is_restored() -> None:
    whole = {"registers": {"from_totals": True, "doubts": [DOUBT]}}
    found = restore_groups({**stored(), "groups": whole})
    assert found["tariffs"].doubts[0].newest == {"t1": Measurement(5, 3.75)}
