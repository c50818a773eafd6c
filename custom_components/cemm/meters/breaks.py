"""Where the statistics of a meter go on from another reading. Nothing here does I/O."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from custom_components.cemm.channels import CHANNELS, derived_total
from custom_components.cemm.kinds import MeterKind

# Float noise, and far below what a meter shows.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Break:
    """A change of what a statistic's states mean, which is no use.

    It says nothing of amounts: those follow from the rows around it.
    """

    name: str
    """The statistic's, see `statistic_name`."""
    at: float
    """The Unix time just before the first state of the new meaning was shown."""
    before: float
    """The last state of the old meaning."""
    after: float
    """The first reading of the new meaning; it may be older than the state."""
    is_use: bool = False
    """Whether the user says that it was use after all."""

    @property
    def use(self) -> float:
        """Return what was used in between, by the user's word."""
        if not self.is_use:
            return 0.0
        # After a fall it has begun at 0 again.
        rise = self.after - self.before
        return rise if rise >= 0 else self.after


def statistic_name(alias: str, key: str) -> str:
    """Return what names a meter's statistic, however the user names its entity."""
    return f"{alias}_{key}"


def states(
    kind: MeterKind, measured: Collection[str], registers: Mapping[str, float]
) -> Mapping[str, float]:
    """Return the state of everything that counts, by key; derived totals too."""
    totals = {
        key: total
        for key, row in CHANNELS.items()
        if row.sum_of
        and (total := derived_total(row, kind, measured, registers)) is not None
    }
    return {**registers, **totals}


def find_breaks(
    alias: str, at: float, before: Mapping[str, float], after: Mapping[str, float]
) -> Iterator[Break]:
    """Yield the breaks between states and those that counting goes on from, by key."""
    for key, start in after.items():
        old = before.get(key)
        if old is not None and abs(start - old) > _TOLERANCE:
            yield Break(statistic_name(alias, key), at, old, start)
