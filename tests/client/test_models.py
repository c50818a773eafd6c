"""Tests of the parsers: the documentation's examples, and what is none."""

from collections.abc import Callable
from typing import Any

import pytest

from custom_components.cemm.client import (
    GROUPS,
    REGISTERS,
    CemmInfo,
    CemmResponseError,
    EmptyError,
    Measurement,
    Meter,
    NotCemmError,
    Reading,
    normalize_mac,
)
from custom_components.cemm.client.models import (
    IO,
    MAX_CHANNELS,
    MAX_METERS,
    parse_history,
    parse_info,
    parse_ios,
    parse_meters,
    parse_reading,
    parse_uids,
)
from tests.fixtures import load
from tests.helpers.client import NO_NUMBERS

NOW = 1_587_565_238_000

NO_DOCUMENTS: list[Any] = [None, True, 1, "data", [], [{}], {}, {"data": None}]


def reading(**channels: Any) -> dict[str, Any]:
    """Return the channels that a realtime answer's parser makes of these values."""
    parsed = parse_reading({"data": channels})
    return {name: found.value for name, found in parsed.channels.items()}


class TestInfo:
    def test_example(self) -> None:
        assert parse_info(load("local/info")) == CemmInfo(
            mac="00:1e:c0:85:96:cc",
            name="CEMM Basic",
            type="E5AD649292BBBB51060F",
            version="2.18.1.0",
            core="1.24",
        )

    def test_recorded(self) -> None:
        assert parse_info(load("recorded/info")) == CemmInfo(
            mac="11:22:33:44:55:66",
            name="CEMM Plus",
            type="DFV65D1SFV651SDF561",
            version="2.26.0.0",
            core="1.25",
        )

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, None),
            ("", None),
            ("   ", None),
            (True, None),
            ([], None),
            (1.24, "1.24"),
            (2, "2"),
            (" CEMM ", "CEMM"),
            ("C\x00E\nM\x1b[1mM", "CEM[1mM"),
            ("CEMM \ud800", "CEMM"),
            ("x" * 1000, "x" * 64),
        ],
    )
    def test_texts(self, value: Any, text: str | None) -> None:
        raw = {"data": {"mac": "001EC08596CC", "name": value}}
        assert parse_info(raw) == CemmInfo("00:1e:c0:85:96:cc", name=text)

    @pytest.mark.parametrize(
        "raw",
        [*NO_DOCUMENTS, {"data": {"mac": None}}, {"data": {"mac": "CEMM"}}],
        ids=repr,
    )
    def test_no_cemm(self, raw: Any) -> None:
        with pytest.raises(NotCemmError) as caught:
            parse_info(raw)
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "mac",
    ["00:1E:C0:85:96:CC", "00-1e-c0-85-96-cc", "001EC08596CC", "001e.c085.96cc"],
)
def test_mac(mac: str) -> None:
    assert normalize_mac(mac) == "00:1e:c0:85:96:cc"


@pytest.mark.parametrize(
    "mac",
    ["", "00:1E:C0:85:96", "00:1E:C0:85:96:CC:00", "00:1G:C0:85:96:CC", "\u0660" * 12],
)
def test_no_mac(mac: str) -> None:
    with pytest.raises(ValueError, match="not a MAC address"):
        normalize_mac(mac)


