"""The local Open API: plain HTTP on the CEMM's own address, no authentication."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
import re

from aiohttp import ClientSession
from yarl import URL

from .aliases import Aliases
from .errors import (
    NOTHING_THERE,
    AuthenticationError,
    Cemm3Error,
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmTimeoutError,
    ForbiddenError,
    NotCemmError,
    NotConnectedError,
)
from .http import decode, get_body, parse_url
from .models import (
    CemmInfo,
    History,
    Meter,
    Period,
    Reading,
    parse_history,
    parse_info,
    parse_meters,
    parse_reading,
)
from .pace import LONGER, Pace
from .turns import Turns
from .values import trimmed

DEFAULT_PORT = 80
TIMEOUT = 10.0

# No I/O, so `io/` never lists it.
USAGE = "usage"

# Two names of each input: the first for electricity, the second for water and gas.
_INPUTS = ("s01", "s02", "s03")
_PULSES = ("pulse-1", "pulse-2", "pulse-3")
_TWINS = dict(zip(_INPUTS + _PULSES, _PULSES + _INPUTS, strict=True))

# Asked for one by one where `io/` does not say what is connected.
DOCUMENTED_ALIASES = (
    *("p1", "p1-usb", "emucs", "emucs-usb", "han", "dlms-usb", "p1-gas"),
    *(_INPUTS + _PULSES),
)
_VOLUMES = {"volume", "flow"}

_SCHEME = re.compile(r"^((https?:)?//)+", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z.+-]+://", re.IGNORECASE)
_PATH = re.compile(r"[/?#].*", re.DOTALL)
_HOST_NAME = re.compile("[a-z0-9_][a-z0-9_.-]*")


def clean_host(host: str) -> str:
    """Return host and port of what a user typed or pasted: maybe the address of a page."""
    host = _SCHEME.sub("", trimmed(host))
    return host if _OTHER_SCHEME.match(host) else trimmed(_PATH.sub("", host))


def base_url(host: str) -> URL:
    """Return ``http://host[:port]/``.

    ``host`` is a name or an IPv4 or IPv6 address, the latter with or without
    brackets. Raises ValueError when it is none of these.
    """
    host = clean_host(host)
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    url = parse_url(f"http://{host}/")
    name = url.raw_host or ""
    if ":" in name:
        ip_address(name)
    elif _HOST_NAME.fullmatch(name) is None:
        raise ValueError("no host name or address")
    if url != url.origin() / "":
        raise ValueError("more than a host")
    return url if url.explicit_port is not None else url.with_port(DEFAULT_PORT)


@lru_cache
def _joined(base: URL, path: str) -> URL:
    return base.join(URL(path))


@dataclass(slots=True)
class _Newest:
    """What was built of a meter's last answer: it may serve for the next one too."""

    body: bytes | None = None
    reading: Reading = field(default_factory=lambda: Reading({}))
    timed_out: bool = False
    """Whether the last question for it did: it is asked beside the others."""


