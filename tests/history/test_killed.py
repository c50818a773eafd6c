"""Home Assistant is killed while sums are mended, and the rows are the same in the end."""

import json
import os
from pathlib import Path
from random import Random
import signal
import subprocess
import sys
from time import sleep
from typing import Any

import pytest
from pytest_socket import enable_socket

from tests.helpers.database import new_database

CHILD = Path(__file__).with_name("killed.py")
ROOT = CHILD.parents[2]
# Until when (seconds after the change) sums are mended at the latest.
MENDED = 1500

pytestmark = pytest.mark.usefixtures("socket_enabled")


def run(
    folder: Path, database: str, kill_at: float | None = None, after: float = 0
) -> None:
    """Run the house; kill it some time after its clock has come so far."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    child = subprocess.Popen(
        [*pytest, "--dburl", database, CHILD],
        cwd=ROOT,
        env=os.environ | {"CEMM_KILLED_IN": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout
    said = []
    for line in child.stdout:
        said.append(line)
        if (
            kill_at is not None
            and line.startswith("at ")
            and float(line[3:]) >= kill_at
        ):
            sleep(after)
            child.send_signal(signal.SIGKILL)
            break
    child.stdout.close()
    code = child.wait()
    assert code == (0 if kill_at is None else -signal.SIGKILL), "".join(said)


def hours(folder: Path) -> Any:
    """Return state and sum of each hour, of each statistic."""
    rows = json.loads((folder / "rows").read_text())
    return {
        key: [
            [start, round(state, 6), round(total, 4)] for start, state, total in found
        ]
        for key, (found, _) in rows.items()
    }


@pytest.fixture(scope="module")
def undisturbed(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    # A module's fixture begins before those of its tests.
    enable_socket()
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder, new_database(pytestconfig.getoption("dburl"), "undisturbed", folder))
    found = hours(folder)
    assert [row[2] for row in found["energy_import"]]
    return found


MOMENTS = [
    pytest.param(0, 1, id="one", marks=pytest.mark.rest),
    *(pytest.param(n, 5, id=f"five {n}", marks=pytest.mark.rest) for n in range(4)),
]


@pytest.mark.parametrize(("seed", "kills"), MOMENTS)
def test_the_rows_are_the_same_in_the_end(
    pytestconfig: pytest.Config,
    tmp_path: Path,
    undisturbed: Any,
    seed: int,
    kills: int,
) -> None:
    database = new_database(pytestconfig.getoption("dburl"), "killed", tmp_path)
    random = Random(seed)
    for moment in sorted(random.uniform(0, MENDED) for _ in range(kills)):
        run(tmp_path, database, moment, after=random.uniform(0, 0.02))
    run(tmp_path, database)
    assert hours(tmp_path) == undisturbed
