"""What each alias last answered, and when it is worth asking again."""

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

    def __init__(self) -> None:
        """Start with nothing asked."""
        self._aliases: dict[str, _Alias] = {}

    def meters(self, aliases: Iterable[str]) -> dict[str, Meter]:
        """Return what is there of these aliases, in their order."""
        found = ((alias, self._aliases.get(alias)) for alias in aliases)
        return {alias: known.meter for alias, known in found if known and known.meter}

    def due(self, aliases: Iterable[str], *, nothing: bool = True) -> list[str]:
        """Return those of these aliases that have to be asked now."""
        now = monotonic()
        return [alias for alias in aliases if self._at(alias, nothing) <= now]

    def again_at(self, aliases: Iterable[str], *, nothing: bool = True) -> float:
        """Return when one of these aliases has to be asked, in monotonic seconds.

        Without `nothing` those are left out under which nothing was.
        """
        return min((self._at(alias, nothing) for alias in aliases), default=inf)

    def errors(self, aliases: Iterable[str]) -> dict[str, CemmError]:
        """Return why questions for these aliases failed the last time."""
        found = ((alias, self._aliases.get(alias)) for alias in aliases)
        return {alias: known.error for alias, known in found if known and known.error}

    def take(self, alias: str, answer: Meter | CemmError | None) -> None:
        """Note what an alias answered, or why it did not; None: nothing is there."""
        known = self._aliases.setdefault(alias, _Alias())
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
        """Leave these alone for now: what was asked before them did not answer."""
        for alias in aliases:
            self._aliases.setdefault(alias, _Alias()).again_at = (
                monotonic() + _FAILED[0]
            )

    def _at(self, alias: str, nothing: bool) -> float:
        if (known := self._aliases.get(alias)) is None:
            return 0.0
        return inf if known.pauses is _NOTHING and not nothing else known.again_at
