"""One question after the other, but not for ever."""

import asyncio
from contextlib import suppress
from math import inf

# Seconds that a question waits for the one before it: a small CEMM wants one connection,
# but one that hangs must not keep all others waiting.
PATIENCE = 3.0

# Seconds for which it is believed that a CEMM bears no second connection at all.
_BELIEVED_FOR = 3600.0


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

    Urgent ones go first: the past leaves them a pause after each of its questions. One
    timer serves all that wait, as each poll of many meters is such a queue.
    """

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._current: Turn | None = None
        self._began = 0.0
        self._waiting: list[Turn] = []
        self._left_behind: set[Turn] = set()
        self._patient_until = -inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_any_left_behind(self) -> bool:
        """Whether a question is under way beside the one whose turn it is."""
        return bool(self._left_behind)

    def leave_none_behind(self) -> None:
        """Take note that the CEMM answers one question at a time only."""
        self._patient_until = _now() + _BELIEVED_FOR

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
        self._left_behind.discard(turn)
        if turn is self._current or self._current is None:
            self._go_on()

    def _go_on(self) -> None:
        """Let the first an urgent one ask, or else the first one."""
        self._current = None
        if self._left_behind and _now() < self._patient_until:
            return
        for turn in self._waiting:
            if turn.urgent or self._current is None:
                self._current = turn
            if turn.urgent:
                break
        if self._current:
            self._waiting.remove(self._current)
            self._began = _now()
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
        now = _now()
        if now < self._patient_until or not any(turn.urgent for turn in self._waiting):
            return
        if now >= self._began + PATIENCE:
            if self._current:
                self._left_behind.add(self._current)
            self._go_on()
        self._watch()


def _now() -> float:
    return asyncio.get_running_loop().time()
