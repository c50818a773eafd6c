"""Asking meters: what hangs keeps no other waiting, whichever API it is."""

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.client import LocalCemm, Reading, RemoteCemm
from simulator import Fault, Simulator
from tests.conftest import setup


async def test_others_answer_while_one_hangs(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await setup(hass, entry)
    api = entry.data["connection"]
    client = LocalCemm if api == "local" else RemoteCemm
    monkeypatch.setattr(client, "quick_answer", client.quick_answer / 50)
    monkeypatch.setattr(f"custom_components.cemm.client.{api}.TIMEOUT", 0.5)
    monkeypatch.setattr("custom_components.cemm.client.turns.PATIENCE", 0.05)
    realtime, answered = client.realtime, list[str]()

    async def noted(cemm: LocalCemm | RemoteCemm, alias: str) -> Reading:
        try:
            return await realtime(cemm, alias)
        finally:
            answered.append(alias)

    monkeypatch.setattr(client, "realtime", noted)
    first, *others = entry.runtime_data.coordinator.data
    sim.faults.append(Fault("hang", f"/{first}/realtime/$"))
    await entry.runtime_data.coordinator.async_refresh()
    assert len(others) >= 2
    assert answered == [*others, first]
