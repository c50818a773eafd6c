"""Rows of statistics are changed in one place."""

from pathlib import Path
import re

import pytest

from custom_components import cemm

# What changes rows of the recorder, whatever it is called through.
_WRITES = re.compile(
    r"(import_statistics|adjust_statistics|add_external_statistics|clear_statistics)"
    r"|\b(Statistics|StatisticsShortTerm)\(|session\.(add|execute\((insert|update|delete))"
)
MODULES = sorted(Path(cemm.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_one_module_changes_rows(path: Path) -> None:
    writes = _WRITES.search(path.read_text()) is not None
    assert writes == (path.name == "apply.py")
