"""What the recorder makes of one sensor's states, without Home Assistant or a database."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Literal

from custom_components.cemm.days import HOUR, MINUTE
from custom_components.cemm.history.recorder import SHORT_TERM
from custom_components.cemm.history.rows import Row


class DuplicateRowError(Exception):
    """The recorder would write a row that was imported already.

    The database refuses that, and with it all that was to be stored at once: rows of
    all sensors, when Home Assistant catches up those of up to twelve hours, and all that
    were to follow. They are lost for good. No course may come to that.
    """


class RecorderModel:
    """Makes rows like the recorder, of a sensor that is known to Home Assistant.

    What it does not know: units, and `last_reset`.
    """

    def __init__(
        self, state_class: Literal["total_increasing", "total"], keep_days: int = 10
    ) -> None:
        self.five_minutes: dict[int, Row] = {}
        """The short-term rows by their start; their ``end`` means nothing."""
        self.hours: dict[int, Row] = {}
        """The rows by their start."""
        self._increasing = state_class == "total_increasing"
        self._keep = keep_days * 24 * HOUR
        # The states in the database.
        self._times: list[float] = []
        self._values: list[float | None] = []
        # The present state, and since when it is that one; none while Home Assistant
        # is off.
        self._present: tuple[float, float | None] | None = None
        self._compiled: int | None = None
        self._newest: Row | None = None

    @property
    def present(self) -> float | None:
        """The present state."""
        return self._present[1] if self._present else None

    def write(self, at: float, value: float | None) -> None:
        """Write a state; None is one without a number. The same again is no new one."""
        if self._present and self._present[1] == value:
            return
        assert not self._times or at > self._times[-1], "states are in order of time"
        self._present = (at, value)
        self._times.append(at)
        self._values.append(value)
        if self._compiled is None:
            self._compiled = int(at // SHORT_TERM) * SHORT_TERM

    def restart(self) -> None:
        """Stop Home Assistant, and start it again.

        Nothing is written at the stop: the last state holds until the next one, for
        the periods in between too, which are compiled after the start. The next state
        is a new one, even if it is the same. If the sensor knows none yet when Home
        Assistant has started, that is None.
        """
        self._present = None

    def compile(self, until: float) -> None:
        """Make the rows of all periods that have ended by then and are still to do.

        So they are after a stop, but for those whose states are too old to be kept.
        """
        if self._compiled is None:
            return
        assert self._present, "Home Assistant is off, or no state was written since"
        oldest = int((until - self._keep) // HOUR) * HOUR
        while (start := max(self._compiled, oldest)) + SHORT_TERM <= until:
            self._compile(start)
            self._compiled = start + SHORT_TERM

    def _compile(self, start: int) -> None:
        """Make the row of one period, and that of the hour which ends with it."""
        if row := self._row(start):
            if start in self.five_minutes:
                raise DuplicateRowError(start)
            self.five_minutes[start] = self._newest = row
        hour = start - start % HOUR
        if start + SHORT_TERM == hour + HOUR:
            starts = range(start, hour - 1, -SHORT_TERM)
            rows = (self.five_minutes.get(start) for start in starts)
            if last := next(filter(None, rows), None):
                if hour in self.hours:
                    raise DuplicateRowError(hour)
                self.hours[hour] = Row(hour, last.state, last.sum)

    def _row(self, start: int) -> Row | None:
        """Count on from the newest row, through the states of a period."""
        values = self._valid(start)
        if not values:
            return None
        if newest := self._newest:
            old, new, total = newest.state, newest.state, newest.sum
        else:
            # The first state is the zero point, whatever it is.
            old, new, total = values[0], values[0], 0.0
        for value in values:
            if self._increasing:
                if value < 0:
                    continue
                if value < 0.9 * new:
                    # A new meter began at 0.
                    total += new - old
                    old = 0.0
            new = value
        return Row(start, new, total + (new - old))

    def _valid(self, start: int) -> list[float]:
        """Return the numbers of a period, that with which it began first."""
        # The recorder asks for what is older than this, and for what is newer: it does
        # not see a state of this very microsecond.
        edge = (start * 1_000_000 - 1) / 1_000_000
        before = bisect_left(self._times, edge)
        first = bisect_right(self._times, edge)
        end = bisect_left(self._times, start + SHORT_TERM)
        values = self._values[max(before - 1, 0) : before] + self._values[first:end]
        if not values and self._present and self._present[0] < start + SHORT_TERM:
            # What has not changed for long is deleted, but still true.
            values = [self._present[1]]
        return [value for value in values if value is not None]

    def adjust(self, start: float, amount: float) -> None:
        """Add an amount to the sums of all rows since a Unix time.

        Those of the hours since its full hour, but without that if it has seconds.
        """
        full_hour = start - start % HOUR // MINUTE * MINUTE
        for rows, since in ((self.five_minutes, start), (self.hours, full_hour)):
            for row in list(rows.values()):
                if row.start >= since:
                    rows[row.start] = Row(row.start, row.state, row.sum + amount)
        if self._newest:
            self._newest = self.five_minutes[self._newest.start]

    def import_hours(self, rows: Iterable[Row]) -> None:
        """Add rows, or replace them."""
        self.hours |= {row.start: row for row in rows}

    def import_five_minutes(self, rows: Iterable[Row]) -> None:
        """Add short-term rows, or replace them; the sum goes on from the newest."""
        self.five_minutes |= {row.start: row for row in rows}
        self._find_newest()

    def purge(self, before: float) -> None:
        """Delete old states and short-term rows, as happens each night.

        After an outage, or without a number, for so long that all rows are gone, the sum
        begins at 0 again.
        """
        old = bisect_left(self._times, before)
        del self._times[:old], self._values[:old]
        for start in [start for start in self.five_minutes if start < before]:
            del self.five_minutes[start]
        self._find_newest()

    def _find_newest(self) -> None:
        start = max(self.five_minutes, default=None)
        self._newest = None if start is None else self.five_minutes[start]
