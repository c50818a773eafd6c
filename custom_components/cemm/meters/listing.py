"""What a CEMM's list of its meters says, and what it leaves out. Nothing here does I/O."""

from collections.abc import Collection
from dataclasses import replace

from custom_components.cemm.client import Meter

# A CEMM that has just started may not know all of its meters yet. So a meter is gone only
# when it has been missing from every list for this long (seconds).
GONE_AFTER = 600.0


def completed(listed: Meter, known: Meter | None) -> Meter:
    """Return a listed meter with what was known of it, where the list says nothing."""
    return replace(listed, type=known.type) if known and not listed.type else listed


def left_out(known: set[str], listed: set[str], answering: set[str]) -> set[str]:
    """Return the meters that a list says are gone.

    An empty one says nothing of any meter: those that answer are still there.
    """
    return known - listed if listed else known - answering


class Missing:
    """The meters that are missing, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def gone(self, missing: Collection[str], now: float) -> list[str]:
        """Return which of the meters that are missing now have been so for long."""
        self._since = {alias: self._since.get(alias, now) for alias in missing}
        return [a for a, since in self._since.items() if now - since >= GONE_AFTER]
