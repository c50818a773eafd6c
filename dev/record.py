"""Save all that a CEMM answers, without what tells whose it is."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from ipaddress import ip_address
import json
from pathlib import Path
import re
import sys
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from custom_components.cemm.client import (
    DEFAULT_URL,
    AuthenticationError,
    CemmClient,
    CemmConnectionError,
    CemmError,
    LocalCemm,
    Period,
    RemoteApi,
    RemoteCemm,
    base_url,
    normalize_mac,
)
from custom_components.cemm.client.http import get_json
from custom_components.cemm.client.local import TIMEOUT
from custom_components.cemm.days import ONE_DAY, TIME_ZONE, midnight

type Get = Callable[..., Awaitable[Any]]
"""Returns the decoded answer for a path and a query, or raises CemmError."""

_MAC = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f])",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_PERHAPS_IPV6 = re.compile(r"[0-9a-f]*:[0-9a-f:]+", re.IGNORECASE)
# They look like addresses: 2.18.1.0
_VERSIONS = ("version", "core")


class Recording:
    """A folder of answers, one file for each."""

    def __init__(self, folder: Path, secret: str = "") -> None:
        self.failures: dict[str, str] = {}
        """Why there is no answer of some name."""
        self._folder = folder
        self._secret = secret
        self._macs: dict[str, int] = {}

    async def take(self, name: str, answer: Awaitable[Any]) -> None:
        """Wait for an answer and save it, or note why there is none."""
        try:
            content = await answer
        except CemmError as error:
            self.failures[name] = _reason(error)
        else:
            self._write(name, self.blank(content))

    def note_failures(self) -> None:
        """Save which answers are missing, and why."""
        if self.failures:
            self._write("failures", self.failures)

    def blank(self, content: Any) -> Any:
        """Return decoded JSON without addresses, MACs and the key.

        The same MAC always becomes the same other one, in the same notation.
        """
        match content:
            case dict():
                return {
                    self._blank_text(key): value
                    if key in _VERSIONS
                    else self.blank(value)
                    for key, value in content.items()
                }
            case list():
                return [self.blank(item) for item in content]
            case str():
                return self._blank_text(content)
        return content

    def _blank_text(self, text: str) -> str:
        if self._secret:
            text = text.replace(self._secret, "***")
        text = _MAC.sub(self._blank_mac, text)
        # Addresses that are kept free for documentation.
        return _PERHAPS_IPV6.sub(_blank_ipv6, _IPV4.sub("192.0.2.1", text))

    def _blank_mac(self, match: re.Match[str]) -> str:
        number = self._macs.setdefault(normalize_mac(match[0]), len(self._macs) + 1)
        return match[1].join(("02", "00", "00", "00", "00", f"{number:02X}"))

    def _write(self, name: str, content: Any) -> None:
        file = self._folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{json.dumps(content, ensure_ascii=False)}\n", "utf-8")
        _say(str(file))


async def record_local(host: str, folder: Path) -> Recording:
    """Save what a CEMM in this network answers. Raises CemmError if it is none."""
    async with ClientSession() as session:
        client = LocalCemm(host, session)
        await client.info()
        api = base_url(host).join(URL("open-api/v1/"))

        def get(path: str, **query: int) -> Awaitable[Any]:
            url = api.join(URL(path)).with_query(query)
            return get_json(session, url, timeout=TIMEOUT)

        recording = Recording(folder)
        await recording.take("info", get(""))
        await _record_meters(recording, client, get, "")
    recording.note_failures()
    return recording


async def record_remote(url: str, api_key: str, folder: Path) -> Recording:
    """Save what the remote API has of every CEMM that is linked to the key.

    Raises CemmError when the key opens nothing.
    """
    async with ClientSession() as session:
        api = RemoteApi(url, api_key, session)
        uids = await api.uids()
        recording = Recording(folder, api_key)
        await recording.take("cemm", api.get("cemm/"))
        for number, uid in enumerate(uids, 1):
            client = RemoteCemm(url, api_key, uid, session)
            get = partial(_get_remote, api, uid)
            await _record_meters(recording, client, get, f"cemm-{number}/")
    recording.note_failures()
    return recording


async def _record_meters(
    recording: Recording, client: CemmClient, get: Get, prefix: str
) -> None:
    """Save the list of meters, what each shows, and the periods of yesterday."""
    await recording.take(f"{prefix}io", get("io/"))
    try:
        meters = await client.meters()
    except CemmError as error:
        recording.failures[f"{prefix}meters"] = _reason(error)
        return
    # Yesterday is over: its data is complete.
    day = datetime.now(TIME_ZONE).date() - ONE_DAY
    starts = {
        Period.DAY: day,
        Period.MONTH: day.replace(day=1),
        Period.YEAR: day.replace(month=1, day=1),
    }
    # Where the list is odd, its meters were found another way.
    if odd := client.odd.get("io/"):
        recording.failures[f"{prefix}meters"] = _reason(odd)
    for meter in meters:
        take = partial(_take, recording, get, prefix, meter.alias)
        await take("realtime")
        if client.totals_interval is not None:
            await take("totals", time=midnight(day))
        for period, start in starts.items():
            await take(f"data/{period}", time=midnight(start))


async def _get_remote(api: RemoteApi, uid: str, path: str, **query: int) -> Any:
    return await api.get(f"cemm/{uid}/{path}", **query)


async def _take(
    recording: Recording, get: Get, prefix: str, alias: str, path: str, **query: int
) -> None:
    name = f"{prefix}{alias}_{path.replace('/', '_')}"
    await recording.take(name, get(f"{alias}/{path}/", **query))


def _blank_ipv6(match: re.Match[str]) -> str:
    try:
        ip_address(match[0])
    except ValueError:  # a time of day
        return match[0]
    return "2001:db8::1"


def _reason(error: CemmError) -> str:
    """Return what went wrong, in words where the error itself has but a name."""
    match error:
        case AuthenticationError():
            return "the API key is refused"
        case CemmConnectionError():
            return f"no answer ({error}); is the address right, and the CEMM on?"
    return str(error)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/record", description=__doc__)
    parser.add_argument(
        "host",
        metavar="HOST",
        help="of the CEMM: name or IP address, with :PORT if it is not 80; with an "
        f"API key the base address of the remote API, such as {DEFAULT_URL}",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        nargs="?",
        default=Path("recording"),
        help="to save in; it must not exist yet (%(default)s)",
    )
    parser.add_argument(
        "--api-key", metavar="KEY", help="ask the remote API; the key is not saved"
    )
    return parser.parse_args()


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    host, folder, api_key = arguments.host, arguments.folder, arguments.api_key
    if folder.exists():
        sys.exit(f"{folder} exists already.")
    try:
        recording = asyncio.run(
            record_remote(host, api_key, folder)
            if api_key
            else record_local(host, folder)
        )
    except CemmError as error:
        sys.exit(f"Nothing recorded: {_reason(error)}")
    except OSError as error:
        sys.exit(f"Cannot save in {folder}: {error.strerror}")
    for name, reason in recording.failures.items():
        _say(f"Missing: {name}: {reason}")
    _say(f"Look through {folder} before you share it.")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
