"""How an answer travels, or fails to."""

import asyncio
from collections.abc import Callable
import json

from aiohttp import web

from .faults import Fault

_WEB_PAGE = (
    "<!DOCTYPE html><html><head><title>Router</title></head><body>Log in</body></html>"
)
_FOR_EVER = 1e8
_JSON = "application/json"


def refuse(status: int, retry_after: str = "") -> web.Response:
    """Return an answer that is no data."""
    headers = {"Retry-After": retry_after} if retry_after else None
    return web.json_response({"error": status}, status=status, headers=headers)


async def respond(
    fault: Fault, request: web.BaseRequest, answer: Callable[[], web.Response]
) -> web.StreamResponse:
    """Answer in the way of a fault of the transport; `answer` makes the right answer."""
    match fault.kind:
        case "latency" | "hang":
            await asyncio.sleep(_FOR_EVER if fault.kind == "hang" else fault.value)
            return answer()
        case "status" | "limit":
            return refuse(*fault.refusal)
        case "broken_json":
            text = answer().text or ""
            return web.Response(text=text[: len(text) // 2], content_type=_JSON)
        case "html":
            return web.Response(text=_WEB_PAGE, content_type="text/html")
        case "empty":
            return web.Response(content_type=_JSON)
        case "redirect":
            return web.Response(status=302, headers={"Location": fault.value})
        case "body":
            raw = isinstance(fault.value, bytes)
            body = fault.value if raw else json.dumps(fault.value).encode()
            return web.Response(body=body, content_type=_JSON)
        case "drip":
            return await _drip(request, (answer().text or "").encode(), fault.value)
        case "endless":
            return await _endless(request)
        case _:
            return _drop(request)


async def _drip(
    request: web.BaseRequest, body: bytes, rate: float
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    response.content_type = _JSON
    await response.prepare(request)
    for byte in body:
        await asyncio.sleep(1 / rate)
        await response.write(bytes((byte,)))
    return response


async def _endless(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = _JSON
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


def _drop(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
