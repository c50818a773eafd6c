"""The demo says what is wrong when it cannot start, and leaves all as it was."""

from pathlib import Path
import socket

import pytest

from dev.demo.__main__ import demonstrate


async def test_a_taken_port_is_named(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"{port}.*\n.*--port"):
            await demonstrate(port, fresh=True)

    assert not [*tmp_path.iterdir()]
