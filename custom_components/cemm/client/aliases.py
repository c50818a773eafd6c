"""What each alias last answered, and when it is worth asking again."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from time import monotonic

from .errors import NOTHING_THERE, CemmError, ForbiddenError
from .models import Meter

# Seconds until it is asked again, it alone: the first time, and each time after that.
_FAILED = (60.0, 300.0)
# A CEMM that has just started may not know its meters yet. Later a bit less than an
# hour, within which a meter that appears has to be found.
_NOTHING = (900.0, 3300.0)
_FORBIDDEN = (3300.0, 3300.0)


@dataclass(slots=True)
class _Alias:
    meter: Meter | None = None
    """What is there, as far as is known: a question that failed changes nothing in it."""
    error: CemmError | None = None
    """Why the last question failed, if it did."""
    pauses: tuple[float, float] | None = None
    again_at: float = 0.0


class Aliases:
    """No answer of a moment is believed for ever, and none that came is asked for twice."""

    def __init__(self, asked: Iterable[str] = ()) -> None:
        self.asked = tuple(asked)
        """The aliases that may be meters which no list names."""
        self.are_complete = False
        """Whether those are left alone under which nothing was."""
        self.io_error: CemmError | None = None
        """Why the CEMM's own list could not be had, if so."""
        self._known: defaultdict[str, _Alias] = defaultdict(_Alias)

    @property
    def meters(self) -> dict[str, Meter]:
        """What is there, by alias."""
        return {a: meter for a in self.asked if (meter := self._known[a].meter)}

    @property
    def due(self) -> list[str]:
        """The aliases that have to be asked now."""
        now = monotonic()
        return [alias for alias in self.asked if self._at(alias) <= now]

    @property
    def again_at(self) -> float:
        """When one of the aliases has to be asked, in monotonic seconds."""
        return min(map(self._at, self.asked), default=inf)

    @property
    def errors(self) -> dict[str, CemmError]:
        """Which questions failed the last time, and why."""
        errors = {"io/": self.io_error}
        errors |= {f"{alias}/": self._known[alias].error for alias in self.asked}
        return {question: error for question, error in errors.items() if error}

    def raise_any(self) -> None:
        """Raise why a question failed, if any did."""
        for error in self.errors.values():
            raise error

    def note(self, alias: str, answer: Meter | CemmError | None) -> None:
        """Note what an alias answered, or why it did not; None: nothing is there."""
        known = self._known[alias]
        if isinstance(answer, NOTHING_THERE):
            answer = None
        if isinstance(answer, CemmError):
            # Without the frames that it came through: it may be kept for long.
            known.error = answer.with_traceback(None)
            pauses = _FORBIDDEN if isinstance(answer, ForbiddenError) else _FAILED
        else:
            known.error, known.meter = None, answer
            pauses = _NOTHING
        if isinstance(answer, Meter):
            known.pauses, known.again_at = None, inf
            return
        known.again_at = monotonic() + pauses[known.pauses is pauses]
        known.pauses = pauses

    def put_off(self, aliases: Iterable[str]) -> None:
        """Leave these alone for now: they are being asked, or what was before them hangs."""
        for alias in aliases:
            self._known[alias].again_at = monotonic() + _FAILED[0]

    def _at(self, alias: str) -> float:
        known = self._known[alias]
        is_left_alone = self.are_complete and known.pauses is _NOTHING
        return inf if is_left_alone else known.again_at
