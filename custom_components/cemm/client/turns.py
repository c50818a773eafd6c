"""One question after the other, but not for ever."""

from asyncio import Future, TimerHandle, get_running_loop
from collections import deque
from math import inf

# Seconds that a question waits for the one before it: a small CEMM wants one connection,
# but one that hangs must not keep all others waiting.
PATIENCE = 3.0

# Seconds for which it is believed that a CEMM bears no second connection at all.
_BELIEVED_FOR = 3600.0

type Turn = Future[None]


class Turns:
    """A queue, in which what hangs is left behind as soon as an urgent one waits for it.

    Urgent ones go first: the past leaves them a pause after each of its questions.
    """

    def __init__(self) -> None:
        self.left_behind: set[Turn] = set()
        """Those that are under way beside the one whose turn it is."""
        self._current: Turn | None = None
        self._began = 0.0
        self._urgent: deque[Turn] = deque()
        self._others: deque[Turn] = deque()
        self._patient_until = -inf
        self._timer: TimerHandle | None = None

    def leave_none_behind(self) -> None:
        """Take note that the CEMM answers one question at a time only."""
        self._patient_until = get_running_loop().time() + _BELIEVED_FOR

    def request(self, *, urgent: bool) -> Turn:
        """Return a turn: it has to be awaited, and to `end` in any case."""
        turn: Turn = get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(turn)
        self._begin_next()
        return turn

    def end(self, turn: Turn) -> None:
        """Let others ask, also if the wait for this turn was given up."""
        self.left_behind.discard(turn)
        if self._current is turn:
            self._current = None
        for waiting in (self._urgent, self._others):
            if turn in waiting:
                waiting.remove(turn)
        if self._urgent or not self._others:
            self._begin_next()
        else:
            # Whoever asks for one meter after the other goes on before the past does.
            get_running_loop().call_soon(self._begin_next)

    def _begin_next(self) -> None:
        """Begin the next question, unless one is under way that is worth waiting for."""
        loop = get_running_loop()
        now = loop.time()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._current or (self.left_behind and now < self._patient_until):
            if not self._urgent:
                return
            patient_to = max(self._began + PATIENCE, self._patient_until)
            if now < patient_to:
                self._timer = loop.call_at(patient_to, self._begin_next)
                return
            if self._current:
                self.left_behind.add(self._current)
        self._current = None
        if waiting := self._urgent or self._others:
            self._current, self._began = waiting.popleft(), now
            if not self._current.done():
                self._current.set_result(None)
