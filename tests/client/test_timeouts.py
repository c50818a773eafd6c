"""Tests of the timeouts: no request waits for ever, whichever API it goes to."""

from collections.abc import Coroutine
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.cemm.client import (
    CemmClient,
    CemmTimeoutError,
    LocalCemm,
    Period,
    RemoteCemm,
)

from .conftest import Server, silence


@pytest.mark.parametrize("api", ["local", "remote"])
async def test_every_request_has_a_timeout(
    server: Server,
    session: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    api: str,
) -> None:
    clients: dict[str, CemmClient] = {
        "local": LocalCemm(server.host, session),
        "remote": RemoteCemm(str(server.url), "key", "FF-FF-FF-FF-FF-FF", session),
    }
    cemm = clients[api]
    monkeypatch.setattr(f"custom_components.cemm.client.{api}.TIMEOUT", 0.05)
    server.give(silence)
    requests: list[Coroutine[Any, Any, object]] = [
        cemm.info(),
        cemm.meters(),
        cemm.realtime("p1"),
        cemm.history("p1", Period.DAY, 0),
    ]
    if api == "remote":
        requests.append(cemm.totals("p1", 0))
    for request in requests:
        with pytest.raises(CemmTimeoutError):
            await request
