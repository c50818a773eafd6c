"""A look at the rows of a CEMM's counters: what it is about, and what came of it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from custom_components.cemm.client import (
    AuthenticationError,
    CemmError,
    NotConnectedError,
)
from custom_components.cemm.days import date_at

from .counters import Counter
from .rows import Row


@dataclass(slots=True)
class Look:
    """What is looked at, and done; one meter that fails costs no other."""

    counters: list[Counter]
    now: float
    newest: int
    """The Unix time by which the hours end that may be written."""
    is_away: Callable[[], bool]
    """Whether the CEMM itself is out of reach."""
    written: defaultdict[str, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """The starts of the hours written, by alias."""
    failed: dict[str, CemmError] = field(default_factory=dict)
    """Why the history of a meter could not be had, by alias."""
    unsettled: Collection[str] = ()
    """The names of counters from whose sums a wrong booking has to be taken first."""

    @property
    def today(self) -> date:
        """The CEMM's day."""
        return date_at(self.now)

    @property
    def ready(self) -> list[Counter]:
        """Return the counters whose rows are in order so far."""
        return [
            counter
            for counter in self.counters
            if counter.name not in self.unsettled and counter.alias not in self.failed
        ]

    @contextmanager
    def contained(self, alias: str) -> Iterator[None]:
        """Note an error of the meter itself, and raise one of the CEMM.

        A connection that breaks at the questions about one meter is that meter's as well.
        """
        try:
            yield
        except AuthenticationError:
            raise
        except CemmError as err:
            if self.is_away():
                raise
            self.failed[alias] = err

    def note(self, counter: Counter, rows: Collection[Row]) -> None:
        """Take note of rows that were written."""
        self.written[counter.alias].update(row.start for row in rows)

    def raise_any(self) -> None:
        """Raise one of the errors noted, if there are any.

        That a meter is not connected is no error: it may be again, and is asked then.
        """
        for err in self.failed.values():
            if not isinstance(err, NotConnectedError):
                raise err
