"""Serve a simulated house until interrupted."""

import argparse
import asyncio
import signal
import sys

from . import Clock, House, Simulator


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/simulator", description=__doc__)
    parser.add_argument(
        "--port", type=int, required=True, help="of the local API (0: any)"
    )
    parser.add_argument(
        "--bind", default="127.0.0.1", help="address to serve on (%(default)s)"
    )
    parser.add_argument(
        "--remote-port", type=int, help="of the remote API (none: not served)"
    )
    parser.add_argument(
        "--api-key", default="demo", help="for the remote API (%(default)s)"
    )
    parser.add_argument(
        "--discovery-port", type=int, help="where broadcasts are answered"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another house (%(default)s)"
    )
    parser.add_argument(
        "--speed", type=float, default=1, help="of its clock (%(default)s)"
    )
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    simulator = Simulator(
        House(arguments.seed), Clock(arguments.speed), api_key=arguments.api_key
    )
    simulator.promises = True
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await simulator.start(
        arguments.bind, arguments.port, arguments.remote_port, arguments.discovery_port
    )
    places = [f"local API http://{simulator.base}/open-api/v1/"]
    if simulator.remote_port is not None:
        places.append(f"remote API {simulator.remote_url}")
    if simulator.discovery_port is not None:
        places.append(f"discovery on UDP port {simulator.discovery_port}")
    print(f"Simulated CEMM ready: {', '.join(places)}", flush=True)
    await stop.wait()
    await simulator.stop()


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    try:
        asyncio.run(_serve(arguments))
    except OSError as error:
        sys.exit(f"Cannot serve on {arguments.bind}: {error.strerror or error}")


main()
