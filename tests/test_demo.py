"""The demo says what is wrong when it cannot start, and leaves all as it was."""

import asyncio
import fcntl
from pathlib import Path
import socket

from homeassistant.runner import LOCK_FILE_NAME
import pytest

from dev.demo import __main__ as demo
from dev.demo.homeassistant import ended


@pytest.fixture
def folder(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return an empty folder, which the demo is started in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("whose", "way_out"),
    [("port", "--port"), ("_LOCAL_PORT", "demo$"), ("_REMOTE_PORT", "demo$")],
)
async def test_a_taken_port_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, whose: str, way_out: str
) -> None:
    ports = {"port": 0, "_LOCAL_PORT": 0, "_REMOTE_PORT": 0}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports[whose] = port = taken.getsockname()[1]
        monkeypatch.setattr(demo, "_LOCAL_PORT", ports["_LOCAL_PORT"])
        monkeypatch.setattr(demo, "_REMOTE_PORT", ports["_REMOTE_PORT"])
        with pytest.raises(SystemExit, match=f"{port}.*\n.*{way_out}"):
            await demo.demonstrate(ports["port"], fresh=True)

    assert not [*folder.iterdir()]


async def test_a_port_that_is_none_is_named(folder: Path) -> None:
    with pytest.raises(SystemExit, match=r"99999.*\n.*--port"):
        await demo.demonstrate(99999, fresh=True)


async def test_it_waits_for_one_that_a_kill_has_left(tmp_path: Path) -> None:
    await ended(tmp_path)
    with (tmp_path / LOCK_FILE_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = asyncio.create_task(ended(tmp_path))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        fcntl.flock(lock, fcntl.LOCK_UN)
        await waiting
