"""The CEMM and its meters as devices, which come and go with what is connected."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm import async_remove_config_entry_device
from simulator import Fault, Simulator
from tests.helpers.common import device, poll, sensor, value

from .conftest import setup
from .fixtures import load

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

HOUR = 3600


def devices(hass: HomeAssistant, *aliases: str) -> dict[str, dr.DeviceEntry]:
    """Return the devices of some meters, each of which has one."""
    found = {alias: device(hass, alias) for alias in aliases}
    assert all(found.values())
    return {alias: each for alias, each in found.items() if each}


@pytest.mark.parametrize("source", ["local", "recorded"])
async def test_the_cemm_is_a_device_as_it_describes_itself(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry, source: str
) -> None:
    info = load(f"{source}/info")
    mac = dr.format_mac(info["data"]["mac"])
    sim.faults.append(Fault("body", "^/open-api/v1/$", value=info))
    local_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(local_entry, unique_id=mac)
    await setup(hass, local_entry)

    registry = dr.async_get(hass)
    cemm = registry.async_get_device_by_identifier(("cemm", mac), local_entry.entry_id)
    assert cemm
    assert cemm.connections == {(dr.CONNECTION_NETWORK_MAC, mac)}
    assert cemm.name == "CEMM Plus"
    assert cemm.model == info["data"]["name"]
    assert cemm.model_id == info["data"]["type"]
    assert cemm.sw_version == info["data"]["version"]
    assert cemm.hw_version == info["data"]["core"]
    assert cemm.configuration_url == f"http://{sim.base}/"


@pytest.mark.usefixtures("loaded_entry")
async def test_each_meter_is_a_device_behind_the_cemm(
    hass: HomeAssistant, sim: Simulator
) -> None:
    cemm = device(hass)
    assert cemm
    meters = devices(hass, *sim.house.meters, "usage")
    assert {meter.via_device_id for meter in meters.values()} == {cemm.id}
    assert {alias: meter.name for alias, meter in meters.items()} == {
        "p1": "Smart meter",
        "p1-gas": "Gas meter",
        "s01": "Solar meter s01",
        "mb5": "Electricity meter mb5",
        "pulse-2": "Water meter pulse-2",
        "usage": "Electric usage",
    }
    assert {alias: meter.model for alias, meter in meters.items()} == {
        "p1": "Smart meter (P1)",
        "p1-gas": "Gas meter (P1)",
        "s01": "Pulse S0 1",
        "mb5": "Modbus 5",
        "pulse-2": "Pulse 2",
        "usage": None,
    }


async def test_several_smart_meters_are_told_apart(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    p1, gas = sim.house.meters["p1"], sim.house.meters["p1-gas"]
    sim.house.meters |= {"p1-usb": p1, "emucs": p1, "emucs-gas": gas}
    await setup(hass, local_entry)
    meters = devices(hass, "p1", "p1-usb", "emucs", "p1-gas", "emucs-gas")
    assert {alias: meter.name for alias, meter in meters.items()} == {
        "p1": "Smart meter",
        "p1-usb": "Electricity meter p1-usb",
        "emucs": "Electricity meter emucs",
        "p1-gas": "Gas meter",
        "emucs-gas": "Gas meter emucs-gas",
    }
    assert [meter.model for meter in meters.values()] == [
        "Smart meter (P1)",
        "Smart meter (P1, USB)",
        "Smart meter (EMUCS)",
        "Gas meter (P1)",
        "Gas meter (EMUCS)",
    ]


async def test_what_a_meter_measures_stays_known_where_it_cannot_be_read(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, remote_entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(loaded_entry, data=remote_entry.data)
    for _ in range(2):
        await hass.config_entries.async_unload(loaded_entry.entry_id)
        await setup(hass, loaded_entry)
        state = sensor(hass, "pulse-2", "volume")
        assert state
        assert state.attributes["device_class"] == "water"


async def test_what_an_inverter_makes_is_named_by_what_tells_it(
    hass: HomeAssistant, remote_entry: MockConfigEntry, local_entry: MockConfigEntry
) -> None:
    """Through the remote API it has net counters alone, and locally registers too."""

    def names() -> dict[str, str]:
        found = {}
        for key in ("t1", "electric_energy"):
            if state := sensor(hass, "s01", key):
                found[key] = state.name.removeprefix("Solar meter s01 ")
        return found

    await setup(hass, remote_entry)
    assert names() == {"electric_energy": "Production low tariff"}
    for data in (local_entry.data, remote_entry.data):
        await hass.config_entries.async_unload(remote_entry.entry_id)
        hass.config_entries.async_update_entry(remote_entry, data=data)
        await setup(hass, remote_entry)
        assert names() == {
            "t1": "Production low tariff",
            "electric_energy": "Net low tariff",
        }


@pytest.mark.usefixtures("loaded_entry")
async def test_new_firmware_shows(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.house.version = "2.27.0.0"
    await poll(hass, freezer, HOUR, step=300)

    cemm = device(hass)
    assert cemm and cemm.sw_version == "2.27.0.0"


async def test_what_the_remote_api_does_not_tell_stays_known(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
) -> None:
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    hass.config_entries.async_update_entry(loaded_entry, data=remote_entry.data)
    await setup(hass, loaded_entry)

    cemm = device(hass)
    assert cemm
    assert cemm.sw_version == sim.house.version
    assert cemm.configuration_url == "https://mijn.cemm.nl/"


async def test_a_meter_comes_within_the_hour_and_goes_within_the_hour(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    meter = sim.house.meters.pop("mb5")
    await setup(hass, local_entry)
    assert device(hass, "mb5") is None

    for _ in range(2):
        sim.house.meters["mb5"] = meter
        await poll(hass, freezer, HOUR, step=300)
        assert float(value(hass, "mb5", "t1") or 0) > 0

        del sim.house.meters["mb5"]
        await poll(hass, freezer, HOUR, step=300)
        assert device(hass, "mb5") is None
        assert value(hass, "mb5", "t1") is None


async def test_a_meter_that_went_while_home_assistant_was_off_can_come_back(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    meter = sim.house.meters.pop("mb5")
    await setup(hass, loaded_entry)
    await poll(hass, freezer, HOUR, step=300)
    assert device(hass, "mb5") is None

    sim.house.meters["mb5"] = meter
    await poll(hass, freezer, HOUR, step=300)

    assert float(value(hass, "mb5", "t1") or 0) > 0


@pytest.mark.usefixtures("loaded_entry")
async def test_a_list_that_is_incomplete_for_a_while_loses_nothing(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    before = set(er.async_get(hass).entities)

    # A CEMM that starts several times lists its meters late, and is asked each time.
    for _ in range(3):
        sim.faults[:] = [Fault("status", value=502)]
        await poll(hass, freezer)
        sim.faults[:] = [Fault("body", "/io/$", value={"data": []})]
        await poll(hass, freezer, 90)
        assert device(hass, "mb5")
    sim.faults.clear()
    await poll(hass, freezer, HOUR, step=300)

    assert set(er.async_get(hass).entities) == before
    assert float(value(hass, "mb5", "t1") or 0) > 0


async def test_only_what_the_cemm_no_longer_has_can_be_deleted(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A remote CEMM never says that a Modbus meter is gone, but the user may."""

    async def may_delete(alias: str) -> bool:
        found = device(hass, alias)
        assert found
        return await async_remove_config_entry_device(hass, local_entry, found)

    await setup(hass, local_entry)
    assert not await may_delete("mb5")
    await hass.config_entries.async_unload(local_entry.entry_id)
    assert not await may_delete("mb5"), "nothing is known of it now"

    hass.config_entries.async_update_entry(local_entry, data=remote_entry.data)
    await setup(hass, local_entry)
    assert await may_delete("mb5")
    assert not await may_delete("p1")
    assert not await may_delete("")

    # Nor is it said remotely of others, but they do not answer any more.
    del sim.house.meters["s01"]
    await poll(hass, freezer, 300, step=60)
    assert not await may_delete("s01")
    await poll(hass, freezer, HOUR, step=300)
    assert await may_delete("s01")
    assert value(hass, "s01", "energy_import") == STATE_UNAVAILABLE
    assert not await may_delete("p1")


async def test_a_meter_that_answers_is_not_gone_whatever_a_list_says(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The remote API is asked for each alias only when its list has changed."""
    hiccup = Fault("status", "/s01/$", value=404)
    sim.faults.append(hiccup)
    del sim.house.meters["p1-gas"]
    await poll(hass, freezer, 1800, step=60)
    sim.faults.remove(hiccup)
    await poll(hass, freezer, HOUR, step=300)
    assert value(hass, "p1-gas", "gas") == STATE_UNAVAILABLE
    assert float(value(hass, "s01", "electric_power") or 0) > 0
    assert "s01" in loaded_remote_entry.runtime_data.coordinator.roster.listed
