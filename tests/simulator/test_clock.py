"""Tests of the simulator's clock."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from simulator import Clock


def test_speed() -> None:
    real = [100.0]
    clock = Clock(speed=60, start=1000, source=lambda: real[0])
    real[0] += 2
    assert clock.now() == 1120
    assert clock.real() == 102


def test_set_and_advance() -> None:
    real = [100.0]
    clock = Clock(source=lambda: real[0])
    assert clock.now() == 100
    clock.set(5000)
    real[0] += 1
    assert clock.now() == 5001
    clock.advance(-11)
    assert clock.now() == 4990


def test_follows_frozen_time(freezer: FrozenDateTimeFactory) -> None:
    clock = Clock()
    before = clock.now()
    freezer.tick(90)
    assert clock.now() - before == pytest.approx(90)
