"""How far an import is, and how long it will take."""

from collections import deque
from collections.abc import Callable
from time import monotonic

# Seconds from whose pace the time left is told.
_LAST_MINUTES = 300.0


class Progress:
    """Counts the days of all meters that are wanted, and those that are asked for."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Start with nothing known."""
        self.tell = on_change
        self._wanted = 0
        self._planned = 0
        self._done = 0
        self._passed: deque[tuple[float, int]] = deque()
        self._is_finished = False

    @property
    def of_run(self) -> float:
        """Return which part of this run is done, from 0 to 1."""
        return self._part(self._done, self._planned)

    @property
    def of_all(self) -> float | None:
        """Return which part of what is wanted is there, from 0 to 1; None: nothing is."""
        if not self._wanted and not self._is_finished:
            return None
        return self._part(self._wanted - self._planned + self._done, self._wanted)

    def _part(self, done: int, of: int) -> float:
        """Return a part, which is 1 only when the rows are written."""
        if self._is_finished:
            return 1.0
        return min(done / of, 0.99) if of else 0.0

    @property
    def minutes_left(self) -> int | None:
        """Return the minutes until the end, at the pace of the last ones."""
        if self._is_finished or len(self._passed) < 2:
            return None
        (since, before), (_, now) = self._passed[0], self._passed[-1]
        if now == before:
            return None
        each = (monotonic() - since) / (now - before)
        return round(max(self._planned - self._done, 0) * each / 60)

    def begin(self) -> None:
        """Begin a run, of which it is not known yet how many days it has."""
        self._planned -= self._done
        self._done, self._is_finished = 0, False
        self._passed.clear()

    def expect(self, wanted: int, planned: int) -> None:
        """Take note of how many days are wanted, and how many of them are missing."""
        self._wanted, self._planned = wanted, planned
        self._is_finished = not planned
        self.tell()

    def count_days(self, number: int = 1) -> None:
        """Take note of days for which nothing has to be asked any more."""
        now = monotonic()
        self._done += number
        self._passed.append((now, self._done))
        while self._passed[0][0] < now - _LAST_MINUTES:
            self._passed.popleft()
        self.tell()

    def finish(self) -> None:
        """Take note that all rows are written."""
        self._is_finished, self._done = True, self._planned
        self.tell()