class LocalCemm:
    """Reads a CEMM in the same network, one request after the other."""

    shortest_interval = 5.0
    longest_interval = 60.0
    retry_interval = 10.0
    quick_answer = 1.0
    totals_interval: float | None = None
    lists_all_meters = True

    def __init__(self, host: str, session: ClientSession) -> None:
        """Remember where the CEMM is; raises CemmConnectionError for no address."""
        try:
            self._base = base_url(host) / "open-api/v1/"
        except ValueError as err:
            raise CemmConnectionError("no host name or address") from err
        self._session = session
        self._newest: defaultdict[str, _Newest] = defaultdict(_Newest)
        self.pace = Pace()
        self._turns = Turns()
        self._aside = Turns()
        self._listed: tuple[Meter, ...] = ()
        self._aliases = Aliases()

    @property
    def again_at(self) -> float:
        """When to `ask_again`."""
        return self._aliases.again_at

    @property
    def odd(self) -> dict[str, CemmError]:
        """What did not answer well the last time, and why."""
        return self._aliases.errors

    async def info(self) -> CemmInfo:
        """Return what the CEMM says of itself.

        Raises NotCemmError (Cemm3Error for a CEMM 3.0) when something else
        answers at the address.
        """
        try:
            return parse_info(decode(await self._get("")))
        except (CemmResponseError, ForbiddenError, NotConnectedError) as err:
            reason = str(err)
        if await self._is_cemm_3():
            raise Cemm3Error("a CEMM 3.0")
        raise NotCemmError(reason)

    async def meters(self, extra_aliases: Iterable[str] = ()) -> tuple[Meter, ...]:
        """Return what is connected; of the extra aliases those that answer.

        Where `io/` does not tell, what it told before holds, or else the documented
        aliases are asked. Raises if nothing answers.
        """
        self._aliases.io_error = None
        try:
            listed = parse_meters(decode(await self._get("io/")))
        except CemmError as err:
            if not isinstance(err, NOTHING_THERE):
                self._aliases.io_error = err
            self.lists_all_meters = False
        else:
            self.lists_all_meters = bool(listed or self._listed)
            self._listed = listed
        is_known = self.lists_all_meters or self._listed
        documented = () if is_known else DOCUMENTED_ALIASES
        names = {meter.alias for meter in self._listed}
        ask = dict.fromkeys((*documented, USAGE, *extra_aliases))
        self._aliases.asked = tuple(alias for alias in ask if alias not in names)
        if not self._aliases.io_error or not self._listed:
            await self._ask(self._aliases.due)
        meters = self._meters()
        if not meters:
            self._aliases.raise_any()
        for alias in self._newest.keys() - names - ask.keys():
            del self._newest[alias]
        return meters

    async def ask_again(self) -> tuple[Meter, ...]:
        """Return what is connected, as `meters`, but ask only what is due again."""
        await self._ask(self._aliases.due)
        return self._meters()

    def _meters(self) -> tuple[Meter, ...]:
        return (*self._listed, *self._aliases.meters.values())

    async def _ask(self, aliases: list[str]) -> None:
        """Find out which of these aliases are meters.

        When two in a row break off, the rest is left for later: it may be the CEMM.
        """
        self._aliases.put_off(aliases)
        broken_off = isinstance(self._aliases.io_error, CemmConnectionError)
        for alias in aliases:
            was_broken_off, broken_off = broken_off, False
            try:
                reading = await self.realtime(alias)
            except CemmError as err:
                self._aliases.note(alias, err)
                broken_off = isinstance(err, CemmConnectionError)
            else:
                is_meter = bool(reading.channels) and not self._is_twin(alias, reading)
                self._aliases.note(alias, Meter(alias) if is_meter else None)
            if broken_off and was_broken_off:
                break

    def _is_twin(self, alias: str, reading: Reading) -> bool:
        """Whether this is but another name of an input that is known already.

        Where it is the better name, the other one is dropped.
        """
        twin = _TWINS.get(alias, "")
        channels = reading.channels.keys()
        if (
            twin not in self._aliases.meters
            or self._newest[twin].reading.channels.keys() != channels
        ):
            return False
        if (alias in _PULSES) is channels.isdisjoint(_VOLUMES):
            return True
        self._aliases.note(twin, None)
        return False

    async def realtime(self, alias: str) -> Reading:
        """Return the newest measurements of a meter.

        That is the same object as the last time if they are the same.
        """
        newest = self._newest[alias]
        try:
            body = await self._get(f"{alias}/realtime/", aside=newest.timed_out)
            if body != newest.body:
                newest.reading = parse_reading(decode(body))
                newest.body = body
        except CemmTimeoutError:
            newest.timed_out = True
            raise
        except NOTHING_THERE:
            if alias in self._aliases.meters:
                self._aliases.note(alias, None)
            raise
        newest.timed_out = False
        return newest.reading

    async def totals(self, alias: str, time: int) -> Reading:
        """Not needed: `realtime` has them."""
        raise NotImplementedError

    async def history(self, alias: str, period: Period, start: int) -> History:
        """Return the samples of the period that starts at a Unix time."""
        path = f"{alias}/data/{period}/?time={start}"
        return parse_history(decode(await self._get(path, urgent=False)), period)

    async def _is_cemm_3(self) -> bool:
        try:
            answer = decode(await self._get("/api/v1/public/cemm"))
        except CemmError:
            return False
        return isinstance(answer, dict) and {"id", "mac", "version"} <= answer.keys()

    async def _get(
        self, path: str, *, aside: bool = False, urgent: bool = True
    ) -> bytes:
        """Return the body of a 200, one request after the other; only the past has time.

        Where one that was left behind keeps the CEMM from answering, wait for its end.
        """
        url = _joined(self._base, path)
        timeout = TIMEOUT if urgent else TIMEOUT * LONGER
        turns, is_beside = self._aside if aside else self._turns, False
        turn = turns.request(urgent=urgent and not aside)
        try:
            await turn
            is_beside = urgent and bool(self._turns.left_behind)
            body = get_body(self._session, url, timeout=timeout)
            return await self.pace.ask(body)
        except AuthenticationError as err:  # There is no key that could be refused.
            raise ForbiddenError(err.status) from None
        except CemmConnectionError:
            if not is_beside:
                raise
            self._turns.leave_none_behind()
        finally:
            turns.end(turn)
        return await self._get(path, urgent=urgent)
