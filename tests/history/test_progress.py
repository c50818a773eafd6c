"""How far an import is, and what is told of it."""

import pytest

from custom_components.cemm.history import progress
from custom_components.cemm.history.progress import Progress


def test_all_is_there_only_when_the_rows_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    told: list[float | None] = []
    found = Progress(lambda: told.append(found.of_all))
    assert found.of_all is None
    found.begin()
    found.expect(wanted=100, planned=50)
    for _ in range(50):
        now += 6
        found.count_days()
    assert found.of_run == 0.99
    assert found.minutes_left == 0
    found.finish()
    assert found.of_run == 1
    assert found.minutes_left is None
    assert told == sorted(told)
    assert told[0] == 0.5
    assert told[-1] == 1


def test_the_time_left_is_told_by_the_last_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    found = Progress(lambda: None)
    found.begin()
    found.expect(wanted=1000, planned=1000)
    for _ in range(100):
        now += 1
        found.count_days()
    for _ in range(100):
        now += 10
        found.count_days()
    assert found.minutes_left == round(800 * 10 / 60)
