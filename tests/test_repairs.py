"""Each fixable issue leads out of the trouble, through the real repairs manager."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import ATTR_DEVICE_CLASS, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.cemm.meters.breaks import Break
from simulator import Clock, Fault, House, SimMeter, Simulator, Source
from tests.helpers.common import device, issues, poll, sensor, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

FLOW = "/api/repairs/issues/fix"


class Repairs:
    """Fixes issues as the frontend does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def start(self, issue_id: str) -> dict[str, Any]:
        body = {"handler": "cemm", "issue_id": issue_id}
        return await self._post(FLOW, body)

    async def submit(self, flow_id: str, **user_input: str) -> dict[str, Any]:
        return await self._post(f"{FLOW}/{flow_id}", user_input)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self._client.post(path, json=body)
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


@pytest.fixture
async def repairs(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Repairs:
    assert await async_setup_component(hass, REPAIRS, {})
    return Repairs(await hass_client())


@pytest.fixture
async def question(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> ir.IssueEntry:
    """Connect a pulse meter, and return what is asked about it."""
    sim.house.meters["pulse-1"] = SimMeter(9, "pulse", Source.WATER)
    await setup(hass, local_entry)
    return issues(hass)["volume_kind"]


async def test_the_user_says_what_a_pulse_meter_measures(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    repairs: Repairs,
    question: ir.IssueEntry,
) -> None:
    form = await repairs.start(question.issue_id)
    assert form["type"] == FlowResultType.FORM
    assert form["description_placeholders"] == {
        "alias": "pulse-1",
        "meter": "pulse-1",
        "name": "CEMM Plus",
    }
    done = await repairs.submit(form["flow_id"], kind="water")
    await hass.async_block_till_done()

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert local_entry.options["volume_kinds"] == {"pulse-1": "water"}
    state = sensor(hass, "pulse-1", "volume")
    assert state and state.attributes[ATTR_DEVICE_CLASS] == SensorDeviceClass.WATER
    meter = device(hass, "pulse-1")
    assert meter and meter.name == "Water meter pulse-1"
    assert not issues(hass)


@pytest.fixture(params=["meter_replaced", "meter_leapt"])
async def news(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    request: pytest.FixtureRequest,
) -> ir.IssueEntry:
    """Let a register go on from another reading, and return what is told of it."""
    await setup(hass, local_entry)
    old = float(value(hass, "p1", "t1") or 0)
    change = 7000 if request.param == "meter_leapt" else 5 - old
    sim.faults.append(Fault("offset", value=("p1", "t1", change)))
    await poll(hass, freezer, 1200, step=100)
    found = issues(hass)
    assert list(found) == [request.param]
    return found[request.param]


async def test_the_news_of_a_change_can_be_dismissed(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    repairs: Repairs,
    news: ir.IssueEntry,
) -> None:
    menu = await repairs.start(news.issue_id)
    assert menu["type"] == FlowResultType.MENU
    assert menu["step_id"] == "init"
    assert menu["menu_options"] == ["dismiss", "was_use"]
    said = menu["description_placeholders"]
    assert (said["name"], said["alias"]) == ("CEMM Plus", "p1")
    # What each sensor showed and shows, the total too.
    lines = said["changes"].splitlines()
    assert [line.partition(":")[0] for line in lines[:1]] == ["- Import low tariff"]
    assert any(line.startswith("- Import:") for line in lines)
    assert all(line.endswith(" kWh") and "→" in line for line in lines)
    done = await repairs.submit(menu["flow_id"], next_step_id="dismiss")

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert not issues(hass)
    assert not any(each.is_use for each in breaks(local_entry))


async def test_the_user_may_say_that_it_was_use_after_all(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    repairs: Repairs,
    news: ir.IssueEntry,
) -> None:
    before = breaks(local_entry)
    menu = await repairs.start(news.issue_id)
    done = await repairs.submit(menu["flow_id"], next_step_id="was_use")

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert not issues(hass)
    assert breaks(local_entry) == [replace(each, is_use=True) for each in before]
    assert {each.name for each in before} >= {"p1_t1", "p1_energy_import"}


async def test_what_was_use_is_not_booked_while_the_cemm_is_not_set_up(
    hass: HomeAssistant,
    local_entry: MockConfigEntry,
    repairs: Repairs,
    news: ir.IssueEntry,
) -> None:
    menu = await repairs.start(news.issue_id)
    await hass.config_entries.async_unload(local_entry.entry_id)
    done = await repairs.submit(menu["flow_id"], next_step_id="was_use")

    assert done["type"] == FlowResultType.ABORT
    assert done["reason"] == "not_loaded"
    assert list(issues(hass)) == [news.translation_key]


def breaks(entry: MockConfigEntry) -> list[Break]:
    """Return what is still to be taken out of the sums: there is no recorder here."""
    found: list[Break] = entry.runtime_data.history._ledger.breaks
    return found


async def test_a_new_address_is_only_taken_if_the_same_cemm_answers_there(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    repairs: Repairs,
) -> None:
    other = Simulator(House(seed=1, mac="00:1E:C0:00:00:01"), Clock())
    await other.start()
    await setup(hass, local_entry)
    mac, sim.house.mac = sim.house.mac, "00:1E:C0:00:00:02"
    await poll(hass, freezer, 660, step=60)
    assert value(hass, "p1", "t1") == STATE_UNAVAILABLE

    form = await repairs.start(issues(hass)["wrong_device"].issue_id)
    assert form["description_placeholders"] == {"name": "CEMM Plus", "host": sim.base}
    flow_id = form["flow_id"]
    for host, error in (("", "cannot_connect"), (other.base, "wrong_device")):
        form = await repairs.submit(flow_id, host=host)
        assert form["errors"] == {"base": error}
    for other.house.cemm_3, error in ((True, "cemm_3"), (False, "not_cemm")):
        fault = Fault("status", "/open-api/v1/$", value=404)
        other.faults[:] = [] if other.house.cemm_3 else [fault]
        form = await repairs.submit(flow_id, host=other.base)
        assert form["errors"] == {"base": error}
    other.faults.clear()
    other.house.mac = mac
    done = await repairs.submit(flow_id, host=f" http://{other.base}/ ")
    await hass.async_block_till_done()

    assert done["type"] == FlowResultType.CREATE_ENTRY
    assert local_entry.data["host"] == other.base
    assert float(value(hass, "p1", "t1") or 0) > 0
    assert not issues(hass)
    await hass.config_entries.async_unload(local_entry.entry_id)
    await other.stop()


async def test_an_issue_without_its_cemm_goes_when_it_is_opened(
    hass: HomeAssistant, repairs: Repairs, question: ir.IssueEntry
) -> None:
    assert question.data
    question.data["entry_id"] = "gone"

    result = await repairs.start(question.issue_id)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "over")
    assert not issues(hass)


async def test_an_outage_of_one_connection_is_none_of_the_other(
    hass: HomeAssistant,
    sim: Simulator,
    loaded_entry: MockConfigEntry,
    remote_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing is unloaded when an entry that can't be set up is changed."""
    sim.faults.append(Fault("status", value=502))
    await poll(hass, freezer, 86_400 + 7200, step=3600)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await poll(hass, freezer, 7200, step=600)
    old = issues(hass)["cemm_unreachable"]
    hass.config_entries.async_update_entry(loaded_entry, data=remote_entry.data)
    assert await async_setup_component(hass, REPAIRS, {})
    result = await hass.data[REPAIRS]["flow_manager"].async_init(
        "cemm", data={"issue_id": old.issue_id}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "over")
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await poll(hass, freezer, 7200, step=600)
    assert list(issues(hass)) == ["cemm_unreachable_remote"]
