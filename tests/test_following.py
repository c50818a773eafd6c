"""Following the address of a CEMM that is set up: only when it has left the old one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import (
    SOURCE_DHCP,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.util.dt import utcnow
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cemm.const import DOMAIN
from custom_components.cemm.discovery import INTERVAL
from simulator import Fault, House, Simulator
from tests.helpers.common import answered, ours, value
from tests.helpers.flows import HOST, Lan, in_progress

from .conftest import MAC, setup

OTHER = "127.0.0.6"

type ShowUp = Callable[[str], Awaitable[None]]


@pytest.fixture(params=["broadcast", SOURCE_INTEGRATION_DISCOVERY, SOURCE_DHCP])
def show_up(hass: HomeAssistant, lan: Lan, request: pytest.FixtureRequest) -> ShowUp:
    """Return what lets an address be heard of, in each of the ways."""

    async def heard(host: str) -> None:
        data: Any = {"host": host, "mac": MAC}
        if request.param == "broadcast":
            async_fire_time_changed(hass, utcnow() + INTERVAL)
        else:
            if request.param == SOURCE_DHCP:
                data = DhcpServiceInfo(
                    ip=host, hostname="cemm", macaddress=MAC.replace(":", "")
                )
            await hass.config_entries.flow.async_init(
                DOMAIN, context={"source": request.param}, data=data
            )
        await hass.async_block_till_done(wait_background_tasks=True)
        assert not in_progress(hass)

    return heard


@pytest.fixture
async def double(lan: Lan, house: House) -> Simulator:
    """Connect what answers as the same CEMM, but for its readings, at another address."""
    double = await lan.add(House(seed=2, mac=house.mac), OTHER)
    double.faults.append(Fault("value", value=("p1", "electric_power", 99_999)))
    return double


async def _set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await setup(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.parametrize(
    "state",
    [
        "loaded",
        "failing",
        *(pytest.param(s, marks=pytest.mark.rest) for s in ("retry", "unloaded")),
    ],
)
async def test_nobody_takes_over_a_cemm_that_answers(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    *,
    double: Simulator,
    show_up: ShowUp,
    state: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever state its entry is in; and what else has its MAC is told of once."""
    real = lan.simulators[0]
    if state == "retry":
        real.faults.append(Fault("status", "/io/$|/realtime/", value=502))
    await _set_up(hass, lan_entry)
    if state == "failing":
        real.faults.append(Fault("status", "/io/|/realtime/", value=502))
        for _ in range(4):
            await lan_entry.runtime_data.coordinator.async_refresh()
    if state == "unloaded":
        await hass.config_entries.async_unload(lan_entry.entry_id)

    for _ in range(3):
        await show_up(OTHER)
    await answered(hass)

    assert lan_entry.data["host"] == HOST
    assert (lan_entry.state is ConfigEntryState.LOADED) == (
        state in ("loaded", "failing")
    )
    assert value(hass, "p1", "electric_power") != "99999"
    [told] = [line for line in ours(caplog) if OTHER in line]
    assert told.startswith(f"CEMM: the same CEMM answers at {HOST} and at {OTHER};")


async def test_another_double_is_told_of_too(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    double: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each pair of addresses once."""
    await _set_up(hass, lan_entry)
    assert len([line for line in ours(caplog) if OTHER in line]) == 1
    await lan.move(double, "127.0.0.7")
    for _ in range(2):
        async_fire_time_changed(hass, utcnow() + INTERVAL)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len([line for line in ours(caplog) if "127.0.0.7" in line]) == 1
    assert lan_entry.data["host"] == HOST


@pytest.mark.parametrize("state", ["loaded", "retry", "unloaded"])
async def test_a_cemm_that_moved_is_followed_and_the_log_says_so(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    *,
    show_up: ShowUp,
    state: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = lan.simulators[0]
    if state != "retry":
        await _set_up(hass, lan_entry)
    if state == "unloaded":
        await hass.config_entries.async_unload(lan_entry.entry_id)
    await real.stop()
    if state == "retry":
        await _set_up(hass, lan_entry)
        assert lan_entry.state is ConfigEntryState.SETUP_RETRY
    await lan.move(real, OTHER)
    caplog.clear()

    for _ in range(2):
        await show_up(OTHER)

    assert lan_entry.data == {"connection": "local", "host": OTHER}
    if state != "unloaded":
        assert lan_entry.state is ConfigEntryState.LOADED
    assert [line for line in ours(caplog) if OTHER in line] == [
        f"CEMM has moved from {HOST} to {OTHER}"
    ]


async def test_a_cemm_whose_old_address_another_has_is_followed(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, show_up: ShowUp
) -> None:
    await _set_up(hass, lan_entry)
    await lan.move(lan.simulators[0], OTHER)
    await lan.add(House(seed=3, mac="D8:80:39:00:00:03"))
    # The neighbour that has its address now shows up itself.
    with patch.object(hass.config_entries.flow, "async_progress", return_value=[]):
        await show_up(OTHER)
    assert lan_entry.data["host"] == OTHER


async def test_a_cemm_that_moved_is_found_within_two_hours_by_itself(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry
) -> None:
    """Also when it took a while until it answered again."""
    await _set_up(hass, lan_entry)
    real = lan.simulators[0]
    await real.stop()
    for _ in range(4):
        await lan_entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert lan_entry.data["host"] == HOST
    await lan.move(real, OTHER)
    async_fire_time_changed(hass, utcnow() + timedelta(hours=2))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert lan_entry.data["host"] == OTHER
    assert lan_entry.state is ConfigEntryState.LOADED


async def test_nothing_is_followed_where_nobody_answers(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    show_up: ShowUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await _set_up(hass, lan_entry)
    await lan.simulators[0].stop()
    await show_up(OTHER)
    assert lan_entry.data["host"] == HOST
    assert not [line for line in ours(caplog) if OTHER in line]


@pytest.mark.parametrize("fault", ["drop", "html", "empty", "broken_json"])
async def test_one_question_that_fails_is_no_reason_to_go(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    double: Simulator,
    fault: str,
) -> None:
    await _set_up(hass, lan_entry)
    times = 2 if fault == "drop" else 1
    lan.simulators[0].faults.append(Fault(fault, "^/open-api/v1/$", times=times))
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={"host": OTHER, "mac": MAC},
    )
    assert lan_entry.data["host"] == HOST


async def test_the_users_own_port_stays_though_the_entry_is_not_loaded(
    hass: HomeAssistant,
    lan: Lan,
    lan_entry: MockConfigEntry,
    show_up: ShowUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those are no two addresses: only other words for one."""
    words = f"{HOST}:{lan.port}"
    lan_entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        lan_entry, data={**lan_entry.data, "host": words}
    )
    await show_up(HOST)
    assert lan_entry.data["host"] == words
    assert not ours(caplog)


async def test_the_user_is_faster(
    hass: HomeAssistant, lan: Lan, lan_entry: MockConfigEntry, remote_entry: Any
) -> None:
    """What the user changes while the CEMM is asked stands."""
    await _set_up(hass, lan_entry)
    await lan.move(lan.simulators[0], OTHER)
    lan.simulators[0].faults.append(Fault("latency", "^/open-api/v1/$", value=0.1))
    flow = asyncio.create_task(
        hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={"host": OTHER, "mac": MAC},
        )
    )
    await asyncio.sleep(0.05)
    hass.config_entries.async_update_entry(lan_entry, data=remote_entry.data)
    assert (await flow)["reason"] == "already_configured"
    assert lan_entry.data == remote_entry.data
