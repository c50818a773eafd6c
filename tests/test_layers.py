"""Imports point one way: what lies below knows nothing of what lies above it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from custom_components import cemm

PACKAGE = cemm.__name__
FOLDER = Path(cemm.__file__).parent

# From the ground up; a layer may import those before it, and within a package its own modules.
LAYERS = (
    ("const", "client"),
    ("days", "kinds"),
    ("channels", "devices"),
    ("issues",),
    ("meters",),
    ("discovery", "outage"),
    ("roster",),
    ("coordinator",),
    ("history", "energy"),
    ("runtime",),
    ("flows", "sensor", "services", "diagnostics", "system_health"),
    ("config_flow", "repairs"),
    ("__init__",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def module(path: Path) -> str:
    """Return a module's name below the package: `history.rows`, `__init__`."""
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FOLDER.rglob("*.py")}


def imported(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports."""
    path = MODULES[name]
    package = [PACKAGE, *path.relative_to(FOLDER).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        target = ".".join([".".join(base), node.module or ""]).strip(".")
        if not f"{target}.".startswith(f"{PACKAGE}."):
            continue
        below = target.removeprefix(PACKAGE).removeprefix(".")
        for alias in node.names:
            whole = f"{below}.{alias.name}".removeprefix(".")
            yield whole if whole in MODULES else below or "__init__"


def layer(name: str) -> str:
    return name.partition(".")[0]


def test_every_module_has_its_room() -> None:
    assert {layer(name) for name in MODULES} == RANK.keys()


def test_the_root_can_be_overlooked() -> None:
    assert len([name for name in MODULES if (FOLDER / f"{name}.py").exists()]) <= 20


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_import_points_upwards(name: str) -> None:
    upwards = {
        other
        for other in imported(name)
        if layer(other) != layer(name) and RANK[layer(other)] >= RANK[layer(name)]
    }
    assert not upwards


def test_no_imports_go_in_a_circle() -> None:
    graph = {
        name: {other for other in imported(name) if other != name} for name in MODULES
    }
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_client_is_imported_as_a_whole(name: str) -> None:
    """Only its own modules know how it is made."""
    if layer(name) != "client":
        assert not [other for other in imported(name) if other.startswith("client.")]


def test_nothing_is_imported_for_types_alone() -> None:
    assert not [
        name for name, path in MODULES.items() if "TYPE_CHECKING" in path.read_text()
    ]


def test_root_code_does_not_load_the_recorder_for_the_calendar() -> None:
    assert not list(imported("days"))
