"""The remote Open API: HTTPS, an API key in every URL, and promises."""

import asyncio
from collections.abc import Collection, Iterable
from math import inf
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import ClientSession
from yarl import URL

from .addresses import check_url
from .aliases import Aliases
from .errors import (
    AuthenticationError,
    CemmError,
    CemmTimeoutError,
    EmptyError,
    ForbiddenError,
    PromiseError,
)
from .http import get_json
from .models import (
    IO,
    CemmInfo,
    History,
    Meter,
    Period,
    Reading,
    normalize_mac,
    parse_history,
    parse_ios,
    parse_reading,
    parse_uids,
)
from .pace import LONGER, Pace

DEFAULT_URL = "https://open-api.cemm.nl/v1/"
TIMEOUT = 30.0

# A promise lives for 10 s, in which the same request gets its data.
PROMISE_RETRY_AFTER = 1.0
PROMISE_RETRIES = 9

AT_ONCE = 4

# Seconds that all aliases together may take: one that hangs keeps no other waiting.
ALIASES_TIMEOUT = 15.0

# Seconds for which the word of `cemm/` that a key is good holds.
GOOD_FOR = 60.0

# The only ones that the remote API can address.
ALIASES = ("p1", "han", "p1-gas", "s01", "s02", "s03")

# The API's own limit is per user, not per CEMM: all clients with a key share it.
_limits: WeakKeyDictionary[ClientSession, asyncio.Semaphore] = WeakKeyDictionary()
_paces: WeakKeyDictionary[ClientSession, dict[str, Pace]] = WeakKeyDictionary()


class RemoteApi:
    """The API itself, for one key: which CEMMs are linked, and their data."""

    def __init__(self, url: str, api_key: str, session: ClientSession) -> None:
        """Remember key and base address; raises as `check_url` does."""
        self._base = check_url(url)
        self._api_key = api_key
        self._session = session
        self._limit = _limits.setdefault(session, asyncio.Semaphore(AT_ONCE))
        self.pace = _paces.setdefault(session, {}).setdefault(api_key, Pace())

    async def uids(self) -> tuple[str, ...]:
        """Return the linked CEMMs, as the API writes their MACs.

        Raises AuthenticationError when the key is refused.
        """
        return parse_uids(await self.get("cemm/"))

    async def get(self, path: str, *, times: int = 1, **query: int) -> Any:
        """Return the decoded answer, asking again while it is only promised.

        It may take so many times as long as others.
        """
        timeout = TIMEOUT * times
        url = self._base.join(URL(path)).with_query({**query, "api_key": self._api_key})
        for _ in range(PROMISE_RETRIES):
            try:
                return await self._get(url, timeout)
            except PromiseError:
                await asyncio.sleep(PROMISE_RETRY_AFTER)
        return await self._get(url, timeout)

    async def _get(self, url: URL, timeout: float) -> Any:
        async with self._limit:
            answer = get_json(self._session, url, timeout=timeout)
            return await self.pace.ask(answer)


