"""How far an import is, and how long it will take."""

from collections import deque
from collections.abc import Callable
from time import monotonic

# Seconds from whose pace the time left is told.
_LAST_MINUTES = 300.0


class Progress:
    """Days of meters: those that the CEMM remembers, and those that are to be asked for."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Start with nothing known."""
        self.tell = on_change
        self._remembered = 0
        self._missing = 0
        self._planned = 0
        self._done = 0
        self._passed: deque[tuple[float, int]] = deque()
        self._is_finished = False

    @property
    def of_run(self) -> float:
        """Return which part of this run is done, from 0 to 1."""
        return self._part(self._done, self._planned)

    @property
    def of_memory(self) -> float | None:
        """Return which part of all that the CEMM remembers is there, from 0 to 1."""
        if not self._remembered and not self._is_finished:
            return None
        there = self._remembered - self._missing + self._done
        return self._part(there, self._remembered)

    def _part(self, done: int, of: int) -> float:
        """Return a part, which is 1 only when the rows are written."""
        part = done / of if of else 1.0
        return part if self._is_finished else min(part, 0.99)

    @property
    def minutes_left(self) -> int | None:
        """Return the minutes until the end, at the pace of the last ones."""
        if self._is_finished or len(self._passed) < 2:
            return None
        (since, before), (_, now) = self._passed[0], self._passed[-1]
        if now == before:
            return None
        each = (monotonic() - since) / (now - before)
        return round((self._planned - self._done) * each / 60)

    def begin(self, remembered: int, missing: int, planned: int) -> None:
        """Take note of how many days there are, are not imported yet, and shall be now."""
        self._remembered, self._missing = remembered, missing
        self._planned, self._done = planned, 0
        self._is_finished = False
        self._passed.clear()
        self.tell()

    def count_day(self) -> None:
        """Take note of another day that was asked for."""
        now = monotonic()
        self._done += 1
        self._passed.append((now, self._done))
        while self._passed[0][0] < now - _LAST_MINUTES:
            self._passed.popleft()
        self.tell()

    def finish(self) -> None:
        """Take note that all rows are written."""
        self._is_finished = True
        self.tell()
