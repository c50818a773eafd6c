"""One GET request: bounded in time and size, and silent about its URL."""

from functools import lru_cache
import json
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from yarl import URL

from .errors import (
    BrokenOffError,
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmTimeoutError,
    EmptyError,
    error_for_status,
)

MAX_BODY = 1024 * 1024
MAX_REDIRECTS = 3

_REDIRECTS = (301, 302, 303, 307, 308)


@lru_cache
def _in_all(seconds: float) -> ClientTimeout:
    return ClientTimeout(total=seconds)


async def get_json(session: ClientSession, url: URL, *, timeout: float) -> Any:
    """Return the decoded JSON of a 200; raises a CemmError in every other case."""
    return decode(await get_body(session, url, timeout=timeout))


async def get_body(session: ClientSession, url: URL, *, timeout: float) -> bytes:
    """Return the body of a 200; ``timeout`` is in seconds, and begins anew at a redirect.

    Raises a CemmError in every other case, always outside of any except block:
    aiohttp's own exceptions hold the URL, which may hold an API key, and must
    not be found as a context or cause.
    """
    error: CemmError
    try:
        return await _get(session, url, _in_all(timeout))
    except CemmError as err:
        error = err
    except TimeoutError:
        error = CemmTimeoutError("no complete answer in time")
    except (ClientConnectorError, ValueError) as err:
        # A ValueError: what no resolver would take for a name.
        error = CemmConnectionError(type(err).__name__)
    except (ClientError, OSError) as err:
        error = BrokenOffError(type(err).__name__)
    raise error


def decode(body: bytes) -> Any:
    """Return what JSON says; raises CemmResponseError when it is none."""
    if not body.strip():
        raise EmptyError("the answer is no JSON")
    try:
        return json.loads(body)
    except ValueError, RecursionError:
        pass  # Python's own error holds the body, which may quote the URL.
    raise CemmResponseError("the answer is no JSON")


def parse_url(text: str) -> URL:
    """Return what a user or a server wrote as a URL; ValueError when it is none."""
    try:
        return URL(text)
    except IndexError as err:  # what yarl has to say about http://[]@
        raise ValueError("no URL") from err


async def _get(session: ClientSession, url: URL, timeout: ClientTimeout) -> bytes:
    """Return the body of a 200; that of another status is never read."""
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False, timeout=timeout) as response:
            if response.status == 200:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise CemmResponseError("an answer of more than 1 MiB")
                return bytes(body)
            if response.status not in _REDIRECTS:
                retry_after = response.headers.get("Retry-After", "")
                raise error_for_status(response.status, retry_after)
            url = _redirected(url, response.headers.get("Location", ""))
    raise CemmResponseError("too many redirects")


def _redirected(url: URL, location: str) -> URL:
    """Return where a redirect leads: on the same origin, which a key never leaves."""
    try:
        target = url.join(parse_url(location))
        stays = target.origin() == url.origin()
    except ValueError:
        stays = False
    if not stays:
        raise CemmResponseError("a redirect to another host")
    # A bare path in a redirect drops the query, and with it the key.
    return target if target.query else target.with_query(url.query)