class RemoteCemm:
    """Reads one linked CEMM through the remote API."""

    shortest_interval = 30.0
    longest_interval = 60.0
    retry_interval = 60.0
    quick_answer = 0.0
    totals_interval: float | None = 300.0
    lists_all_meters = False

    def __init__(
        self, url: str, api_key: str, uid: str, session: ClientSession
    ) -> None:
        """Remember which CEMM; raises as `check_url` does."""
        self._api = RemoteApi(url, api_key, session)
        self.pace = self._api.pace
        self._uid = uid
        self._ios: tuple[IO, ...] | None = None
        self._aliases = Aliases(ALIASES)
        self._addressed: dict[str, set[str | None]] = {}
        self._good_at = -inf
        self._deciding = asyncio.Lock()

    @property
    def again_at(self) -> float:
        """When to `ask_again`."""
        return self._aliases.again_at

    @property
    def odd(self) -> dict[str, CemmError]:
        """What did not answer well the last time, and why."""
        return self._aliases.errors | {
            f"I/O {io.io_id} ({io.type})": EmptyError("no alias shows it")
            for io in self._unaddressed
        }

    async def info(self) -> CemmInfo:
        """Return the CEMM's MAC, all that the API knows.

        Raises AuthenticationError when the key does not reach it (any more).
        """
        mac = normalize_mac(self._uid)
        if mac not in map(normalize_mac, await self._api.uids()):
            raise AuthenticationError(403)
        self._good_at = monotonic()
        return CemmInfo(mac)

    async def meters(self, extra_aliases: Iterable[str] = ()) -> tuple[Meter, ...]:
        """Return what is connected, as far as this API can address it.

        Its list of I/Os has no aliases: each alias is asked for, but only when
        that list is another one than the last time.
        """
        before, self._aliases.io_error = self._ios, None
        try:
            self._ios = parse_ios(await self._get("io/"))
        except AuthenticationError:
            raise
        except CemmError as err:
            self._aliases.io_error = err
        if not self._aliases.meters or self._ios != before:
            return await self._ask_aliases(ALIASES)
        return await self._ask_aliases(
            () if self._aliases.io_error else self._aliases.due
        )

    async def ask_again(self) -> tuple[Meter, ...]:
        """Return what is connected, as `meters`, but ask only what is due again."""
        return await self._ask_aliases(self._aliases.due)

    async def realtime(self, alias: str) -> Reading:
        """Return the newest measurements of a meter."""
        return parse_reading(await self._get(f"{alias}/realtime/"))

    async def totals(self, alias: str, time: int) -> Reading:
        """Return a meter's last readings of the day that holds a Unix time."""
        return parse_reading(await self._get(f"{alias}/totals/", time=time))

    async def history(self, alias: str, period: Period, start: int) -> History:
        """Return the samples of the period that starts at a Unix time."""
        path = f"{alias}/data/{period}/"
        return parse_history(await self._get(path, times=LONGER, time=start), period)

    @property
    def _unaddressed(self) -> list[IO]:
        """Those of the listed I/Os that no alias has shown yet, if any ever will."""
        shown = set().union(*self._addressed.values())
        return [io for io in self._ios or () if io.io_id not in shown]

    async def _ask_aliases(self, aliases: Collection[str]) -> tuple[Meter, ...]:
        """Ask for these at once, and return all meters that are known then.

        What fails costs no other. Raises only when no request is under way any more,
        and when nothing at all is known.
        """
        self._aliases.put_off(aliases)
        answers = await asyncio.gather(*map(self._io, aliases))
        for alias, answer in zip(aliases, answers, strict=True):
            if isinstance(answer, AuthenticationError):
                raise answer
            self._aliases.note(alias, answer)
        self._aliases.are_complete = self._ios is not None and not self._unaddressed
        meters = self._aliases.meters
        if not meters:
            self._aliases.raise_any()
        return tuple(meters.values())

    async def _io(self, alias: str) -> Meter | CemmError | None:
        try:
            async with asyncio.timeout(ALIASES_TIMEOUT):
                ios = parse_ios(await self._get(f"{alias}/"))
        except CemmError as err:
            return err
        except TimeoutError:
            return CemmTimeoutError("late")
        self._addressed[alias] = {io.io_id for io in ios}
        return Meter(alias, ios[0].type) if ios else None

    async def _get(self, path: str, *, times: int = 1, **query: int) -> Any:
        """Return the decoded answer.

        A 403 concerns only this action as long as `cemm/` lists this CEMM; raises
        ForbiddenError then, and AuthenticationError when the key is refused.
        """
        asked = monotonic()
        try:
            return await self._api.get(f"cemm/{self._uid}/{path}", times=times, **query)
        except AuthenticationError as err:
            status = err.status
        async with self._deciding:  # Many may be refused at once.
            refused = await self._is_refused(asked)
        raise AuthenticationError(status) if refused else ForbiddenError(status)

    async def _is_refused(self, asked: float) -> bool:
        """Ask `cemm/` about the key, unless it has just said that it is good."""
        if self._good_at >= asked - GOOD_FOR:
            return False
        try:
            await self.info()
        except AuthenticationError:
            return True
        except CemmError:
            pass  # What does not answer does not refuse either.
        return False
