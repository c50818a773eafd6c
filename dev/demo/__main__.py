"""Show the integration at work on a simulated house, until interrupted."""

import argparse
import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import signal
import socket
import sys

from simulator import Clock, House, Simulator

from .homeassistant import PASSWORD, USER, Api, HomeAssistant, ended, remove

_STATE = Path(".demo")

# A year and its first days: what the Energy dashboard can show two minutes later.
_PAST = timedelta(days=367)

_LOCAL_PORT, _REMOTE_PORT = 8480, 8481


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8123, help="of Home Assistant (%(default)s)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="begin anew, without what was there"
    )
    return parser.parse_args()


async def demonstrate(port: int, *, fresh: bool) -> None:
    """Run both until a signal comes. Raises SystemExit when that cannot be."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    built = _STATE / "built"
    is_new = fresh or not built.exists()
    # Its readings go on where they were only if it is the house that it was.
    since = (
        datetime.now(UTC).date() - _PAST
        if is_new
        else date.fromisoformat(built.read_text())
    )

    await ended(_STATE)
    with _reserved(_LOCAL_PORT), _reserved(_REMOTE_PORT):
        _reserved(port, "; or let Home Assistant have another port: --port").close()
    simulator = Simulator(House(seed=1, since=since), Clock())
    await simulator.start(port=_LOCAL_PORT, remote_port=_REMOTE_PORT)
    if is_new:
        remove(_STATE)
    _say("Starting Home Assistant ...")
    try:
        async with HomeAssistant(_STATE, port) as home:
            if is_new:
                await _set_up(await home.onboard(), simulator.base)
                built.write_text(since.isoformat())
            _say(f"Home Assistant:  {home.url}  (user {USER}, password {PASSWORD})")
            _say(f"Energy:          {home.url}/energy")
            _say(f"Simulated CEMM:  http://{simulator.base}/open-api/v1/")
            _say(f"Its remote API:  {simulator.remote_url} with the API key demo")
            _say(f"Log:             {home.log}")
            _say("Ctrl-C stops.")
            await stop.wait()
    except RuntimeError as error:
        sys.exit(str(error))
    finally:
        await simulator.stop()


def _reserved(port: int, way_out: str = "") -> socket.socket:
    """Return a socket that has a port until it is closed. Raises SystemExit if that cannot be."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        sys.exit(
            f"Not started: port {port} cannot be used: {error}\n"
            f"Please stop what uses it, which may be another demo{way_out}"
        )


async def _set_up(api: Api, host: str) -> None:
    """Add the CEMM, and its meters to the Energy dashboard, as a user would."""
    added = await api.flow(
        "flow",
        "cemm",
        {"next_step_id": "local"},
        {"host": host},
        {"import_history": True},
    )
    await api.flow(
        "options/flow",
        added["result"]["entry_id"],
        {"next_step_id": "energy_dashboard"},
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(demonstrate(arguments.port, fresh=arguments.fresh))
