"""The simulator's clock: it can start anywhere, run fast and be moved."""

from collections.abc import Callable
import time


class Clock:
    """A clock that runs `speed` times as fast as `source`, in Unix seconds.

    It starts at `start`, or at what `source` shows. Without a `source` it follows
    `time.time`, looked up at each call, so that a test that moves time moves it too.
    """

    def __init__(
        self,
        speed: float = 1.0,
        start: float | None = None,
        source: Callable[[], float] | None = None,
    ) -> None:
        self._source = source
        self._speed = speed
        self._origin = self.real()
        self._start = self._origin if start is None else start

    def real(self) -> float:
        """Return what the source shows: the time that people wait in."""
        return (self._source or time.time)()

    def now(self) -> float:
        """Return the time of the simulated house."""
        return self._start + (self.real() - self._origin) * self._speed

    def set(self, timestamp: float) -> None:
        """Go on from `timestamp`."""
        self._start, self._origin = timestamp, self.real()

    def advance(self, seconds: float) -> None:
        """Jump `seconds` ahead, or back when negative."""
        self._start += seconds
