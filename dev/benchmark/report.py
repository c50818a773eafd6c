"""What a module measures, as a table and as JSON."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

_NAME_WIDTH = 46
_VALUE_WIDTH = 15


@dataclass(slots=True)
class Figure:
    """One quantity: of each rival the median of its samples."""

    name: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def values(self) -> dict[str, float]:
        """Return the figure of each rival."""
        return {who: median(found) for who, found in self.samples.items()}


@dataclass(slots=True)
class Report:
    """All figures of a module, what they must show, and how long to measure."""

    minutes: float
    """Of real time, for what cannot be sped up."""
    repetitions: int
    """Of what is measured in turns, for a median."""
    figures: dict[str, Figure] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)

    def note(self, name: str, unit: str, samples: Mapping[str, float]) -> None:
        """Add a sample of each of some rivals to a figure."""
        figure = self.figures.setdefault(name, Figure(name, unit))
        for who, sample in samples.items():
            figure.samples[who].append(sample)

    def target(self, name: str, value: float, at_most: float) -> None:
        """Add what is promised: `value` is at most `at_most`."""
        target = {"name": name, "value": value, "at_most": at_most}
        self.targets.append(target | {"met": value <= at_most})

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can say."""
        figures = [
            {"name": figure.name, "unit": figure.unit, "values": figure.values}
            for figure in self.figures.values()
        ]
        return {"figures": figures, "targets": self.targets}

    def lines(self) -> Iterator[str]:
        """Yield the table: a heading wherever the rivals change, then the targets."""
        heading: list[str] = []
        for figure in self.figures.values():
            if heading != (heading := [*figure.values]):
                yield _line("", *heading)
            unit = f" ({figure.unit})" if figure.unit else ""
            values = (f"{value:.3g}" for value in figure.values.values())
            yield _line(figure.name + unit, *values)
        if self.targets:
            yield _line("", "measured", "at most", "")
        for target in self.targets:
            verdict = "met" if target["met"] else "MISSED"
            limits = f"{target['value']:.3g}", f"{target['at_most']:g}"
            yield _line(target["name"], *limits, verdict)


def _line(name: str, *values: str) -> str:
    return f"  {name:<{_NAME_WIDTH}}" + "".join(f"{v:>{_VALUE_WIDTH}}" for v in values)
