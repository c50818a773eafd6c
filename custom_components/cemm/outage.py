"""When a CEMM fails, or a part of it: for how long, and what the user is told of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from logging import INFO, WARNING, getLogger
from time import monotonic, time

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_HOST
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from .client import NOTHING_THERE, CemmClient, CemmError
from .const import DOMAIN
from .issues import (
    UNREACHABLE,
    UNREACHABLE_REMOTE,
    WRONG_DEVICE,
    async_clear,
    async_raise,
)

_LOGGER = getLogger(__name__)

# All in seconds.
_UNREACHABLE_AFTER = 86_400.0
# Nobody asked while Home Assistant was off, so the CEMM first gets this long to answer.
_SEEN_FOR = 3600.0
# A guard in front of an API may refuse every key for a while: ask again after this.
_REFUSED_FOR = 3600.0

# When each entry's present outage was first noticed (monotonic): set-up starts anew often.
_NOTICED: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_outages")

# What was said of each entry's parts that do not answer well.
_TOLD: HassKey[dict[str, set[str]]] = HassKey(f"{DOMAIN}_odd")

# What ends the waiting of each entry whose key is refused.
_REFUSED: HassKey[dict[str, Callable[[], None]]] = HassKey(f"{DOMAIN}_refused")


class WrongDeviceError(CemmError):
    """Another CEMM answers at the address."""


class Outage:
    """What is known of the polls that fail, and of their end."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self.failed_polls = 0
        """How many failed in a row."""
        self.last_success = time()
        """The Unix time of the last poll that did not."""
        self._is_first = True
        self._host: str = entry.data.get(CONF_HOST, "")
        self._noticed = hass.data.setdefault(_NOTICED, {})
        # The entry may have got another kind of connection while it could not be set up.
        others = (UNREACHABLE_REMOTE,) if self._host else (UNREACHABLE, WRONG_DEVICE)
        for key in others:
            async_clear(hass, entry, key)

    def end(self) -> None:
        """Take note of a successful poll."""
        if self._is_first or self.failed_polls:
            self._noticed.pop(self._entry.entry_id, None)
            for key in (UNREACHABLE, UNREACHABLE_REMOTE, WRONG_DEVICE):
                async_clear(self._hass, self._entry, key)
            # A key that is accepted again is no question to the user any more.
            _forget_refusal(self._hass, self._entry)
            flows = self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})
            for flow in list(flows):
                self._hass.config_entries.flow.async_abort(flow["flow_id"])
        self._is_first = False
        self.failed_polls = 0
        self.last_success = time()

    def refused(self, client: CemmClient) -> None:
        """Take note of a refused key, which is tried again by itself once an hour."""
        self.failed_polls += 1
        _ask_in_an_hour(self._hass, self._entry, client)

    def failed(self, err: CemmError) -> None:
        """Take note of a failed poll, and tell the user if it will not end by itself."""
        self.failed_polls += 1
        now = monotonic()
        noticed = self._noticed.setdefault(self._entry.entry_id, now)
        if isinstance(err, WrongDeviceError):
            key = WRONG_DEVICE
        elif (
            time() - self.last_success > _UNREACHABLE_AFTER
            and now - noticed >= _SEEN_FOR
        ):
            key = UNREACHABLE if self._host else UNREACHABLE_REMOTE
        else:
            return
        async_raise(self._hass, self._entry, key, host=self._host)


def _forget_refusal(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Do not ask any more whether the key is still refused."""
    if stop := hass.data.setdefault(_REFUSED, {}).pop(entry.entry_id, None):
        stop()


@callback
def _ask_in_an_hour(
    hass: HomeAssistant, entry: ConfigEntry, client: CemmClient
) -> None:
    async def ask(_: datetime) -> None:
        hass.data[_REFUSED].pop(entry.entry_id, None)
        if entry.state not in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_ERROR):
            return
        try:
            await client.info()
        except CemmError:
            _ask_in_an_hour(hass, entry, client)
            return
        hass.config_entries.async_schedule_reload(entry.entry_id)

    _forget_refusal(hass, entry)
    hass.data[_REFUSED][entry.entry_id] = async_call_later(
        hass, _REFUSED_FOR, HassJob(ask, "CEMM key", cancel_on_shutdown=True)
    )


class Oddities:
    """What does not answer well, though the CEMM does: said once, and when it ends."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Start with what was said before the entry was loaded anew."""
        self._entry = entry
        told = hass.data.setdefault(_TOLD, {})
        self._told = told.setdefault(entry.entry_id, set())
        self.found: Mapping[str, CemmError] = {}
        """Which questions failed the last time, and why."""
        self._lasting: Mapping[str, CemmError] = {}

    def look(self, odd: Mapping[str, CemmError]) -> None:
        """Take note of which questions fail now; a single failure is not told."""
        before = self.found.keys() | self._told
        self._lasting = {name: odd[name] for name in odd.keys() & before}
        self.found = odd

    def tell(self) -> None:
        """Say what has begun and what has ended since the last time."""
        name = self._entry.title
        for question in self._lasting.keys() - self._told:
            error = self._lasting[question]
            # It may be normal that nothing is there.
            level = INFO if isinstance(error, NOTHING_THERE) else WARNING
            _LOGGER.log(level, "%s: no good answer to %s: %s", name, question, error)
        for question in self._told - self.found.keys():
            _LOGGER.info("%s: %s is answered well again", name, question)
        self._told.intersection_update(self.found)
        self._told.update(self._lasting)
