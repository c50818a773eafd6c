"""The remote Open API: HTTPS, an API key in every URL, and promises."""

import asyncio
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import ClientSession
from yarl import URL

from .errors import (
    AuthenticationError,
    CemmConnectionError,
    InsecureUrlError,
    NotConnectedError,
    PromiseError,
    UnsupportedAliasError,
)
from .http import get_json, parse_url
from .models import (
    IO,
    CemmInfo,
    History,
    Meter,
    Period,
    Reading,
    normalize_mac,
    parse_history,
    parse_io,
    parse_ios,
    parse_reading,
    parse_uids,
)

DEFAULT_URL = "https://open-api.cemm.nl/v1/"
TIMEOUT = 30.0

# A promise lives for 10 s, in which the same request gets its data.
PROMISE_RETRY_AFTER = 1.0
PROMISE_RETRIES = 9

AT_ONCE = 4

# The only ones that the remote API can address.
ALIASES = ("p1", "han", "p1-gas", "s01", "s02", "s03")

# The API's own limit is per user, not per CEMM: all clients of a session share it.
_limits: WeakKeyDictionary[ClientSession, asyncio.Semaphore] = WeakKeyDictionary()


def check_url(url: str) -> URL:
    """Return a base address that an API key may be sent to.

    Raises InsecureUrlError for plain HTTP beyond this machine, and
    CemmConnectionError for what is no address.
    """
    try:
        base = parse_url(url.strip())
        valid = (
            base.scheme in ("http", "https")
            and bool(base.host)
            # Credentials are mostly a disguise: https://known.example@evil.example
            and not (base.user or base.password)
        )
    except ValueError:
        valid = False
    if not valid:
        raise CemmConnectionError("no web address")
    if base.scheme == "http" and not _is_loopback(base):
        raise InsecureUrlError("plain HTTP")
    return (base / "").with_query(None).with_fragment(None)


class RemoteApi:
    """The API itself, for one key: which CEMMs are linked, and their data."""

    def __init__(self, url: str, api_key: str, session: ClientSession) -> None:
        """Remember key and base address; raises as `check_url` does."""
        self._base = check_url(url)
        self._api_key = api_key
        self._session = session
        self._limit = _limits.setdefault(session, asyncio.Semaphore(AT_ONCE))

    async def uids(self) -> tuple[str, ...]:
        """Return the linked CEMMs, as the API writes their MACs.

        Raises AuthenticationError when the key is refused.
        """
        return parse_uids(await self.get("cemm/"))

    async def get(self, path: str, **query: int) -> Any:
        """Return the decoded answer, asking again while it is only promised."""
        url = self._base.join(URL(path)).with_query({**query, "api_key": self._api_key})
        for _ in range(PROMISE_RETRIES):
            try:
                return await self._get(url)
            except PromiseError:
                await asyncio.sleep(PROMISE_RETRY_AFTER)
        return await self._get(url)

    async def _get(self, url: URL) -> Any:
        async with self._limit:
            return await get_json(self._session, url, timeout=TIMEOUT)


class RemoteCemm:
    """Reads one linked CEMM through the remote API."""

    shortest_interval = 30.0
    longest_interval = 60.0
    retry_interval = 60.0
    totals_interval: float | None = 300.0
    lists_all_meters = False

    def __init__(
        self, url: str, api_key: str, uid: str, session: ClientSession
    ) -> None:
        """Remember which CEMM; raises as `check_url` does."""
        self._api = RemoteApi(url, api_key, session)
        self._uid = uid
        self._ios: frozenset[IO] | None = None
        self._meters: tuple[Meter, ...] = ()

    async def info(self) -> CemmInfo:
        """Return the CEMM's MAC, all that the API knows.

        Raises AuthenticationError when the key does not reach it (any more).
        """
        mac = normalize_mac(self._uid)
        if mac not in map(normalize_mac, await self._api.uids()):
            raise AuthenticationError(403)
        return CemmInfo(mac)

    async def meters(
        self, extra_aliases: Iterable[str] = (), answering: Collection[str] = ()
    ) -> tuple[Meter, ...]:
        """Return what is connected, as far as this API can address it.

        Its list of I/Os has no aliases: each alias is asked for, but only when
        that list is another one than the last time.
        """
        ios = parse_ios(await self._get("io/"))
        if ios != self._ios:
            self._meters = await self._ask_aliases()
            self._ios = ios
        return self._meters

    async def realtime(self, alias: str) -> Reading:
        """Return the newest measurements of a meter."""
        return parse_reading(await self._get(f"{alias}/realtime/"))

    async def totals(self, alias: str, time: int) -> Reading:
        """Return a meter's last readings of the day that holds a Unix time."""
        return parse_reading(await self._get(f"{alias}/totals/", time=time))

    async def history(self, alias: str, period: Period, start: int) -> History:
        """Return the samples of the period that starts at a Unix time."""
        return parse_history(await self._get(f"{alias}/data/{period}/", time=start))

    async def _ask_aliases(self) -> tuple[Meter, ...]:
        """Ask for all at once; raises only when no request is under way any more."""
        answers = await asyncio.gather(
            *(self._meter(alias) for alias in ALIASES), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return tuple(answer for answer in answers if isinstance(answer, Meter))

    async def _meter(self, alias: str) -> Meter | None:
        try:
            return parse_io(await self._get(f"{alias}/"), alias)
        except NotConnectedError, UnsupportedAliasError:
            return None

    async def _get(self, path: str, **query: int) -> Any:
        return await self._api.get(f"cemm/{self._uid}/{path}", **query)


def _is_loopback(url: URL) -> bool:
    try:
        return url.host == "localhost" or ip_address(url.host or "").is_loopback
    except ValueError:
        return False
