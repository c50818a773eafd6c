"""When a whole CEMM fails: for how long, and what the user is told of it."""

from time import monotonic, time

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .client import CemmError
from .const import DOMAIN
from .issues import (
    UNREACHABLE,
    UNREACHABLE_REMOTE,
    WRONG_DEVICE,
    async_clear,
    async_raise,
)

# All in seconds.
_UNREACHABLE_AFTER = 86_400.0
# Nobody asked while Home Assistant was off: the CEMM is given so long to answer.
_SEEN_FOR = 3600.0

# When each entry's present outage was first noticed (monotonic): set-up starts anew often.
_NOTICED: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_outages")


class WrongDeviceError(CemmError):
    """Another CEMM answers at the address."""


class Outage:
    """What is known of the polls that fail, and of their end."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Start with nothing known."""
        self._hass = hass
        self._entry = entry
        self.failed_polls = 0
        """How many failed in a row."""
        self.last_success = time()
        """The Unix time of the last poll that did not."""
        self._is_first = True
        # The entry may have got another kind of connection while it could not be set up.
        others = (UNREACHABLE_REMOTE,) if self._host else (UNREACHABLE, WRONG_DEVICE)
        for key in others:
            async_clear(hass, entry, key)

    @property
    def _host(self) -> str:
        """Where a local CEMM is."""
        host: str = self._entry.data.get(CONF_HOST, "")
        return host

    @property
    def _noticed(self) -> dict[str, float]:
        return self._hass.data.setdefault(_NOTICED, {})

    def end(self) -> None:
        """Take note of a successful poll."""
        if self._is_first or self.failed_polls:
            self._noticed.pop(self._entry.entry_id, None)
            for key in (UNREACHABLE, UNREACHABLE_REMOTE, WRONG_DEVICE):
                async_clear(self._hass, self._entry, key)
        self._is_first = False
        self.failed_polls = 0
        self.last_success = time()

    def go_on(self, err: CemmError) -> None:
        """Take note of a failed poll, and tell the user of what does not end by itself."""
        self.failed_polls += 1
        host = self._host
        now = monotonic()
        noticed = self._noticed.setdefault(self._entry.entry_id, now)
        if isinstance(err, WrongDeviceError):
            key = WRONG_DEVICE
        elif (
            time() - self.last_success > _UNREACHABLE_AFTER
            and now - noticed >= _SEEN_FOR
        ):
            key = UNREACHABLE if host else UNREACHABLE_REMOTE
        else:
            return
        async_raise(self._hass, self._entry, key, fixable=bool(host), host=host)
