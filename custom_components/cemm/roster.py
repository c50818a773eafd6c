"""Which CEMM answers, and which meters it has."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .client import (
    USAGE,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    CemmInfo,
    CemmTimeoutError,
    Meter,
)
from .devices import async_registered_meters, async_remove_meter, async_update_cemm
from .issues import async_tidy
from .meters.meters import Meters
from .outage import WrongDeviceError

# Meters come and go, and a lease may give the address to another device.
_INTERVAL = 600.0

# A CEMM that has just started may not know all of its meters yet. So a meter is gone only
# when it has been missing from every list for this long (seconds).
_GONE_AFTER = 600.0

# Until it has been measured, listing the meters is expected to take this long (seconds). It
# may be put off for the second time, so that no meter has to wait for it.
_TAKES = 2.0
_WAITS = 60.0


@dataclass(slots=True)
class Roster:
    """Identifies one CEMM again and again, and lists its meters."""

    _hass: HomeAssistant
    _entry: ConfigEntry
    _client: CemmClient
    _meters: Meters
    _on_listed: Callable[[], None]
    info: CemmInfo
    """What it said of itself last."""
    types: Mapping[str, str | None] = field(default_factory=dict)
    """The type of each meter that is there or has a device; to be kept."""
    device_id: str = ""
    error: CemmError | None = None
    """Why the CEMM did not say who it is, though its meters answer."""
    due: float = 0.0
    """When to identify it next, in monotonic seconds; 0: before anything else."""
    _missing_since: dict[str, float] = field(default_factory=dict)
    _takes: float = _TAKES

    @property
    def listed(self) -> dict[str, Meter]:
        """The meters that are there, by alias."""
        return {alias: each.data.meter for alias, each in self._meters.items()}

    def find(self, alias: str) -> Meter:
        """Return a meter, be it there or not, as it was last described."""
        return self.listed.get(alias) or Meter(alias, self.types.get(alias))

    def may_identify(self, next_due: Callable[[], float]) -> bool:
        """Whether to list the meters now: after those that were due, before the next."""
        now = monotonic()
        if not self.due or now < self.due:  # At 0 the next poll begins with that.
            return False
        return now > self.due + _WAITS or next_due() - now > self._takes

    async def async_identify(self, *, after_failure: bool) -> None:
        """Make sure that this is still the same CEMM, and list its meters."""
        asked = monotonic()
        await self._async_recognise(after_failure=after_failure)
        extra = self._meters.options.extra_aliases
        registered = async_registered_meters(self._hass, self._entry)
        known = {alias: self.find(alias) for alias in {**registered, **self.listed}}
        # What was there before a restart may answer although the list leaves it out.
        ask = {*extra, *(() if self.listed else known)} - {USAGE}
        found: Collection[Meter] = self.listed.values()
        try:
            if not isinstance(self.error, CemmConnectionError):
                found = await self._client.meters(sorted(ask))
        except CemmError as err:
            if isinstance(err, AuthenticationError) or not self.listed:
                raise
        if self.error and not found:
            raise self.error
        listed = self._take_meters(found, known)
        self.types = {alias: m.type for alias, m in (known | self.listed).items()}
        async_tidy(self._hass, self._entry, {*known, *listed})
        now = monotonic()
        self._takes = max(_TAKES, 1.5 * (now - asked))
        self.due = now + _INTERVAL
        self._forget_missing(listed, {*known}, {*extra, USAGE})

    async def _async_recognise(self, *, after_failure: bool) -> None:
        """Ask the CEMM who it is.

        No answer does no harm as long as the meters give theirs. But a CEMM that does not
        answer at all is not asked for each of them.
        """
        info, self.error = self.info, None
        try:
            info = await self._client.info()
        except CemmError as err:
            is_away = isinstance(err, CemmConnectionError) and not self.listed
            is_slow = isinstance(err, CemmTimeoutError) and after_failure
            if is_away or is_slow or isinstance(err, AuthenticationError):
                raise
            self.error = err.with_traceback(None)
        if info.mac != self._entry.unique_id:
            raise WrongDeviceError(f"{info.mac} answers")
        self.info = info
        self.device_id = async_update_cemm(self._hass, self._entry, info)

    async def async_ask_again(self) -> None:
        """Ask for the meters that did not answer well; nothing waits for that."""
        self._take_meters(await self._client.ask_again(), self.listed)

    def _take_meters(
        self, found: Iterable[Meter], known: Mapping[str, Meter]
    ) -> set[str]:
        """Take note of the meters that are there, and return their aliases."""
        self._on_listed()
        listed = set[str]()
        for meter in found:
            # Where the list does not say what it is, what it was before holds.
            known_type = known.get(meter.alias, meter).type
            self._meters.watch(Meter(meter.alias, meter.type or known_type))
            listed.add(meter.alias)
        return listed

    def _forget_missing(
        self, listed: set[str], known: set[str], unlistable: set[str]
    ) -> None:
        """Forget the meters that are gone.

        Those that can't be listed are gone when they do not answer either, and their
        devices stay.
        """
        data = self._meters.data
        answering = {alias for alias, each in data.items() if each.available}
        unlisted = set[str]()
        if self._client.lists_all_meters:
            # An empty list says nothing of any meter: those that answer are still there.
            unlisted = known - unlistable - (listed - unlistable or answering)
        absent = self.listed.keys() - listed - answering - {USAGE}
        now, since = monotonic(), self._missing_since
        self._missing_since = {a: since.get(a, now) for a in absent | unlisted}
        for alias, missing_since in self._missing_since.items():
            if now - missing_since >= _GONE_AFTER:
                self._meters.forget(alias)
                if alias in unlisted:
                    async_remove_meter(self._hass, self._entry, alias)
