"""The local Open API: plain HTTP on the CEMM's own address, no authentication."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
import re
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from .errors import (
    Cemm3Error,
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmStatusError,
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

DEFAULT_PORT = 80
TIMEOUT = 10.0

# No I/O, so `io/` never lists it.
USAGE = "usage"

# Asked for one by one where the firmware is too old to have `io/`.
DOCUMENTED_ALIASES = (
    "p1",
    "p1-usb",
    "emucs",
    "emucs-usb",
    "han",
    "dlms-usb",
    "p1-gas",
    "s01",
    "s02",
    "s03",
    "pulse-1",
    "pulse-2",
    "pulse-3",
)

_SCHEME = re.compile("^http://", re.IGNORECASE)
_HOST_NAME = re.compile("[a-z0-9_][a-z0-9_.-]*")


def clean_host(host: str) -> str:
    """Return host and port of what a user typed or pasted."""
    return _SCHEME.sub("", host.strip()).rstrip("/")


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


_NOTHING = Reading({})


@dataclass(slots=True)
class _Newest:
    """What was built for a meter's last answer: it may serve for the next one too."""

    url: URL
    body: bytes | None = None
    reading: Reading = _NOTHING


class LocalCemm:
    """Reads a CEMM in the same network, one request after the other."""

    shortest_interval = 5.0
    longest_interval = 60.0
    retry_interval = 10.0
    totals_interval: float | None = None
    lists_all_meters = True

    def __init__(self, host: str, session: ClientSession) -> None:
        """Remember where the CEMM is; raises CemmConnectionError for no address."""
        try:
            self._base = base_url(host)
        except ValueError as err:
            raise CemmConnectionError("no host name or address") from err
        self._session = session
        self._newest: dict[str, _Newest] = {}
        self._one_at_a_time = asyncio.Lock()

    async def info(self) -> CemmInfo:
        """Return what the CEMM says of itself.

        Raises NotCemmError (Cemm3Error for a CEMM 3.0) when something else
        answers at the address.
        """
        failure: NotCemmError
        try:
            return parse_info(await self._get("open-api/v1/"))
        except NotCemmError as err:
            failure = err
        except (CemmResponseError, NotConnectedError) as err:
            failure = NotCemmError(str(err))
        if await self._is_cemm_3():
            failure = Cemm3Error("a CEMM 3.0")
        raise failure

    async def meters(
        self, extra_aliases: Iterable[str] = (), answering: Collection[str] = ()
    ) -> tuple[Meter, ...]:
        """Return what is connected; of the extra aliases those that answer."""
        ask = [USAGE, *extra_aliases]
        try:
            listed = parse_meters(await self._get("open-api/v1/io/"))
            self.lists_all_meters = True
        except NotConnectedError:
            listed = ()
            self.lists_all_meters = False
            ask = [*DOCUMENTED_ALIASES, *ask]
        meters = {meter.alias: meter for meter in listed}
        broke_off = False
        for alias in ask:
            if alias in meters:
                continue
            try:
                answers = alias in answering or await self._answers(alias)
            except CemmConnectionError:
                # That of one alias may be its own fault; the CEMM has just answered.
                if broke_off:
                    raise
                broke_off = True
                continue
            broke_off = False
            if answers:
                meters[alias] = Meter(alias)
        self._newest = {a: kept for a, kept in self._newest.items() if a in meters}
        return tuple(meters.values())

    async def realtime(self, alias: str) -> Reading:
        """Return the newest measurements of a meter.

        That is the same object as the last time if they are the same.
        """
        if (newest := self._newest.get(alias)) is None:
            url = self._url(f"open-api/v1/{alias}/realtime/")
            newest = self._newest[alias] = _Newest(url)
        body = await self._get_body(newest.url)
        if body != newest.body:
            newest.reading = parse_reading(decode(body))
            newest.body = body
        return newest.reading

    async def totals(self, alias: str, time: int) -> Reading:
        """Not needed: `realtime` has them."""
        raise NotImplementedError

    async def history(self, alias: str, period: Period, start: int) -> History:
        """Return the samples of the period that starts at a Unix time."""
        return parse_history(
            await self._get(f"open-api/v1/{alias}/data/{period}/", time=start)
        )

    async def _answers(self, alias: str) -> bool:
        try:
            await self.realtime(alias)
        except CemmStatusError, CemmResponseError:
            return False
        return True

    async def _is_cemm_3(self) -> bool:
        try:
            answer = await self._get("api/v1/public/cemm")
        except CemmError:
            return False
        return isinstance(answer, dict) and {"id", "mac", "version"} <= answer.keys()

    async def _get(self, path: str, **query: int) -> Any:
        return decode(await self._get_body(self._url(path).with_query(query)))

    def _url(self, path: str) -> URL:
        return self._base.join(URL(path))

    async def _get_body(self, url: URL) -> bytes:
        """Return the body of a 200; every 4xx means that nothing is there."""
        async with self._one_at_a_time:
            try:
                return await get_body(self._session, url, timeout=TIMEOUT)
            except CemmStatusError as err:
                if not 400 <= err.status < 500:
                    raise
                status = err.status
        raise NotConnectedError(status)
