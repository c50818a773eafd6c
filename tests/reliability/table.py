"""The README's table of what was tried to make the integration lose something.

Each row is what a test has tried and counted. A complete run renews the table, and
fails when that changed it: what the README says is always what the tests have shown.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

type Tried = Callable[[str, int], None]

_README = Path(__file__).parents[2] / "README.md"
_BEGIN = "<!-- This table is written by scripts/test -->\n"
_END = "<!-- End of the table -->"
_PROPERTY = "tried"


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Return what adds a row: what was tried, how often, and nothing was lost.

    To be called when all assertions have been met; the row of a test that fails is dropped.
    """

    def add(what: str, times: int) -> None:
        record_property(_PROPERTY, (what, times))

    return add


class Table:
    """Collects the rows of all tests, from all processes that run them."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[tuple[str, int], int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the rows of a test that has passed; they stand in the order of the tests."""
        if report.when == "call" and report.passed:
            for name, row in report.user_properties:
                if name == _PROPERTY:
                    what, times = row  # type: ignore[misc]
                    self._rows[what] = (report.location[:2], times)  # type: ignore[assignment]

    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Compare with the README, after a run of all tests without a failure."""
        config = session.config
        chosen = config.option.keyword or config.option.markexpr
        if (
            exitstatus != pytest.ExitCode.OK
            or config.args_source is not pytest.Config.ArgsSource.TESTPATHS
            or chosen
        ):
            return
        old = _README.read_text()
        head, _, rest = old.partition(_BEGIN)
        _, _, tail = rest.partition(_END)
        new = f"{head}{_BEGIN}{self._text()}{_END}{tail}"
        if new != old:
            _README.write_text(new)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            config.get_terminal_writer().line(
                "\nThe README's reliability table was out of date, and has been renewed."
            )

    def _text(self) -> str:
        ordered = sorted((place, what) for what, (place, _) in self._rows.items())
        rows = [
            f"| {what} | {self._rows[what][1]:,} | nothing |" for _, what in ordered
        ]
        return "\n".join(["| Tried | Times | Lost |", "|---|--:|---|", *rows, ""])


def pytest_configure(config: pytest.Config) -> None:
    """Collect where the whole run is seen: not in one of many processes."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table())
