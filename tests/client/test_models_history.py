"""Tests of the history's parser."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.cemm.client import History, Period, Sample
from custom_components.cemm.client.models import (
    MAX_CHANNELS,
    MAX_SAMPLES,
    parse_history,
)
from tests.fixtures import load
from tests.helpers.client import NO_NUMBERS

MINUTE = 1_587_420_000_000
HOME = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("name", "channel", "samples"),
    [
        (
            "local/p1_data_day",
            "electric_power",
            {
                "2020-04-21 00:00": 1000,
                "2020-04-21 00:01": 1008,
                "2020-04-21 00:02": 1006,
                "2020-04-21 23:57": 1030,
                "2020-04-21 23:58": 1033,
                "2020-04-21 23:59": 1030,
            },
        ),
        (
            "remote/p1-gas_data_day",
            "gas",
            {
                "2017-05-31 00:00": 0.0009765625,
                "2017-05-31 01:00": 0,
                "2017-05-31 23:00": 0.14208984375,
            },
        ),
        (
            "remote/p1-gas_data_month",
            "gas",
            {
                "2017-05-01 00:00": 0.0029296875,
                "2017-05-02 00:00": 0.003173828125,
                "2017-05-30 00:00": 0.534912109375,
                "2017-05-31 00:00": 0.60400390625,
            },
        ),
        (
            "remote/p1-gas_data_year",
            "gas",
            {
                "2017-01-01 00:00": 281.623046875,
                "2017-02-01 00:00": 229.00390625,
                "2017-03-01 00:00": 144.4921875,
                "2017-12-01 00:00": 0,
            },
        ),
    ],
)
def test_examples(name: str, channel: str, samples: dict[str, float]) -> None:
    """Oldest first, and without the second before midnight that ends a day."""
    assert parse_history(load(name)) == History(
        {
            channel: tuple(
                Sample(
                    int(datetime.fromisoformat(start).replace(tzinfo=HOME).timestamp()),
                    value,
                )
                for start, value in samples.items()
            )
        }
    )


def test_null_is_kept_as_nothing_measured() -> None:
    assert parse_history({"data": {"flow": [[MINUTE, None]]}}) == History(
        {"flow": (Sample(MINUTE // 1000, None),)}
    )


@pytest.mark.parametrize(
    "sample",
    [
        *([MINUTE + 60_000, value] for value in NO_NUMBERS),
        *([time, 1] for time in [*NO_NUMBERS, None, 0, -60_000, MINUTE + 59_000]),
        *([], [MINUTE], [MINUTE, 1, 2], None, 5, "ab", True, {}),
    ],
    ids=lambda sample: repr(sample)[:40],
)
def test_a_bad_sample_costs_that_sample(sample: Any) -> None:
    raw = {"data": {"flow": [sample, [MINUTE, 1]]}}
    assert parse_history(raw) == History({"flow": (Sample(MINUTE // 1000, 1),)})


@pytest.mark.parametrize("samples", [None, 1, "ab", {}, True])
def test_a_bad_channel_costs_that_channel(samples: Any) -> None:
    raw = {"data": {"gas": samples, "a b": [], "flow": []}}
    assert parse_history(raw) == History({"flow": ()})


def test_no_more_than_a_day_can_have() -> None:
    samples = [[MINUTE + i * 60_000, 1] for i in range(5_000)]
    raw = {"data": {f"c{i}": samples for i in range(200)}}
    channels = parse_history(raw).channels
    assert len(channels) == MAX_CHANNELS
    assert {len(found) for found in channels.values()} == {MAX_SAMPLES}


LOW, HIGH = [[MINUTE, 1.5]], [[MINUTE, 2.5]]
DAY = MINUTE // 1000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"electric_energy": LOW, "electric_energy_high": HIGH},
            {"electric_energy_low": 1.5, "electric_energy_high": 2.5},
        ),
        (
            {"electric_energy_low": LOW, "electric_energy_high": HIGH},
            {"electric_energy_low": 1.5, "electric_energy_high": 2.5},
        ),
        # A half that is missing is not 0.
        ({"electric_energy": LOW}, {"electric_energy_low": 1.5}),
        ({"electric_energy_high": HIGH}, {"electric_energy_high": 2.5}),
        (
            {"electric_energy_low": LOW, "electric_energy": HIGH},
            {"electric_energy_low": 1.5},
        ),
        (
            {"electric_energy_low": [], "electric_energy": LOW},
            {"electric_energy_low": 1.5},
        ),
        ({}, {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("period", [Period.MONTH, Period.YEAR])
def test_amounts_have_one_name(
    period: Period, data: dict[str, Any], expected: dict[str, float]
) -> None:
    assert parse_history({"data": data}, period) == History(
        {name: (Sample(DAY, value),) for name, value in expected.items()}
    )


def test_day_data_keep_their_names() -> None:
    assert (
        "electric_energy" in parse_history({"data": {"electric_energy": LOW}}).channels
    )


def test_samples_in_quotes() -> None:
    raw = {
        "data": {"gas": [[str(MINUTE), "1.5"], ["x", 1], [str(MINUTE + 60_000), None]]}
    }
    assert parse_history(raw).channels["gas"] == (
        Sample(DAY, 1.5),
        Sample(DAY + 60, None),
    )
