"""One question after the other, but not for ever."""

import asyncio

# Seconds that a question waits for the one before it: a small CEMM wants one connection,
# but one that hangs must not keep all others waiting.
PATIENCE = 3.0


class Turns:
    """A queue, which those in a hurry leave when the first in it hangs."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._turn = asyncio.Lock()
        self._began = 0.0

    async def take(self, *, hurried: bool) -> asyncio.Lock:
        """Wait for a turn, and return what has to be released at its end.

        From a question that hangs, one in a hurry leads all the others away.
        """
        loop = asyncio.get_running_loop()
        while True:
            turn = self._turn
            if turn.locked() and hurried:
                try:
                    async with asyncio.timeout_at(self._began + PATIENCE):
                        await turn.acquire()
                except TimeoutError:
                    waited = loop.time() >= self._began + PATIENCE
                    if waited and turn is self._turn:
                        self._turn = asyncio.Lock()
                    continue
            else:
                await turn.acquire()
            if turn is self._turn:
                self._began = loop.time()
                return turn
            turn.release()
