"""What is left to import, and in which order. Nothing here does I/O."""

from dataclasses import dataclass, field
from datetime import date

from custom_components.cemm.days import date_at

from .ask import Part
from .counters import Counter
from .rows import Row


@dataclass(slots=True, eq=False)
class Job:
    """What is left to import of one meter and one channel of its day data."""

    alias: str
    anchors: dict[Counter, Row]
    months: set[date] = field(default_factory=set)
    """The first days of those in which anything was counted; none: not known yet."""

    @property
    def channels(self) -> set[str]:
        """The channels of the year data that tell its months."""
        return {name for counter in self.anchors for name in counter.rule.period}

    @property
    def is_device(self) -> bool:
        """Whether it measures a part of what the house uses: others come first."""
        return all(counter.is_device for counter in self.anchors)

    @property
    def newest(self) -> date:
        """The last day that is left."""
        return date_at(max(anchor.end for anchor in self.anchors.values()) - 1)


@dataclass(slots=True, eq=False)
class Month:
    """A month of a job, or that part of it which is wanted."""

    job: Job
    first: date
    last: date

    @property
    def order(self) -> tuple[bool, bool, int]:
        """What comes first: what is not known, the dashboard's sources, the newest."""
        return bool(self.job.months), self.job.is_device, -self.last.toordinal()

    @property
    def part(self) -> Part:
        """What to ask for, if anything was counted in it."""
        return self.job.alias, self.first, self.last

    @property
    def is_asked_for(self) -> bool:
        """Whether anything was counted in it, as far as is known."""
        return not self.job.months or self.first.replace(day=1) in self.job.months