class TestMeters:
    def test_recorded(self) -> None:
        raw = {"data": [{"io_id": 1, "port": 3, "type": "p1", "alias": "p1"}]}
        assert parse_meters(raw) == (Meter("p1", "p1"),)

    def test_bad_ones_are_left_out(self) -> None:
        raw = {
            "data": [
                {"io_id": "1", "type": "p1", "alias": "p1"},
                {"io_id": 2, "type": "gas", "alias": "p1"},
                {"io_id": 3, "type": "water"},
                *({"alias": alias} for alias in ("../x", "a b", "", "x" * 200, "é")),
                *({"alias": alias} for alias in (None, 1, True, ["p1"], {})),
                None,
                "p1",
                {"alias": "emucs-gas", "type": 7},
                {"alias": "mb5"},
            ]
        }
        assert parse_meters(raw) == (
            Meter("p1", "p1"),
            Meter("emucs-gas", "7"),
            Meter("mb5"),
        )

    def test_a_list_without_aliases_is_none(self) -> None:
        """The remote document's form, in which local firmware might answer too."""
        with pytest.raises(CemmResponseError, match="no aliases"):
            parse_meters(load("remote/io"))
        assert parse_meters({"data": []}) == parse_meters({"data": [None]}) == ()

    def test_no_more_than_a_house_can_hold(self) -> None:
        raw = {"data": [{"alias": f"mb{i}"} for i in range(10_000)]}
        assert len(parse_meters(raw)) == MAX_METERS

    @pytest.mark.parametrize("raw", [*NO_DOCUMENTS, {"data": {}}], ids=repr)
    @pytest.mark.parametrize("parse", [parse_meters, parse_ios, parse_uids])
    def test_no_list(self, parse: Callable[[Any], Any], raw: Any) -> None:
        with pytest.raises(CemmResponseError, match="no list"):
            parse(raw)

    def test_remote_examples(self) -> None:
        assert parse_uids(load("remote/cemm")) == (
            "00-00-00-00-00-00",
            "FF-FF-FF-FF-FF-FF",
        )
        assert parse_ios(load("remote/io")) == (
            IO("1", "p1", "3"),
            IO("2", "gas", "3"),
            IO("3", "solar_energy", "1"),
        )
        assert parse_ios(load("remote/p1")) == (IO("1", "p1", "3"),)

    def test_no_io(self) -> None:
        assert parse_ios({"data": []}) == ()
        assert parse_ios({"data": [None]}) == ()
        assert parse_ios({"data": [{}]}) == (IO(None, None),)
        assert parse_ios({"data": [None, {"io_id": 1}]}) == (IO("1", None),)

    def test_uids(self) -> None:
        uids = ["FF-FF-FF-FF-FF-FF", "ff:ff:ff:ff:ff:ff", "../x", "", None, 1]
        raw = {"data": [None, {}, *({"uid": uid} for uid in uids)]}
        assert parse_uids(raw) == ("FF-FF-FF-FF-FF-FF",)


