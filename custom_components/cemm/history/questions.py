"""Questions about the past: an answer is kept until it is used, what failed is asked again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from custom_components.cemm.client import (
    AuthenticationError,
    CemmError,
    ForbiddenError,
    NotConnectedError,
    Period,
)

# Seconds until what failed is asked again, twice as many each time.
FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0

# So often a question is asked in one go; then it is left for a later look.
_TRIES = 7

# After so many failures in a row there are pauses for all questions,
# and after so many nothing is answered any more.
_PAUSE_AFTER = 3
_IN_VAIN = 10

type Question = tuple[str, Period | None, date]
"""An alias, what of its history (None: its last readings) and a day."""


@dataclass(slots=True)
class _Failure:
    """Why a question has no answer so far, and when it is worth asking again."""

    error: CemmError
    times: int
    again_at: float
    """By the clock of the event loop."""
    is_wanted: bool
    """Whether it was, and not only asked ahead: that may turn out to be needless."""

    @property
    def is_asked_again(self) -> bool:
        """Whether it is worth another try in the same go."""
        return self.times < _TRIES and not isinstance(self.error, ForbiddenError)


class Questions:
    """What one CEMM is asked about the past."""

    def __init__(
        self,
        ask: Callable[[str, Period | None, date], Awaitable[Any]],
        is_away: Callable[[], bool],
        on_failure: Callable[[], None],
    ) -> None:
        """Remember how to ask, and how to know that nobody is there to answer."""
        self._ask = ask
        self._is_away = is_away
        self._on_failure = on_failure
        self.answers: dict[Question, Any] = {}
        """What was returned to `ask`: about 1.5 MB for a month of a meter."""
        self._failures: dict[Question, _Failure] = {}

    @property
    def failing(self) -> dict[Question, CemmError]:
        """The questions that failed the last time, and why."""
        return {q: each.error for q, each in self._failures.items() if each.is_wanted}

    def forget(self, used: Callable[[Question], bool]) -> None:
        """Forget the answers to some questions."""
        self.answers = {q: found for q, found in self.answers.items() if not used(q)}

    def clear(self) -> None:
        """Forget everything."""
        self.answers.clear()
        self._failures.clear()

    async def async_ask(
        self,
        questions: Iterable[Question],
        on_day: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask until each has an answer, or goes on failing while others are answered.

        Raises CemmError when nothing is answered any more, or the CEMM is away.
        """
        asked = list(questions)
        wanted = [question for question in asked if question not in self.answers]
        error: CemmError | None = None
        in_vain = 0
        while wanted:
            question = min(wanted, key=self._due)
            await self._pause(question, in_vain)
            err = await self._async_try(question)
            if err is None:
                in_vain = 0
            elif isinstance(err, NotConnectedError):
                raise err
            else:
                failure, error = self._failures[question], err
                # From what goes on failing alone nothing follows for others.
                in_vain += failure.times <= _TRIES
                if in_vain >= _IN_VAIN:
                    raise err
                if failure.is_asked_again:
                    continue
            wanted.remove(question)
            if question[1] is Period.DAY:
                on_day()
        if error and self.answers.keys().isdisjoint(asked):
            raise error

    async def async_ask_ahead(
        self,
        questions: Iterable[Question],
        on_day: Callable[[], None] = lambda: None,
        is_enough: Callable[[], bool] = lambda: False,
        *,
        is_wanted: bool = True,
    ) -> None:
        """Ask as long as anything may be asked now, and it is not enough.

        A meter that answers nothing must not cost the others: it ends this. Raises CemmError
        when the CEMM is away.
        """
        left = [question for question in questions if question not in self.answers]
        in_vain = 0
        while in_vain < _PAUSE_AFTER and not is_enough():
            question = next(filter(self._may_be_asked, left), None)
            if question is None:
                return
            err = await self._async_try(question, is_wanted=is_wanted)
            in_vain = in_vain + 1 if err else 0
            if err is None or question not in self._failures:
                left.remove(question)
            if err is None and question[1] is Period.DAY:
                on_day()

    async def _async_try(
        self, question: Question, *, is_wanted: bool = True
    ) -> CemmError | None:
        """Ask; return why there is no answer, and raise that if the CEMM is away."""
        try:
            self.answers[question] = await self._ask(*question)
        except AuthenticationError:
            raise
        except NotConnectedError as err:
            return err
        except CemmError as err:
            self._note_failure(question, err, is_wanted=is_wanted)
            if self._is_away():
                raise
            return err
        self._failures.pop(question, None)
        return None

    def _due(self, question: Question) -> float:
        """Return when a question may be asked; what is due already is asked in order."""
        failure = self._failures.get(question)
        again_at = failure.again_at if failure else 0.0
        return again_at if again_at > _now() else 0.0

    def _may_be_asked(self, question: Question) -> bool:
        """Return whether a question that nobody waits for may be asked now."""
        failure = self._failures.get(question)
        return not failure or (failure.is_asked_again and failure.again_at <= _now())

    def waits_until(self, questions: Iterable[Question]) -> float:
        """Return when all that failed may be asked again; 0: nothing has to wait.

        So it is where not all has been asked: it was left off because nothing was answered.
        """
        left = [question for question in questions if question not in self.answers]
        if not self._failures.keys() >= {*left}:
            return 0.0
        failures = map(self._failures.__getitem__, left)
        return max((f.again_at for f in failures if f.is_asked_again), default=0.0)

    async def _pause(self, question: Question, in_vain: int) -> None:
        """Wait until a question may be asked; what goes on failing is not waited for."""
        failure = self._failures.get(question)
        wait = 0.0
        if failure and failure.is_asked_again:
            wait = failure.again_at - _now()
        if (more := in_vain - _PAUSE_AFTER) >= 0:
            wait = max(wait, FIRST_PAUSE * 2**more)
        if wait > 0:
            await asyncio.sleep(wait)

    def _note_failure(
        self, question: Question, err: CemmError, *, is_wanted: bool
    ) -> None:
        known = self._failures.get(question)
        is_wanted |= known is not None and known.is_wanted
        times = known.times if known else 0
        pause = min(FIRST_PAUSE * 2**times, _LONGEST_PAUSE)
        # Without the frames that it came through: it may be kept for long.
        error = err.with_traceback(None)
        self._failures[question] = _Failure(error, times + 1, _now() + pause, is_wanted)
        self._on_failure()


def _now() -> float:
    return asyncio.get_running_loop().time()
