"""The README's table is renewed by a run of all tests, and by no other."""

from _pytest.config import get_config
import pytest

from tests.helpers.table import is_complete


@pytest.mark.parametrize(
    ("arguments", "complete"),
    [
        ([], False),
        (["--all"], True),
        (["--all", "-q", "-x"], True),
        (["--all", "tests/test_sensor.py"], False),
        (["--all", "-k", "sensor"], False),
        (["--all", "-m", "slow"], False),
        (["--all", "--ignore=tests/history"], False),
        (["--all", "--ignore-glob=*_flow*"], False),
        (["--all", "--deselect=tests/test_sensor.py::test_units"], False),
        (["--all", "--lf"], False),
    ],
)
def test_a_run_of_all_tests(arguments: list[str], *, complete: bool) -> None:
    config = get_config()
    config.parse(arguments)
    assert is_complete(config) is complete
