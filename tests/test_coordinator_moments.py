"""At which moments each meter of a CEMM is asked, whatever else is."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from time import monotonic
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import CemmInfo, LocalCemm, Reading
from simulator import Simulator
from tests.helpers.common import answered, device, poll, sensor

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

HOUR = 3600

type Moments = defaultdict[str, list[float]]


@pytest.fixture
def asked() -> Iterator[Moments]:
    """Note when each meter is asked, and the CEMM who it is."""
    moments: Moments = defaultdict(list)
    realtime, info = LocalCemm.realtime, LocalCemm.info

    async def noted_realtime(cemm: LocalCemm, alias: str) -> Reading:
        moments[alias].append(monotonic())
        return await realtime(cemm, alias)

    async def noted_info(cemm: LocalCemm) -> CemmInfo:
        moments["info"].append(monotonic())
        return await info(cemm)

    with (
        patch.object(LocalCemm, "realtime", noted_realtime),
        patch.object(LocalCemm, "info", noted_info),
    ):
        yield moments


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


@pytest.mark.parametrize("lists", [True, pytest.param(False, marks=pytest.mark.rest)])
async def test_who_are_you_asks_no_meter(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    asked: Moments,
    lists: bool,
) -> None:
    """Each meter keeps its rhythm through the question that comes every ten minutes."""
    sim.house.io_list = lists
    sim.house.meters["p1-gas"].cadence = HOUR
    await setup(hass, local_entry)
    await poll(hass, freezer, 4 * HOUR, step=60)
    await poll(hass, freezer, 300, step=1)
    asked.clear()
    await poll(hass, freezer, HOUR / 2, step=1)

    assert 2 <= len(asked["info"]) <= 4
    for alias in ("p1", "usage"):
        assert min(gaps(asked[alias])) > 8
        assert max(gaps(asked[alias])) <= 11
        assert len(asked[alias]) <= 181
    assert len(asked["p1-gas"]) <= 4
    # It comes right after a meter's answer, when there is time until the next.
    questions = sorted(
        moment for alias in ("p1", "s01", "mb5", "pulse-2") for moment in asked[alias]
    )
    for moment in asked["info"]:
        assert moment in questions
        assert not [at for at in questions if moment < at < moment + 1.9]


@pytest.mark.parametrize("looked_at", [True, False])
async def test_a_meter_that_nobody_looks_at_is_asked_with_the_list(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    asked: Moments,
    looked_at: bool,
) -> None:
    await setup(hass, local_entry)
    if not looked_at:
        found = device(hass, "mb5")
        assert found
        dr.async_get(hass).async_update_device(
            found.id, disabled_by=dr.DeviceEntryDisabler.USER
        )
        await hass.config_entries.async_reload(local_entry.entry_id)
    asked.clear()
    await poll(hass, freezer, HOUR, step=20)
    assert (len(asked["mb5"]) > 160) if looked_at else (4 <= len(asked["mb5"]) <= 12)


@pytest.mark.parametrize("alias", ["p1", "p1-gas", "s01", "usage"])
@pytest.mark.parametrize(
    "pause", [5, 301, *(pytest.param(n, marks=pytest.mark.rest) for n in (150, 3600))]
)
async def test_a_refresh_asks_every_meter_that_is_asked_for(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    *,
    asked: Moments,
    alias: str,
    pause: float,
) -> None:
    """Also when polling is disabled, and however seldom the meter measures."""
    await async_setup_component(hass, "homeassistant", {})
    local_entry.add_to_hass(hass)
    await setup(hass, local_entry)
    await poll(hass, freezer, 1500, step=20)
    hass.config_entries.async_update_entry(local_entry, pref_disable_polling=True)
    await hass.config_entries.async_reload(local_entry.entry_id)
    await hass.async_block_till_done()
    state = sensor(hass, alias, "gas" if alias == "p1-gas" else "electric_power")
    assert state
    for _ in range(8):
        asked.clear()
        freezer.tick(pause)
        # Core waits ten seconds between two refreshes.
        await poll(hass, freezer, 11, step=11)
        assert not asked
        await hass.services.async_call(
            "homeassistant",
            "update_entity",
            {"entity_id": state.entity_id},
            blocking=True,
        )
        await answered(hass)
        assert len(asked[alias]) == 1


@pytest.mark.rest
async def test_gas_whose_cadence_changes_is_fresh_again_soon(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    asked: Moments,
) -> None:
    """After an hour and two rounds; with one question more an hour than it measures."""
    gas = sim.house.meters["p1-gas"]
    gas.cadence = HOUR
    await setup(hass, local_entry)
    for cadence in (HOUR, 300, HOUR):
        gas.cadence = cadence
        await poll(hass, freezer, HOUR + 2 * cadence, step=30)
        asked.clear()
        late = 0.0
        for _ in range(2 * HOUR // 30):
            await poll(hass, freezer, 30, step=30)
            data = local_entry.runtime_data.coordinator.data["p1-gas"]
            shown = data.channels["gas"].time / 1000
            if shown < gas.measured_at(sim.clock.now()):
                late += 30
            else:
                late = 0
            assert late <= 60
        assert len(asked["p1-gas"]) <= 2 * (HOUR / cadence + 1) + 2
