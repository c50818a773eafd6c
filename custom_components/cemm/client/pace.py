"""How fast the past may be asked for: that is learned from the answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from math import inf

from .errors import (
    BusyError,
    CemmConnectionError,
    CemmError,
    CemmTimeoutError,
    GatewayError,
)

# Times as long as the present may take: a day can be 1,440 samples of a small processor.
LONGER = 10

# Questions about the past that are under way: some are always left for the present.
_AT_ONCE = 2

# All in seconds. The pauses after "slow down", unless the answer names one: each of several in a
# row is twice as long as the one before.
FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
# Limits are mostly so many questions a minute; a few answers tell nothing of them.
_WINDOW = 60.0
_ENOUGH = 5
# Never so slow that the past would not come at all.
_LONGEST_INTERVAL = 60.0

# One alone may be chance, this many in a row are a CEMM that has too much to do.
_IN_A_ROW = 3

# How much slower than what was just allowed, and how much faster again after each answer.
_SLOWER = 1.2
_FASTER = 0.995

_OVERLOADED = (GatewayError, CemmTimeoutError)


class Pace:
    """When the next question about the past may be asked: of one CEMM, or with one key.

    Questions of the present do not wait here, they go first; but they are counted.
    """

    def __init__(self) -> None:
        """Start as fast as the answers come."""
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._interval = 0.0
        self._next = -inf
        self._paused_at = -inf
        self._pause = 0.0
        self._overloaded = 0
        self._answered = 0
        """How many questions were answered since the last pause."""
        self._first = -inf
        """When the first of them was asked."""

    @property
    def wait(self) -> float:
        """Seconds until the past may be asked for again."""
        return max(self._next - _now(), 0.0)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the past may be asked for."""
        async with self._at_once:
            while (wait := self.wait) > 0:  # noqa: ASYNC110 (it may become longer)
                await asyncio.sleep(wait)
            yield

    async def ask[T](self, question: Awaitable[T]) -> T:
        """Count a question of any kind, and learn from its answer or its error."""
        asked = _now()
        later = max(self._next, asked) + self._interval
        self._next = max(self._next, min(later, asked + _LONGEST_INTERVAL))
        try:
            answer = await question
        except BusyError as err:
            if asked >= self._paused_at:  # The others did not know yet.
                self._slow_down()
                self._rest(err.retry_after)
            raise
        except _OVERLOADED:
            self._overloaded += 1
            if self._overloaded >= _IN_A_ROW:
                self._rest(None)
            raise
        except CemmConnectionError:
            raise  # Nobody has refused it, nor taken it.
        except CemmError:
            self._was_taken(asked)
            raise
        self._was_taken(asked)
        return answer

    def _was_taken(self, asked: float) -> None:
        """Get faster, carefully."""
        self._overloaded = 0
        self._pause = 0.0
        self._interval *= _FASTER
        if not self._answered:
            self._first = asked
        self._answered += 1

    def _slow_down(self) -> None:
        """Ask less at a time, by how much was answered before it was too much."""
        allowed = 0.0
        if self._answered >= _ENOUGH:
            allowed = max(_now() - self._first, _WINDOW) / self._answered
        self._answered = 0
        self._interval = min(_SLOWER * max(allowed, self._interval), _LONGEST_INTERVAL)

    def _rest(self, seconds: float | None) -> None:
        """Leave a pause, each in a row twice as long as the one before."""
        self._pause = min(2 * self._pause or FIRST_PAUSE, _LONGEST_PAUSE)
        self._paused_at = _now()
        pause = self._pause if seconds is None else seconds
        self._next = max(self._next, self._paused_at + pause)


def _now() -> float:
    return asyncio.get_running_loop().time()
