"""The one interface that local and remote CEMMs share."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from .errors import CemmError
from .models import CemmInfo, History, Meter, Period, Reading
from .pace import Pace


class CemmClient(Protocol):
    """Reads one CEMM. Every method raises CemmError when it can't.

    Nothing above this class knows which implementation it talks to; the
    attributes say how an implementation wants to be used.
    """

    shortest_interval: float
    """Seconds that a meter is left alone after a question."""
    longest_interval: float
    """Seconds within which a meter is asked again, unless it measures less often."""
    retry_interval: float
    """Seconds until the next question after the CEMM has not answered."""
    quick_answer: float
    """Seconds that a question may take before others are asked at the same time."""
    totals_interval: float | None
    """Seconds between two questions for totals; None: `realtime` has them all."""
    lists_all_meters: bool
    """Whether a meter that `meters` leaves out is gone from the CEMM."""

    pace: Pace
    """Where questions about the past have to wait for their turn."""

    @property
    def again_at(self) -> float:
        """When to `ask_again`, in monotonic seconds."""

    @property
    def odd(self) -> Mapping[str, CemmError]:
        """Which questions for meters failed the last time, and why."""

    async def info(self) -> CemmInfo:
        """Return what the CEMM says of itself."""

    async def meters(self, extra_aliases: Iterable[str] = ()) -> tuple[Meter, ...]:
        """Return what is connected; of the extra aliases those that answer.

        Raises only if nothing at all is known: what fails alone is asked again.
        """

    async def ask_again(self) -> tuple[Meter, ...]:
        """Return what is connected, as `meters`, but ask only what is due again."""

    async def realtime(self, alias: str) -> Reading:
        """Return the newest measurements of a meter."""

    async def totals(self, alias: str, time: int) -> Reading:
        """Return a meter's last readings of the day that holds a Unix time.

        Raises NotImplementedError where `totals_interval` is None.
        """

    async def history(self, alias: str, period: Period, start: int) -> History:
        """Return the samples of the period that starts at a Unix time."""
