"""One question after the other, but not for ever."""

import asyncio
from collections import deque
from contextlib import suppress

# Seconds that a question waits for the one before it: a small CEMM wants one connection,
# but one that hangs must not keep all others waiting.
PATIENCE = 3.0


class Turn:
    """The right to ask, until it is released."""

    def __init__(self, turns: Turns, *, urgent: bool) -> None:
        """Wait in a queue; `begun` is done when it is this one's turn."""
        self._turns = turns
        self.urgent = urgent
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def release(self) -> None:
        """Let the next one ask."""
        self._turns.end(self)


class Turns:
    """A queue, in which what hangs is left behind as soon as an urgent one waits for it.

    One timer serves all that wait: each poll of many meters is such a queue.
    """

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._current: Turn | None = None
        self._began = 0.0
        self._waiting: deque[Turn] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, *, urgent: bool) -> Turn:
        """Wait for a turn, and return what has to be released at its end."""
        turn = Turn(self, urgent=urgent)
        self._waiting.append(turn)
        if self._current is None:
            self._go_on()
        elif urgent and self._timer is None:
            self._watch()
        try:
            await turn.begun
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._waiting.remove(turn)
            self.end(turn)
            raise
        return turn

    def end(self, turn: Turn) -> None:
        """Give the turn to the next one, unless that was done already."""
        if turn is self._current:
            self._go_on()

    def _go_on(self) -> None:
        self._current = self._waiting.popleft() if self._waiting else None
        if self._current:
            self._began = asyncio.get_running_loop().time()
            if not self._current.begun.done():
                self._current.begun.set_result(None)
        elif self._timer:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """Look when what is asked now has to be left behind."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._began + PATIENCE, self._look)

    def _look(self) -> None:
        self._timer = None
        if any(turn.urgent for turn in self._waiting):
            if asyncio.get_running_loop().time() >= self._began + PATIENCE:
                self._go_on()
            self._watch()
