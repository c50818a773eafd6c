"""Each trouble raises a translated issue, which goes by itself when the trouble ends."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_translations
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Fault, SimMeter, Simulator, Source
from tests.helpers.common import device, issues, ours, poll, sensor, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

DAY = 86_400


async def titles(hass: HomeAssistant, language: str = "en") -> list[str]:
    """Return the titles of the active issues as the user reads them."""
    texts = await async_get_translations(hass, language, "issues", {"cemm"})
    return [
        texts[f"component.cemm.issues.{key}.title"].format(
            **issue.translation_placeholders or {}
        )
        for key, issue in issues(hass).items()
    ]


@pytest.mark.usefixtures("loaded_entry")
async def test_a_stopped_meter_counts_no_more_but_has_counted(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sim.faults.append(Fault("frozen", value="p1"))
    await poll(hass, freezer, 240)
    assert not issues(hass)
    assert value(hass, "p1", "electric_power") != STATE_UNAVAILABLE
    await poll(hass, freezer, 90)
    assert value(hass, "p1", "electric_power") == STATE_UNAVAILABLE
    assert float(value(hass, "p1", "t1") or 0) > 0
    assert value(hass, "s01", "electric_power") != STATE_UNAVAILABLE
    assert await titles(hass) == ["Smart meter has stopped"]

    sim.faults.clear()
    await poll(hass, freezer, 65, step=5)
    assert value(hass, "p1", "electric_power") != STATE_UNAVAILABLE
    assert not issues(hass)
    assert ours(caplog) == [
        "CEMM Plus: meter p1 has stopped",
        "CEMM Plus: meter p1 measures again",
    ]


async def test_a_meter_that_measures_again_after_a_reload_is_no_issue(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    sim.faults.append(Fault("frozen", value="p1"))
    await poll(hass, freezer, 330)
    assert "meter_stopped" in issues(hass)

    await hass.config_entries.async_unload(loaded_entry.entry_id)
    assert "meter_stopped" in issues(hass), "nobody knows while nobody asks"
    sim.faults.clear()
    await setup(hass, loaded_entry)
    await poll(hass, freezer, 60)

    assert not issues(hass)


@pytest.mark.usefixtures("loaded_entry")
async def test_pulse_meters_may_be_quiet(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    sim.faults += [Fault("frozen", value=alias) for alias in ("pulse-2", "s01")]

    await poll(hass, freezer, 900, step=30)

    assert value(hass, "pulse-2", "flow") != STATE_UNAVAILABLE
    assert value(hass, "s01", "electric_power") != STATE_UNAVAILABLE
    assert not issues(hass)


@pytest.mark.usefixtures("loaded_entry")
async def test_a_replaced_meter_is_accepted_within_20_minutes_and_said(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    old = float(value(hass, "p1", "t1") or 0)
    meter = device(hass, "p1")
    assert meter
    dr.async_get(hass).async_update_device(meter.id, name_by_user="Under the stairs")

    fall = -round(old - 5, 3)
    sim.faults.append(Fault("offset", value=("p1", "t1", fall)))
    await poll(hass, freezer, 120)
    assert float(value(hass, "p1", "t1") or 0) == pytest.approx(old, abs=1)
    await poll(hass, freezer, 1080, step=30)
    assert float(value(hass, "p1", "t1") or 0) == pytest.approx(5, abs=2)
    assert await titles(hass) == ["Under the stairs begins anew"]
    assert await titles(hass, "nl") != await titles(hass)

    await poll(hass, freezer, 6 * DAY, step=DAY)
    assert "meter_replaced" in issues(hass)
    await poll(hass, freezer, 2 * DAY, step=DAY)
    assert "meter_replaced" not in issues(hass)


@pytest.mark.parametrize("seconds", [10, 60])
@pytest.mark.usefixtures("loaded_entry")
async def test_a_counter_that_reads_0_for_a_while_never_shows_it(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    before = float(value(hass, "p1", "energy_import") or 0)

    sim.faults += [Fault("zero", value=("p1", key)) for key in ("t1", "t2", "t3")]
    for _ in range(round(seconds / 10)):
        await poll(hass, freezer)
        for key in ("t1", "t2", "energy_import", "energy_export"):
            assert float(value(hass, "p1", key) or 0) > 100
    sim.faults.clear()
    await poll(hass, freezer, 30)

    after = float(value(hass, "p1", "energy_import") or 0)
    assert before <= after < before + 1
    assert not issues(hass)


@pytest.mark.usefixtures("loaded_entry")
async def test_another_cemm_at_the_address_is_not_mixed_in(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    # The lease ends, and the address goes to a neighbour of the same kind.
    sim.faults.append(Fault("drop"))
    await poll(hass, freezer)
    mac, sim.house.mac = sim.house.mac, "00:1E:C0:00:00:01"
    sim.faults[:] = [Fault("value", value=("p1", "electric_power", 77777))]
    await poll(hass, freezer)

    assert value(hass, "p1", "electric_power") == STATE_UNAVAILABLE
    assert await titles(hass) == ["CEMM Plus: another CEMM answers"]
    sim.house.mac = mac
    sim.faults.clear()
    await poll(hass, freezer)
    assert value(hass, "p1", "electric_power") != STATE_UNAVAILABLE
    assert not issues(hass)


@pytest.mark.parametrize("connection", ["local", "remote"])
async def test_a_cemm_out_of_reach_for_a_day_is_an_issue_also_after_a_restart(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    connection: str,
    request: pytest.FixtureRequest,
) -> None:
    entry = await setup(hass, request.getfixturevalue(f"{connection}_entry"))
    key = "cemm_unreachable" + ("_remote" if connection == "remote" else "")
    sim.faults.append(Fault("status", value=502))
    await poll(hass, freezer, DAY - 3600, step=3600)
    assert not issues(hass)
    await poll(hass, freezer, 7200, step=3600)
    assert list(issues(hass)) == [key]
    assert (await titles(hass))[0].endswith("has not answered for a day")

    await hass.config_entries.async_unload(entry.entry_id)
    await setup(hass, entry)
    assert list(issues(hass)) == [key]

    sim.faults.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    assert not issues(hass)


async def test_a_pulse_meter_that_does_not_say_what_it_measures_is_asked_about(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    sim.house.meters["pulse-1"] = SimMeter(9, "pulse", Source.WATER)
    await setup(hass, local_entry)
    assert await titles(hass) == ["What does pulse-1 measure?"]

    # The issue goes with the meter.
    del sim.house.meters["pulse-1"]
    await poll(hass, freezer, 3600, step=300)
    assert sensor(hass, "pulse-1", "volume") is None
    assert not issues(hass)


async def test_a_meter_that_nobody_looks_at_is_not_said_to_have_stopped(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is only asked when the CEMM's meters are listed."""
    disabled = device(hass, "mb5")
    assert disabled
    dr.async_get(hass).async_update_device(
        disabled.id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    for _ in range(25):
        await poll(hass, freezer, 60, step=20)
        assert not issues(hass)
    assert not ours(caplog)


async def test_the_time_that_home_assistant_was_off_is_no_outage(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    freezer.tick(2 * DAY)
    sim.faults.append(Fault("drop"))
    await setup(hass, loaded_entry)
    await poll(hass, freezer, 3000, step=600)
    assert not issues(hass)
    await poll(hass, freezer, 1800, step=600)
    assert list(issues(hass)) == ["cemm_unreachable"]


@pytest.mark.usefixtures("loaded_entry")
async def test_a_leap_that_lasts_is_told_as_what_it_is(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    old = float(value(hass, "p1", "t1") or 0)
    sim.faults.append(Fault("offset", value=("p1", "t1", 7000)))
    await poll(hass, freezer, 500)
    assert float(value(hass, "p1", "t1") or 0) < old + 10
    assert not issues(hass)
    await poll(hass, freezer, 700)
    assert float(value(hass, "p1", "t1") or 0) > old + 6900
    assert list(issues(hass)) == ["meter_leapt"]

    await poll(hass, freezer, 8 * DAY, step=3600)
    assert not issues(hass)


async def test_a_cemm_that_is_disabled_while_it_does_not_answer_has_no_issues(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant does not unload what it could not set up."""
    sim.faults.append(Fault("status", value=502))
    await poll(hass, freezer, DAY + 7200, step=3600)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await poll(hass, freezer, 7200, step=600)
    assert loaded_entry.state is ConfigEntryState.SETUP_RETRY
    assert list(issues(hass)) == ["cemm_unreachable"]
    await hass.config_entries.async_set_disabled_by(
        loaded_entry.entry_id, ConfigEntryDisabler.USER
    )
    assert not issues(hass)
