"""The benchmark's modules can be found, and its verdicts are right."""

from importlib import import_module

import pytest

from dev.benchmark import MODULES
from dev.benchmark.report import Figure, Report, Target


@pytest.mark.parametrize("name", MODULES)
def test_each_module_measures_something_and_says_what(name: str) -> None:
    module = import_module(f"dev.benchmark.{name}")

    assert callable(module.measure)
    assert module.__doc__


def test_a_target_is_met_up_to_its_limit() -> None:
    assert Target("ratio", 1.25, 1.25).met
    assert not Target("ratio", 1.26, 1.25).met


def test_the_table_shows_each_rival_and_each_verdict() -> None:
    figures = [
        Figure("CPU", "ms", {"cemm": 1.5, "rest": 48}),
        Figure("Requests", "", {"cemm": 10, "rest": 68}),
    ]
    report = Report(figures, [Target("a", 1, 2), Target("b", 3, 2)])

    lines = [line.split() for line in report.lines()]

    assert lines == [
        ["cemm", "rest"],
        ["CPU", "(ms)", "1.5", "48"],
        ["Requests", "10", "68"],
        ["measured", "at", "most"],
        ["a", "1", "2", "met"],
        ["b", "3", "2", "MISSED"],
    ]
    assert [target["met"] for target in report.as_dict()["targets"]] == [True, False]
