"""Take the tour of the integration in a browser, in English and Dutch."""

import argparse
import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
import re
import shutil
import sys
from typing import Literal, NamedTuple

from dev.demo.homeassistant import HomeAssistant, remove
from simulator import Clock, House, Simulator
from simulator.days import TIME_ZONE

from .browser import browse
from .network import CEMM, DISCOVERY_PORT, HTTP_PORT, NEIGHBOUR, Network
from .readme import keep
from .steps import STEPS
from .tour import OLD_KEY, Step, Tour
from .words import Words

_STATE = Path(".e2e")
_PICTURES = _STATE / "pictures"


class _Visit(NamedTuple):
    """What is particular to a tour in one language."""

    days: int
    """The days of history."""
    colours: Literal["light", "dark"]


# A year keeps the recorder busy for minutes, so only one visit has it, and that is the last:
# what is wrong shows soon.
_VISITS = {"nl": _Visit(60, "dark"), "en": _Visit(365, "light")}
_METERS = ("p1", "p1-gas", "s01", "pulse-2")
_PORT = 8123
_BLUEPRINTS = Path("blueprints")

# What the tour provokes, and what every custom integration is told.
_EXPECTED = re.compile("custom integration cemm|could not authenticate")


def _house(days: int) -> House:
    """Return a house with some days of history, and only the meters that the tour looks at."""
    house = House(since=datetime.now(TIME_ZONE).date() - timedelta(days=days))
    house.meters = {alias: house.meters[alias] for alias in _METERS}
    house.meters["pulse-2"].type = "pulse"  # It does not say what it measures.
    return house


async def _visit(network: Network, language: str, steps: Iterable[Step]) -> list[str]:
    """Take the tour with CEMMs, a Home Assistant and a browser of its own.

    Returns what the integration complains about in the log, beyond what is expected.
    """
    visit = _VISITS[language]
    house = _house(visit.days)
    cemm, cloud = Simulator(house, Clock()), Simulator(house, Clock(), OLD_KEY)
    neighbour = Simulator(House(seed=2, mac="00:1E:C0:00:00:02"), Clock())
    await network.run(cemm.start(CEMM, HTTP_PORT, None, DISCOVERY_PORT))
    await network.run(neighbour.start(NEIGHBOUR, HTTP_PORT, None, DISCOVERY_PORT))
    await cloud.start()
    folder = _STATE / language
    # They are imported from there, as this network has no way to GitHub.
    shutil.copytree(_BLUEPRINTS, folder / "homeassistant" / "www" / _BLUEPRINTS)
    async with HomeAssistant(folder / "homeassistant", _PORT, language) as home:
        tokens = (await home.onboard()).tokens
        async with browse(
            home.url, tokens, language, visit.colours, folder / "browser"
        ) as page:
            tour = Tour(
                page=page,
                words=Words(language),
                home=home,
                network=network,
                cemm=cemm,
                cloud=cloud,
                pictures=_PICTURES / language,
                has_a_year=visit.days >= 365,
            )
            await tour.run(steps)
    await tour.cloud.stop()
    for simulator in (cemm, neighbour):
        await network.run(simulator.stop())
    return [
        line
        for line in home.log.read_text().splitlines()
        if "cemm" in line and not _EXPECTED.search(line)
    ]


async def _main(arguments: argparse.Namespace) -> None:
    remove(_STATE)
    complaints = []
    steps = [
        step
        for step in STEPS
        if step.__name__ in arguments.steps or not arguments.steps
    ]
    with Network() as network:
        for language in arguments.language or _VISITS:
            print(f"{language}:", flush=True)  # noqa: T201  this is a command
            complaints += await _visit(network, language, steps)
    if complaints:
        sys.exit("\n".join(("Complaints in the log:", *complaints)))
    if arguments.pictures:
        keep(_PICTURES / "en")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/e2e", description=__doc__)
    parser.add_argument(
        "steps",
        nargs="*",
        choices=[step.__name__ for step in STEPS],
        metavar="STEP",
        help="only these, each after what it builds on: %(choices)s",
    )
    parser.add_argument(
        "--language", choices=_VISITS, action="append", help="only this one"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="refresh those in docs/pictures/"
    )
    parser.add_argument(
        "--newest", action="store_true", help="on the newest released Home Assistant"
    )
    asyncio.run(_main(parser.parse_args()))
