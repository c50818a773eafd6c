"""Tests of saving a CEMM's answers without what tells whose it is."""

import asyncio
from collections.abc import AsyncIterator
import json
from pathlib import Path
import sys
from typing import Any

import pytest

from custom_components.cemm.client import (
    AuthenticationError,
    CemmConnectionError,
    InsecureUrlError,
    NotCemmError,
    Period,
)
from custom_components.cemm.client.models import (
    parse_history,
    parse_info,
    parse_meters,
    parse_reading,
    parse_uids,
)
from dev.record import Recording, main, record_local, record_remote
from simulator import Clock, Fault, House, Simulator

KEY = "s3cret-key"


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    simulator = Simulator(House(seed=1), Clock(), api_key=KEY)
    await simulator.start()
    yield simulator
    await simulator.stop()


def saved(folder: Path) -> dict[str, Any]:
    """Return the content of each file."""
    return {
        file.relative_to(folder).with_suffix("").as_posix(): json.loads(
            file.read_text()
        )
        for file in sorted(folder.rglob("*.json"))
    }


async def test_a_local_cemm(sim: Simulator, tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    recording = await record_local(sim.base, folder)

    files = saved(folder)
    aliases = [meter.alias for meter in parse_meters(files["io"])]
    assert aliases == list(sim.house.meters)
    assert not recording.failures
    assert files.keys() == {"info", "io"} | {
        f"{alias}_{answer}"
        for alias in [*aliases, "usage"]
        for answer in ("realtime", *(f"data_{period}" for period in Period))
    }
    # They are what the client understands.
    assert parse_reading(files["p1_realtime"]).channels["t1"].value > 0
    assert len(parse_history(files["p1_data_day"]).channels["electric_power"]) >= 1380
    info = parse_info(files["info"])
    assert info.mac == "02:00:00:00:00:01"
    assert (info.name, info.version) == (sim.house.name, sim.house.version)


async def test_the_remote_api(sim: Simulator, tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    sim.linked.append(House(seed=2, mac="00:1E:C0:00:00:02"))
    # Whatever the API quotes, the key stays here.
    sim.faults.append(Fault("body", "/s01/realtime/", value={"data": {"key": KEY}}))
    await record_remote(sim.remote_url, KEY, folder)

    files = saved(folder)
    assert parse_uids(files["cemm"]) == ("02-00-00-00-00-01", "02-00-00-00-00-02")
    assert {"cemm-1/p1_realtime", "cemm-1/p1_totals", "cemm-2/p1_data_year"} <= set(
        files
    )
    assert files["cemm-1/s01_realtime"] == {"data": {"key": "***"}}
    assert "failures" not in files


@pytest.mark.parametrize("api", ["local", "remote"])
async def test_nothing_tells_whose_it_is(
    sim: Simulator, tmp_path: Path, api: str
) -> None:
    if api == "local":
        await record_local(sim.base, tmp_path / "recording")
    else:
        await record_remote(sim.remote_url, KEY, tmp_path / "recording")

    text = json.dumps(saved(tmp_path)).lower()
    mac = sim.house.mac.lower()
    for secret in (KEY, mac, mac.replace(":", "-"), mac.replace(":", ""), "127.0.0.1"):
        assert secret not in text


@pytest.mark.parametrize(
    ("content", "blanked"),
    [
        ("00:1E:C0:85:96:CC", "02:00:00:00:00:01"),
        ("at 00-1e-c0-85-96-cc.", "at 02-00-00-00-00-01."),
        ("001ec08596cc", "020000000001"),
        # No MAC, however much of one it holds.
        ("E5AD649292BBBB51060F", "E5AD649292BBBB51060F"),
        ("http://192.168.1.20:8080/", "http://192.0.2.1:8080/"),
        ("fe80::21e:c0ff:fe85:96cc", "2001:db8::1"),
        ("12:30:00", "12:30:00"),
        ({"version": "2.18.1.0"}, {"version": "2.18.1.0"}),
        ({"ip": ["10.0.0.7", None, 1.5]}, {"ip": ["192.0.2.1", None, 1.5]}),
        ({"00:1E:C0:85:96:CC": True}, {"02:00:00:00:00:01": True}),
    ],
)
def test_blanking(content: Any, blanked: Any, tmp_path: Path) -> None:
    assert Recording(tmp_path).blank(content) == blanked


def test_the_same_mac_stays_the_same(tmp_path: Path) -> None:
    macs = ["00:1E:C0:85:96:CC", "00-1E-C0-85-96-CD", "001ec08596cc"]
    assert Recording(tmp_path).blank(macs) == [
        "02:00:00:00:00:01",
        "02-00-00-00-00-02",
        "020000000001",
    ]


async def test_what_fails_is_noted_and_the_rest_saved(
    sim: Simulator, tmp_path: Path
) -> None:
    sim.faults += [
        Fault("status", "/p1/data/year/", value=404),
        Fault("html", "/p1/data/month/"),
    ]
    recording = await record_local(sim.base, tmp_path)

    files = saved(tmp_path)
    assert files["failures"] == recording.failures
    assert recording.failures == {
        "p1_data_month": "the answer is no JSON",
        "p1_data_year": "HTTP status 404",
    }
    assert "p1_data_day" in files


async def test_firmware_that_lists_no_meters(sim: Simulator, tmp_path: Path) -> None:
    sim.house.io_list = False
    recording = await record_local(sim.base, tmp_path)

    assert recording.failures == {"io": "HTTP status 404"}
    assert "p1_realtime" in saved(tmp_path)


async def test_a_list_of_meters_that_is_broken(sim: Simulator, tmp_path: Path) -> None:
    sim.faults.append(Fault("body", "/io/", value={"data": "none"}))
    recording = await record_local(sim.base, tmp_path)

    assert recording.failures == {"meters": "no list"}
    assert saved(tmp_path)["io"] == {"data": "none"}


async def test_what_is_no_cemm(sim: Simulator, tmp_path: Path) -> None:
    sim.faults.append(Fault("html"))
    with pytest.raises(NotCemmError):
        await record_local(sim.base, tmp_path)
    with pytest.raises(CemmConnectionError):
        await record_local("127.0.0.1:1", tmp_path)
    assert not saved(tmp_path)


async def test_a_key_that_opens_nothing(sim: Simulator, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError):
        await record_remote(sim.remote_url, "wrong", tmp_path)
    with pytest.raises(InsecureUrlError):
        await record_remote("http://192.0.2.1/v1/", KEY, tmp_path)
    assert not saved(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["127.0.0.1:1"], "Nothing recorded: no answer"),
        (["http://192.0.2.1/", "--api-key", KEY], "Nothing recorded: plain HTTP"),
        (["127.0.0.1", "."], ". exists already."),
    ],
)
@pytest.mark.usefixtures("socket_enabled")
def test_the_command_says_plainly_what_is_wrong(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["scripts/record", *arguments])
    with pytest.raises(SystemExit, match=message):
        main()


async def test_the_command(
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sim.faults.append(Fault("status", "/p1/data/year/", value=404))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["scripts/record", sim.base])
    await asyncio.to_thread(main)

    said = capsys.readouterr().out
    for name in saved(tmp_path):
        assert f"{name}.json" in said
    assert "Missing: p1_data_year: HTTP status 404" in said
    assert (tmp_path / "recording" / "p1_realtime.json").exists()
