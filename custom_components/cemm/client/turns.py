"""One question after the other, but not for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

# Seconds that a question waits for the one before it: a small CEMM wants one connection,
# but one that hangs must not keep all others waiting.
PATIENCE = 3.0

# Seconds for which it is believed that a CEMM bears no second connection at all.
_BELIEVED_FOR = 3600.0


@dataclass(eq=False, slots=True)
class _Turn:
    urgent: bool
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """A queue, in which what hangs is left behind as soon as an urgent one waits for it.

    Urgent ones go first: the past leaves them a pause after each of its questions.
    """

    def __init__(self) -> None:
        self._current: _Turn | None = None
        self._began = 0.0
        self._waiting: list[_Turn] = []
        self._left_behind: set[_Turn] = set()
        self._patient_until = -inf

    @property
    def is_any_left_behind(self) -> bool:
        """Whether a question is under way beside the one whose turn it is."""
        return bool(self._left_behind)

    def leave_none_behind(self) -> None:
        """Take note that the CEMM answers one question at a time only."""
        self._patient_until = _now() + _BELIEVED_FOR

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the end of the block."""
        turn = _Turn(urgent)
        self._waiting.append(turn)
        if self._current is None:
            self._go_on()
        try:
            while turn in self._waiting:
                try:
                    async with asyncio.timeout_at(self._patient_to if urgent else None):
                        await turn.begun.wait()
                except TimeoutError:
                    self._leave_behind()
            yield
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)
            self._left_behind.discard(turn)
            if self._current in (turn, None):
                self._go_on()

    @property
    def _patient_to(self) -> float:
        """Until when to wait for what is asked now."""
        return max(self._began + PATIENCE, self._patient_until)

    def _leave_behind(self) -> None:
        if _now() >= self._patient_to:
            if self._current:
                self._left_behind.add(self._current)
            self._go_on()

    def _go_on(self) -> None:
        """Let the first urgent one ask, or else the first one."""
        self._current = None
        if self._left_behind and _now() < self._patient_until:
            return
        first = min(self._waiting, key=lambda turn: not turn.urgent, default=None)
        if first:
            self._waiting.remove(first)
            self._current, self._began = first, _now()
            first.begun.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
