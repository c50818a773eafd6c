"""Measure what the integration costs, and how fresh its values are, beside its rivals."""

import argparse
from importlib import import_module
import json
import logging
from pathlib import Path
from typing import Any

from . import MODULES
from .report import Options, Report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"what to measure: {', '.join(MODULES)} (all)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=6,
        help="to measure what takes real time (%(default)s)",
    )
    parser.add_argument(
        "--repetitions",
        type=int,
        default=15,
        help="of what is measured in turns (%(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.names).difference(MODULES):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    return arguments


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    logging.basicConfig(level=logging.ERROR)
    options = Options(arguments.minutes, arguments.repetitions)
    results: dict[str, Any] = {}
    for name in arguments.names or MODULES:
        module = import_module(f"{__package__}.{name}")
        summary = (module.__doc__ or "").partition("\n")[0]
        _say(f"\n{name}: {summary}")
        report: Report = module.measure(options)
        for line in report.lines():
            _say(line)
        results[name] = report.as_dict()
        if arguments.json:
            arguments.json.write_text(f"{json.dumps(results, indent=2)}\n")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  this is a command


if __name__ == "__main__":
    main()
