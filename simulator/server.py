"""A CEMM in a process: its local API, the remote one, and its answer to the broadcast."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import web

from .clock import Clock
from .discovery import Discovery
from .faults import Api, Faults
from .house import House
from .local_api import LocalApi
from .protocol import Answering, Refused
from .remote_api import Promises, RemoteApi
from .transport import refuse, respond

_SHUTDOWN_SECONDS = 0.01


class Request(NamedTuple):
    """A request that was received; the query is without the key."""

    api: Api
    path: str
    query: dict[str, str]


class Simulator:
    """Serves one house locally, and it with all `linked` houses remotely under `api_key`."""

    def __init__(
        self,
        house: House,
        clock: Clock,
        api_key: str = "demo",
        linked: Iterable[House] = (),
    ) -> None:
        self.house = house
        self.clock = clock
        self.faults = Faults(clock)
        self.requests: deque[Request] = deque(maxlen=10_000)
        self._under_way = 0
        """How many requests are being answered, as far as that takes time."""
        self.promises = False
        """Whether the remote API first answers each request with a promise."""
        self.host = "127.0.0.1"
        self.port = 0
        self.remote_port: int | None = 0
        self.discovery_port: int | None = None
        self._local = LocalApi(house)
        self._remote = RemoteApi([house, *linked], api_key)
        self._promises = Promises(clock)
        self._discovery = Discovery(house)
        self._runners: list[web.ServerRunner] = []

    @property
    def linked(self) -> list[House]:
        """Return the houses that the key opens; it may be changed."""
        return self._remote.linked

    @property
    def base(self) -> str:
        """Return host and port of the local API."""
        return f"{self.host}:{self.port}"

    @property
    def remote_url(self) -> str:
        """Return the base address of the remote API."""
        return f"http://{self.host}:{self.remote_port}/v1/"

    async def start(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        remote_port: int | None = 0,
        discovery_port: int | None = None,
    ) -> None:
        """Serve on these ports; 0 is any that is free, or the one of the last time.

        None is not served. Raises OSError when a port is taken.
        """
        self.host = host
        try:
            self.port = await self._serve("local", self._local, port or self.port)
            if remote_port is not None:
                remote_port = remote_port or self.remote_port or 0
                remote_port = await self._serve("remote", self._remote, remote_port)
            self.remote_port = remote_port
            if discovery_port is not None:
                discovery_port = discovery_port or self.discovery_port or 0
                discovery_port = await self._discovery.start(host, discovery_port)
            self.discovery_port = discovery_port
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close all connections and ports, as when the power fails."""
        self._discovery.stop()
        while self._runners:
            await self._runners.pop().cleanup()
        await asyncio.sleep(0)  # what was cancelled must have ended when this returns

    async def _serve(self, api: Api, answering: Answering, port: int) -> int:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(api, answering, request)

        server = web.Server(handle, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, self.host, port).start()
        bound: int = runner.addresses[0][1]
        return bound

    async def _handle(
        self, api: Api, answering: Answering, request: web.BaseRequest
    ) -> web.StreamResponse:
        query = dict(request.query)
        known = {key: value for key, value in query.items() if key != "api_key"}
        self.requests.append(Request(api, request.path, known))
        # Faults name paths as the documents do, with the slash at the end.
        fault, spoilt, rewritten = self.faults.met_by(
            api, f"{request.path.rstrip('/')}/", query.get("time"), self._under_way
        )

        def answer() -> web.Response:
            if request.method != "GET":
                return refuse(405)
            try:
                document = answering.answer(
                    request.path.strip("/"), query, self.clock.now(), spoilt
                )
            except Refused as refused:
                return refuse(refused.status)
            for other in rewritten:
                document = other.rewrite(document)
            if api == "remote" and self.promises:
                resource = f"{request.path.strip('/')}?{sorted(known.items())}"
                if promise := self._promises.make(resource):
                    return web.json_response(promise, status=202)
            return web.json_response(document)

        if fault is None:
            return answer()
        self._under_way += 1
        try:
            return await respond(fault, request, answer)
        finally:
            self._under_way -= 1