class TestReading:
    def test_local_example(self) -> None:
        time = 1587565238000
        assert parse_reading(load("local/p1_realtime")) == Reading(
            {
                "t1": Measurement(time, 78659.671875),
                "t2": Measurement(time, 114467.5703125),
                "t3": Measurement(time, 28713.73828125),
                "t4": Measurement(time, 33709.36328125),
                "electric_power": Measurement(time, -8840),
                "rate": Measurement(time, 2),
                # gas [0, 0] was never measured
            }
        )

    def test_recorded(self) -> None:
        measured, counted = 1632948526000, 1632948531000
        assert parse_reading(load("recorded/p1_realtime")) == Reading(
            {
                "electric_power": Measurement(measured, 193),
                "rate": Measurement(measured, 2),
                "electric_energy": Measurement(counted, 3046.78),
                "electric_energy_high": Measurement(counted, 447),
                "t1": Measurement(counted, 5237.19),
                "t2": Measurement(counted, 5459.43),
                "t3": Measurement(counted, 2190.41),
                "t4": Measurement(counted, 5012.44),
                "gas": Measurement(counted, 6064.06),
            },
            frozenset({"tariffs", "nets", "gas"}),
        )

    def test_remote_example(self) -> None:
        time = 1496326765000
        assert parse_reading(load("remote/p1_realtime")) == Reading(
            {
                "t1": Measurement(time, 1351),
                "t2": Measurement(time, 1614),
                "t3": Measurement(time, 883),
                "t4": Measurement(time, 2018),
                "electric_power": Measurement(time, -1607),
                "rate": Measurement(time, 2),
                "gas": Measurement(time, 2617),
            }
        )

    def test_remote_totals_example(self) -> None:
        time = 1496242500000
        assert parse_reading(load("remote/p1_totals")) == Reading(
            {
                "t1": Measurement(time, 1350.5639648438),
                "t2": Measurement(time, 1612.3809814453),
                "t3": Measurement(time, 883.86798095703),
                "t4": Measurement(time, 2005.5209960938),
                "electric_energy": Measurement(time, 466.6960144043),
                "electric_energy_high": Measurement(time, -393.11401367188),
                "gas": Measurement(time, 2616.8449707031),
            }
        )

    def test_a_group_comes_whole_from_totals(self) -> None:
        """A Modbus meter with one register: the CEMM splits it by tariff."""
        raw = {
            "data": {"t1": [NOW, 300], "t2": [0, 0], "electric_power": [NOW, 7]},
            "totals": {
                "t1": [NOW, 100],
                "t2": [NOW, 200],
                "electric_power": [NOW, 9],
                "unknown": [NOW, 1],
            },
        }
        assert parse_reading(raw) == Reading(
            {
                "electric_power": Measurement(NOW, 7),
                "t1": Measurement(NOW, 100),
                "t2": Measurement(NOW, 200),
            },
            frozenset({"tariffs"}),
        )

    @pytest.mark.parametrize("measured", range(2 ** len(GROUPS)))
    @pytest.mark.parametrize("whole", [True, False])
    def test_every_group_is_taken_by_itself(self, measured: int, whole: bool) -> None:
        """One that `totals` leaves out, or has not measured, comes from `data`."""
        groups = {group for i, group in enumerate(GROUPS) if measured >> i & 1}
        totals = {
            name: [NOW, 2] if group in groups and (whole or i == 0) else [0, 0]
            for group, names in GROUPS.items()
            for i, name in enumerate(names)
        }
        data = {name: [NOW, 1] for name in (*REGISTERS, "electric_power")}
        found = parse_reading({"data": data, "totals": totals})
        assert found.totals == groups
        expected = {"electric_power": 1} | {
            name: 2 if group in groups else 1
            for group, names in GROUPS.items()
            for i, name in enumerate(names)
            if group not in groups or whole or i == 0
        }
        assert {name: m.value for name, m in found.channels.items()} == expected

    @pytest.mark.parametrize(
        "totals",
        [None, [], {}, {"t1": [0, 5]}, {"t1": [NOW, None]}, {"unknown": [NOW, 1]}],
        ids=repr,
    )
    def test_counters_come_from_data_otherwise(self, totals: Any) -> None:
        raw = {"data": {"t1": [NOW, 300]}, "totals": totals}
        assert parse_reading(raw) == Reading({"t1": Measurement(NOW, 300)})

    def test_water_meter(self) -> None:
        raw = {"data": {"flow": [NOW, 0]}, "totals": {"volume": [NOW, 12.5]}}
        assert parse_reading(raw) == Reading(
            {"flow": Measurement(NOW, 0), "volume": Measurement(NOW, 12.5)},
            frozenset({"volume"}),
        )

    @pytest.mark.parametrize(
        "pair",
        [
            *([NOW, value] for value in [*NO_NUMBERS, None]),
            *([time, 1] for time in [*NO_NUMBERS, None, 0, -1]),
            *([], [NOW], [NOW, 1, 2], {"0": NOW, "1": 1}, None, 5, "ab", True),
        ],
        ids=lambda pair: repr(pair)[:40],
    )
    def test_a_bad_channel_costs_that_channel(self, pair: Any) -> None:
        assert reading(t1=pair, t2=[NOW, 2]) == {"t2": 2}

    @pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 33, "é", "t1\n"])
    def test_a_bad_name_costs_that_channel(self, name: str) -> None:
        assert reading(**{name: [NOW, 1], "t2": [NOW, 2]}) == {"t2": 2}

    def test_a_number_in_quotes_is_a_number(self) -> None:
        assert reading(t1=[str(NOW), "1.5"], t2=[NOW, "-3"], t3=["0", "0"]) == {
            "t1": 1.5,
            "t2": -3,
        }

    def test_zero_is_a_value(self) -> None:
        assert reading(t1=[NOW, 0], electric_power=[NOW, -0.5]) == {
            "t1": 0,
            "electric_power": -0.5,
        }

    def test_no_more_than_a_meter_can_have(self) -> None:
        assert (
            len(reading(**{f"c{i}": [NOW, 1] for i in range(10_000)})) == MAX_CHANNELS
        )

    @pytest.mark.parametrize("raw", [*NO_DOCUMENTS, {"data": []}], ids=repr)
    @pytest.mark.parametrize("parse", [parse_reading, parse_history])
    def test_no_data(self, parse: Callable[[Any], Any], raw: Any) -> None:
        with pytest.raises(CemmResponseError, match="no data") as caught:
            parse(raw)
        # What is empty says that nothing is there.
        empty: list[Any] = [None, [], {}, {"data": []}, {"data": None}]
        assert isinstance(caught.value, EmptyError) is (raw in empty)
