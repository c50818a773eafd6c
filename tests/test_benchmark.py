"""The benchmark's modules can be found, and its verdicts are right."""

from importlib import import_module

import pytest

from dev.benchmark import MODULES
from dev.benchmark.report import Report


@pytest.mark.parametrize("name", MODULES)
def test_each_module_measures_something_and_says_what(name: str) -> None:
    module = import_module(f"dev.benchmark.{name}")

    assert callable(module.measure)
    assert module.__doc__


@pytest.fixture
def report() -> Report:
    return Report(minutes=1, repetitions=3)


def test_a_target_is_met_up_to_its_limit(report: Report) -> None:
    report.target("ratio", 1.25, 1.25)
    report.target("ratio", 1.26, 1.25)

    assert [target["met"] for target in report.targets] == [True, False]


def test_a_figure_is_the_median_of_its_samples(report: Report) -> None:
    for sample in (1, 9, 2):
        report.note("CPU", "ms", {"cemm": sample, "rest": 10 * sample})

    [figure] = report.as_dict()["figures"]
    assert figure == {"name": "CPU", "unit": "ms", "values": {"cemm": 2, "rest": 20}}


def test_the_table_shows_each_rival_and_each_verdict(report: Report) -> None:
    report.note("CPU", "ms", {"cemm": 1.5, "rest": 48})
    report.note("Requests", "", {"cemm": 10, "rest": 68})
    report.target("a", 1, 2)
    report.target("b", 3, 2)

    lines = [line.split() for line in report.lines()]

    assert lines == [
        ["cemm", "rest"],
        ["CPU", "(ms)", "1.5", "48"],
        ["Requests", "10", "68"],
        ["measured", "at", "most"],
        ["a", "1", "2", "met"],
        ["b", "3", "2", "MISSED"],
    ]
