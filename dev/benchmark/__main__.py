"""Measure what the integration costs, and how fresh its values are, beside its rivals."""

import argparse
import asyncio
from importlib import import_module
import json
import logging
from pathlib import Path

from . import MODULES
from .report import Report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    add, names = parser.add_argument, ", ".join(MODULES)
    add("names", nargs="*", metavar="name", help=f"what to measure: {names} (all)")
    add(
        "--minutes",
        type=float,
        default=6,
        help="for what takes real time (%(default)s)",
    )
    add(
        "--repetitions",
        type=int,
        default=15,
        help="of what is done in turns (%(default)s)",
    )
    add("--json", type=Path, metavar="FILE", help="also write JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.names).difference(MODULES):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    return arguments


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    logging.basicConfig(level=logging.ERROR)
    results = {}
    for name in arguments.names or MODULES:
        module = import_module(f"{__package__}.{name}")
        print(f"\n{name}:", (module.__doc__ or "").partition("\n")[0], flush=True)
        report = Report(arguments.minutes, arguments.repetitions)
        if work := module.measure(report):
            asyncio.run(work)
        print(*report.lines(), sep="\n", flush=True)
        results[name] = report.as_dict()
        if arguments.json:
            arguments.json.write_text(f"{json.dumps(results, indent=2)}\n")


if __name__ == "__main__":
    main()
