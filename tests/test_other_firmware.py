"""CEMMs that answer otherwise than most, as the documents allow."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client.local import DOCUMENTED_ALIASES
from simulator import Fault, SimMeter, Simulator, Source
from tests.fixtures import load
from tests.helpers.common import device, ours, poll, value

from .conftest import setup

pytestmark = pytest.mark.freeze_time("2026-06-10 12:00:07")

UNCONNECTED: list[Any] = [
    {},
    pytest.param({"data": {}}, marks=pytest.mark.rest),
    pytest.param({"data": {"electric_power": [0, 0]}}, marks=pytest.mark.rest),
    {"data": {"t1": [0, 0], "t2": [0, 0]}, "totals": {"t1": [0, 0]}},
]


async def test_a_list_of_meters_in_the_other_document_s_form(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sim.faults.append(Fault("without", "/io/$", value=["alias"]))
    await setup(hass, local_entry)
    for alias in ("p1", "p1-gas", "s01", "pulse-2", "usage"):
        assert device(hass, alias), alias
    await poll(hass, freezer, 1300, step=60)
    assert ours(caplog) == ["CEMM Plus: no good answer to io/: no aliases"]


@pytest.mark.parametrize("answer", UNCONNECTED, ids=str)
async def test_what_is_not_connected_but_answers_is_asked_once_an_hour(
    hass: HomeAssistant,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    answer: Any,
) -> None:
    sim.house.io_list = False
    unconnected = [a for a in DOCUMENTED_ALIASES if a not in sim.house.meters]
    path = f"/v1/({'|'.join(unconnected)})/realtime"
    sim.faults.append(fault := Fault("body", path, value=answer))
    await setup(hass, local_entry)
    await poll(hass, freezer, 600, step=60)
    sim.requests.clear()
    await poll(hass, freezer, 4 * 3600, step=60)
    asked = [r for r in sim.requests if any(f"/{a}/" in r.path for a in unconnected)]
    assert len(asked) <= 5 * len(unconnected)
    assert not any(device(hass, alias) for alias in unconnected)
    assert value(hass, "p1", "t1") != STATE_UNAVAILABLE

    # What is connected then, is found within the hour.
    sim.faults.remove(fault)
    sim.house.meters["p1-usb"] = sim.house.meters["p1"]
    await poll(hass, freezer, 3600, step=60)
    assert value(hass, "p1-usb", "t1") not in (None, STATE_UNAVAILABLE)


@pytest.mark.parametrize(
    ("meter", "name"),
    [
        (SimMeter(1, "electricity", Source.EV, 1), "s02"),
        (SimMeter(1, "water", Source.WATER, 1), "pulse-2"),
    ],
)
async def test_one_input_under_two_names_is_one_device(
    hass: HomeAssistant,
    *,
    sim: Simulator,
    local_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    meter: SimMeter,
    name: str,
) -> None:
    sim.house.io_list = False
    sim.house.meters |= {"s02": meter, "pulse-2": meter}
    await setup(hass, local_entry)
    await poll(hass, freezer, 7200, step=60)
    assert [a for a in ("s02", "pulse-2") if device(hass, a)] == [name]
    # What answers otherwise is another meter.
    assert device(hass, "s01")


async def test_totals_of_some_counters_hide_no_other(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    sim.faults.append(
        Fault(
            "without",
            "/p1/realtime/",
            value=["totals.gas", "totals.t1", "totals.t2", "totals.t3", "totals.t4"],
        )
    )
    await setup(hass, local_entry)
    channels = local_entry.runtime_data.coordinator.data["p1"].channels
    assert {"t1", "t2", "t3", "t4", "gas", "electric_energy"} <= channels.keys()


async def test_numbers_in_quotes(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    sim.faults.append(Fault("quoted"))
    await setup(hass, entry)
    assert float(value(hass, "p1", "t1") or 0) > 0
    assert float(value(hass, "p1-gas", "gas") or 0) > 0


async def test_the_local_document_s_examples(
    hass: HomeAssistant, sim: Simulator, local_entry: MockConfigEntry
) -> None:
    sim.house.meters = {"p1": sim.house.meters["p1"]}
    sim.faults += [
        Fault("body", r"/open-api/v1/$", value=load("local/info")),
        Fault("body", "/p1/realtime/$", value=load("local/p1_realtime")),
        Fault("status", "/usage/", value=404),
    ]
    await setup(hass, local_entry)
    cemm = device(hass)
    assert cemm
    assert (cemm.model, cemm.sw_version) == ("CEMM Basic", "2.18.1.0")
    shown = {
        key: value(hass, "p1", key)
        for key in ("t1", "t2", "t3", "t4", "electric_power")
    }
    assert shown == {
        "t1": "78659.671875",
        "t2": "114467.5703125",
        "t3": "28713.73828125",
        "t4": "33709.36328125",
        "electric_power": "-8840",
    }
    assert value(hass, "p1", "rate") == "high"
    assert value(hass, "p1", "gas") is None


async def test_the_remote_document_s_examples(
    hass: HomeAssistant, sim: Simulator, remote_entry: MockConfigEntry
) -> None:
    uid = "FF-FF-FF-FF-FF-FF"
    remote_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        remote_entry,
        unique_id=uid.replace("-", ":").lower(),
        data={**remote_entry.data, "uid": uid},
    )
    examples = {
        "cemm": "cemm",
        "io": "io",
        "p1": "p1",
        "p1/realtime": "p1_realtime",
        "p1/totals": "p1_totals",
    }
    sim.faults += [
        *(
            Fault("body", f"/{path}/$", value=load(f"remote/{name}"))
            for path, name in examples.items()
        ),
        Fault("status", value=412),
    ]
    await setup(hass, remote_entry)
    data = remote_entry.runtime_data.coordinator.data
    assert data.keys() == {"p1"}
    assert {key: m.value for key, m in data["p1"].channels.items()} == {
        "t1": 1351,
        "t2": 1614,
        "t3": 883,
        "t4": 2018,
        "electric_power": -1607,
        "rate": 2,
        "gas": 2617,
        "electric_energy": 466.6960144043,
        "electric_energy_high": -393.11401367188,
    }
