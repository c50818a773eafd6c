"""Prepares and runs a real Home Assistant with this integration, and talks to it."""

import asyncio
import fcntl
import json
from pathlib import Path
from secrets import token_hex
import shutil
import sys
import time
from typing import Any, Self

import aiohttp
from homeassistant.components.http.config import HTTP_STORAGE_SCHEMA
from homeassistant.runner import LOCK_FILE_NAME

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "cemm"
USER = PASSWORD = "demo"  # noqa: S105  shown to whoever starts the demo

_START_SECONDS = 120
_STOP_SECONDS = 30

_MARK = "started_by"
_SHOWN = 1000  # characters of the output, when it does not start

# What default_config would bring beyond this needs the internet or hardware.
_CONFIGURATION = """\
homeassistant:
  name: Demo
  latitude: 52.09
  longitude: 5.12
  elevation: 3
  unit_system: metric
  time_zone: Europe/Amsterdam
  country: NL
  language: {language}
  currency: EUR
automation:
config:
energy:
frontend:
history:
logbook:
logger:
  default: warning
  logs:
    # Not every machine has the codecs that cameras and speech would need.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
my:
recorder:
  commit_interval: 1
system_health:
"""


class HomeAssistant:
    """A Home Assistant whose configuration and log are in `folder`.

    It serves on `port` of 127.0.0.1 and speaks `language` (en, nl, …). Use it in an async
    `with`, which starts and stops it.
    """

    def __init__(self, folder: Path, port: int, language: str = "en") -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "home-assistant.log"
        self._output = folder / "output.log"
        self._port = port
        self._language = language
        self._mark = token_hex().encode()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Write its configuration, start it and wait until it answers.

        It ends with this process, however that does. Raises RuntimeError when it ends
        before or does not answer within two minutes.
        """
        self._prepare()
        with self._output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dev.demo.follow", "--config", self.folder),
                *("--skip-pip", "--log-no-color"),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                # Ctrl-C in the terminal is for its parent, which then stops it in order.
                start_new_session=True,
            )
        try:
            await self._answers()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it as an administrator would."""
        await self._stop()

    async def onboard(self) -> Api:
        """Make the first user and sign in. Only once for a folder."""
        client = {"client_id": f"{self.url}/"}
        async with aiohttp.ClientSession(self.url, raise_for_status=True) as session:
            account = {"name": "Demo", "username": USER, "password": PASSWORD}
            language = {"language": self._language}
            async with session.post(
                "/api/onboarding/users", json=client | account | language
            ) as response:
                code = (await response.json())["auth_code"]
            grant = {"grant_type": "authorization_code", "code": code}
            async with session.post("/auth/token", data=client | grant) as response:
                tokens = await response.json()
        api = Api(self.url, tokens)
        await api.post(
            "/api/onboarding/integration", client | {"redirect_uri": self.url}
        )
        return api

    def _prepare(self) -> None:
        storage = self.folder / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        (self.folder / "configuration.yaml").write_text(
            _CONFIGURATION.format(language=self._language)
        )
        # An http: section of the configuration would only be on trial, for five minutes.
        http = HTTP_STORAGE_SCHEMA(
            {"server_host": ["127.0.0.1"], "server_port": self._port}
        )
        self._store(
            "http", 2, 2, {"stable": http, "pending": None, "yaml_migration_done": True}
        )
        if not (storage / "onboarding").exists():
            # These two steps would ask the internet.
            self._store("onboarding", 4, 1, {"done": ["core_config", "analytics"]})
        mark = self.folder / "www" / _MARK
        mark.parent.mkdir(exist_ok=True)
        mark.write_bytes(self._mark)
        link = self.folder / "custom_components" / INTEGRATION.name
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(INTEGRATION)

    def _store(self, key: str, version: int, minor_version: int, data: object) -> None:
        content = {"version": version, "minor_version": minor_version, "key": key}
        (self.folder / ".storage" / key).write_text(
            json.dumps(content | {"data": data})
        )

    async def _answers(self) -> None:
        """Wait until it serves the file that only this one has, and no other server."""
        assert self._process
        deadline = time.monotonic() + _START_SECONDS
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while self._process.returncode is None and time.monotonic() < deadline:
                try:
                    async with session.get(f"{self.url}/local/{_MARK}") as response:
                        if await response.read() == self._mark:
                            return
                except aiohttp.ClientError, TimeoutError:
                    pass
                await asyncio.sleep(0.2)
        end = self._output.read_text()[-_SHOWN:]
        raise RuntimeError(
            f"{end}\nNo Home Assistant on {self.url}: see {self._output}"
        )

    async def _stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Api:
    """What a signed-in user can ask of Home Assistant, over REST and its WebSocket."""

    def __init__(self, url: str, tokens: dict[str, Any]) -> None:
        self.tokens = tokens
        self._url = url

    async def post(self, path: str, data: object) -> Any:
        """Post JSON and return the answer. Raises aiohttp.ClientError."""
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        async with (
            aiohttp.ClientSession(
                self._url, headers=bearer, raise_for_status=True
            ) as session,
            session.post(path, json=data) as response,
        ):
            return await response.json()

    async def call(self, command: str, **data: object) -> Any:
        """Send a WebSocket command and return its result. Raises RuntimeError if refused."""
        async with (
            aiohttp.ClientSession(self._url) as session,
            session.ws_connect("/api/websocket", max_msg_size=0) as socket,
        ):
            await socket.receive_json()
            await socket.send_json(
                {"type": "auth", "access_token": self.tokens["access_token"]}
            )
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": command, **data})
            answer = await socket.receive_json()
        if not answer["success"]:
            raise RuntimeError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    async def flow(self, path: str, handler: str, *inputs: dict[str, object]) -> Any:
        """Walk through a flow of `config_entries/`, one input a step; return its end.

        Raises RuntimeError when it wants more.
        """
        path = f"/api/config/config_entries/{path}"
        step = await self.post(path, {"handler": handler})
        for data in inputs:
            step = await self.post(f"{path}/{step['flow_id']}", data)
        if step["type"] not in {"create_entry", "abort"}:
            raise RuntimeError(f"The flow did not end: {step}")
        return step


async def ended(folder: Path) -> None:
    """Wait until the Home Assistant of `folder` is gone: its demo may just have been killed.

    One that does not go within its time says so itself to the next.
    """
    lock = folder / LOCK_FILE_NAME
    deadline = time.monotonic() + _STOP_SECONDS
    while lock.exists() and time.monotonic() < deadline:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(0.2)
            else:
                return


def remove(folder: Path) -> None:
    """Forget the state in `folder`, if there is any."""
    if folder.exists():
        shutil.rmtree(folder)
