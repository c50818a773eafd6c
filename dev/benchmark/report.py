"""What a module has measured, as a table and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_NAME_WIDTH = 46
_VALUE_WIDTH = 15


@dataclass(frozen=True, slots=True)
class Options:
    """How long to measure."""

    minutes: float
    """Of real time, for what cannot be hurried."""
    repetitions: int
    """Of what is measured in turns, for a median."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity, of each rival."""

    name: str
    unit: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised: `value` is at most `at_most`."""

    name: str
    value: float
    at_most: float

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.value <= self.at_most


@dataclass(slots=True)
class Report:
    """All figures of a module, and what they must show."""

    figures: list[Figure] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can say."""
        return {
            "figures": [asdict(figure) for figure in self.figures],
            "targets": [asdict(t) | {"met": t.met} for t in self.targets],
        }

    def lines(self) -> Iterator[str]:
        """Yield the table: a heading wherever the rivals change, then the targets."""
        heading: tuple[str, ...] = ()
        for figure in self.figures:
            if heading != (heading := tuple(figure.values)):
                yield _line("", *heading)
            values = (f"{value:.3g}" for value in figure.values.values())
            unit = f" ({figure.unit})" if figure.unit else ""
            yield _line(figure.name + unit, *values)
        if self.targets:
            yield _line("", "measured", "at most", "")
        for target in self.targets:
            verdict = "met" if target.met else "MISSED"
            yield _line(
                target.name, f"{target.value:.3g}", f"{target.at_most:g}", verdict
            )


def _line(name: str, *values: str) -> str:
    return f"  {name:<{_NAME_WIDTH}}" + "".join(f"{v:>{_VALUE_WIDTH}}" for v in values)
