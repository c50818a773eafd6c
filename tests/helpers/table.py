"""The README's table of what was tried to make the integration lose something.

Each row is what a test has tried and counted. A complete run fails where the README says
something else, and with `--renew` it writes what the tests have shown.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

type Tried = Callable[[str, int], None]

_README = Path(__file__).parents[2] / "README.md"
_BEGIN = "<!-- This table is written by scripts/test -->\n"
_END = "<!-- End of the table -->"
_PROPERTY = "tried"
_CHOICES = ("keyword", "markexpr", "ignore", "ignore_glob", "deselect", "lf")


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Return what adds a row: what was tried, how often, and nothing was lost.

    The row of a test that fails is dropped.
    """

    def add(what: str, times: int) -> None:
        record_property(_PROPERTY, (what, times))

    return add


class Table:
    """Collects the rows of all tests, from all processes that run them."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Any, int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the rows of a test that has passed."""
        if report.when == "call" and report.passed:
            for name, row in report.user_properties:
                if name == _PROPERTY:
                    what, times = row
                    self._rows[what] = (report.location[:2], times)

    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Compare with the README, after a run of all tests without a failure."""
        config = session.config
        if exitstatus != pytest.ExitCode.OK or not is_complete(config):
            return
        old = _README.read_text()
        head, _, rest = old.partition(_BEGIN)
        _, _, tail = rest.partition(_END)
        new = "".join((head, _BEGIN, *self._lines(), _END, tail))
        if new == old:
            return
        writer = config.get_terminal_writer()
        if config.getoption("renew"):
            _README.write_text(new)
            writer.line("\nThe README's table of reliability is renewed.")
        else:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            writer.line(
                "\nThe README's table of reliability is out of date:"
                " scripts/test --renew writes it."
            )

    def _lines(self) -> Iterator[str]:
        """Yield the table, in the order of the tests."""
        yield "| Tried | Times | Lost |\n|---|--:|---|\n"
        places = {(place, what) for what, (place, _) in self._rows.items()}
        for _, what in sorted(places):
            yield f"| {what} | {self._rows[what][1]:,} | nothing |\n"


def is_complete(config: pytest.Config) -> bool:
    """Tell whether all tests are to run: none was chosen, and none left out."""
    return (
        config.getoption("all")
        and config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not any(config.getoption(name, None) for name in _CHOICES)
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect where the whole run is seen: not in one of many processes."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table())
