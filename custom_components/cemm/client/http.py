"""One GET request: bounded in time and size, and silent about its URL."""

import asyncio
import json
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession
from yarl import URL

from .errors import (
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmTimeoutError,
    error_for_status,
)

MAX_BODY = 1024 * 1024
MAX_REDIRECTS = 3


async def get_json(session: ClientSession, url: URL, *, timeout: float) -> Any:
    """Return the decoded JSON of a 200.

    Raises a CemmError in every other case. The error is raised outside of any
    except block: aiohttp's own exceptions hold the URL, which may hold an API
    key, and must not be found as a context or cause.
    """
    error: CemmError
    try:
        async with asyncio.timeout(timeout):
            status, body = await _get(session, url)
        if status == 200:
            return json.loads(body)
        error = error_for_status(status)
    except CemmError as err:
        error = err
    except TimeoutError:
        error = CemmTimeoutError("no complete answer in time")
    except (ClientError, OSError) as err:
        error = CemmConnectionError(type(err).__name__)
    except ValueError, RecursionError:
        error = CemmResponseError("the answer is no JSON")
    raise error


async def _get(session: ClientSession, url: URL) -> tuple[int, bytes]:
    """Follow redirects on the same origin only: a key must never leave it."""
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in (301, 302, 303, 307, 308):
                return response.status, await _read(response)
            target = url.join(URL(response.headers.get("Location", "")))
        if target.origin() != url.origin():
            raise CemmResponseError("a redirect to another host")
        # A bare path in a redirect drops the query, and with it the key.
        url = target if target.query else target.with_query(url.query)
    raise CemmResponseError("too many redirects")


async def _read(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise CemmResponseError("an answer of more than 1 MiB")
    return bytes(body)
