"""The process that `test_killed` kills: a house whose meter is replaced, and its recorder.

It goes on from where its folder says it was, and tells every ten seconds of its time.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
import json
import os
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from simulator import Clock, House, Simulator
from tests.helpers.home import Home
from tests.helpers.lab import Answer, Lab

FOLDER = Path(os.environ["CEMM_KILLED_IN"])
BEGIN = datetime(2026, 6, 10, 12, 7, 1, tzinfo=UTC).timestamp()
CHANGED = BEGIN + 1200
END = BEGIN + 3 * 3600
KEYS = ("t1", "t2", "energy_import")


@pytest.fixture
def needed() -> Sequence[str]:
    """Return what is needed where the storage is in files."""
    return ("socket_enabled",)


@pytest.fixture
def recorder_db_url(
    hass_fixture_setup: list[bool], socket_enabled: None, pytestconfig: pytest.Config
) -> str:
    """Return the address of the database that those before it have left."""
    url: str = pytestconfig.getoption("dburl")
    return url


@pytest.fixture
async def sim(freezer: FrozenDateTimeFactory) -> AsyncIterator[Simulator]:
    simulator = Simulator(House(seed=1), Clock())
    await simulator.start()
    yield simulator
    await simulator.stop()


def script(at: float) -> Answer:
    used = 3 * (at - BEGIN) / 3600
    low, high = (5000.0, 3000.0) if at <= CHANGED else (300.0, 20.0)
    return {"t1": low + used, "t2": high, "t3": None, "t4": None}, None


async def test_house(
    freezer: FrozenDateTimeFactory,
    async_test_recorder: RecorderInstanceContextManager,
    sim: Simulator,
) -> None:
    clock = FOLDER / "clock"
    now = float(clock.read_text()) if clock.exists() else BEGIN
    freezer.move_to(datetime.fromtimestamp(now, UTC))
    home = Home(
        freezer,
        async_test_recorder,
        {"connection": "local", "host": sim.base},
        aliases=["p1"],
        only=[f"p1_{key}" for key in KEYS],
    )
    home.config_dir = str(FOLDER)
    lab = Lab(sim, freezer, "p1", "p1")
    lab.script = script
    lab.answer()
    await home.start()
    lab.hass, lab.entry = home.hass, home.entry
    while lab.now < END:
        await lab.go_on(10)
        # What is written half is no time.
        (FOLDER / "next").write_text(str(lab.now))
        (FOLDER / "next").replace(clock)
        print(f"at {lab.now - CHANGED:.0f}", flush=True)  # noqa: T201  the parent reads it
    rows = {key: (await lab.rows())[key] for key in KEYS}
    await home.stop()
    (FOLDER / "rows").write_text(
        json.dumps(
            {key: [hours, minutes] for key, (hours, minutes) in rows.items()},
            default=lambda row: [row.start, row.state, row.sum],
        )
    )
