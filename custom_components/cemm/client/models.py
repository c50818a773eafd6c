"""The CEMM's data as typed values. The raw wire format ends here.

Every ``parse_*`` function takes decoded JSON of unknown shape. What is missing
or malformed as a whole raises ``CemmResponseError``; a malformed part (one
channel, one sample, one meter) is left out and the rest is kept.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
import re
from typing import Any, NamedTuple

from .errors import CemmResponseError, EmptyError, NotCemmError
from .values import MAX_TIME, MAX_VALUE, is_name, is_number, is_time, text, unquoted

# What a small device in a house can sensibly have; more is an attack or a fault.
MAX_METERS = 64
MAX_CHANNELS = 64
MAX_SAMPLES = 1600  # a day of 25 hours has 1500 minutes

_NOT_HEX = re.compile(r"[:\-. ]")

# The registers, by what is counted together: `parse_reading` takes each group as one.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "tariffs": ("t1", "t2", "t3", "t4"),
    "nets": ("electric_energy", "electric_energy_high"),
    "gas": ("gas",),
    "volume": ("volume",),
}
REGISTERS = frozenset(name for names in GROUPS.values() for name in names)


class Period(StrEnum):
    """The lengths of time that history can be asked for."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class CemmInfo:
    """What a CEMM says of itself; the remote API only knows the MAC."""

    mac: str
    """Lower case with colons."""
    name: str | None = None
    type: str | None = None
    version: str | None = None
    core: str | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """A connected I/O."""

    alias: str
    type: str | None = None
    """The CEMM's name for the kind: p1, gas, solar_energy, water, …"""


@dataclass(frozen=True, slots=True)
class IO:
    """A connected I/O in a list without aliases."""

    io_id: str | None
    type: str | None
    port: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a channel and when it was measured."""

    time: int
    """Unix time in milliseconds, by the CEMM's clock."""
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest measurement of every channel of a meter that has one."""

    channels: Mapping[str, Measurement]
    totals: frozenset[str] = frozenset()
    """The groups that came from `totals`: made another way, a count is another one."""


class Sample(NamedTuple):
    """One value of a period: a mean or an amount, null where nothing was measured.

    A tuple, because years of minutes are made of it.
    """

    start: int
    """Unix time in seconds of the start of the minute, hour, day or month."""
    value: float | None


@dataclass(frozen=True, slots=True)
class History:
    """The samples of a day, a month or a year per channel, oldest first."""

    channels: Mapping[str, tuple[Sample, ...]]


def normalize_mac(mac: str) -> str:
    """Return a MAC address in lower case with colons.

    Raises ValueError when it is none.
    """
    digits = _NOT_HEX.sub("", mac).lower()
    if len(digits) != 12 or not all(digit in "0123456789abcdef" for digit in digits):
        raise ValueError("not a MAC address")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def parse_info(raw: Any) -> CemmInfo:
    """Parse ``GET /open-api/v1/``.

    Raises NotCemmError for everything that no CEMM would answer.
    """
    data, mac = dict[str, Any](), ""
    with suppress(CemmResponseError, KeyError, TypeError, ValueError):
        data = _data(raw, dict)
        mac = normalize_mac(data["mac"])
    if not mac:
        raise NotCemmError("no MAC address")
    texts = {name: text(data, name) for name in ("name", "type", "version", "core")}
    return CemmInfo(mac, **texts)


def parse_meters(raw: Any) -> tuple[Meter, ...]:
    """Parse ``GET /open-api/v1/io/``; each alias once, in the CEMM's order.

    Raises CemmResponseError for a list of I/Os without aliases, as the remote API has it.
    """
    meters: dict[str, Meter] = {}
    items = [i for i in _data(raw, list)[:MAX_METERS] if isinstance(i, dict)]
    for item in items:
        alias = item.get("alias")
        if isinstance(alias, str) and is_name(alias):
            meters.setdefault(alias, Meter(alias, text(item, "type")))
    if items and not meters:
        raise CemmResponseError("no aliases")
    return tuple(meters.values())


def parse_ios(raw: Any) -> tuple[IO, ...]:
    """Parse the remote ``io/``, or ``<alias>/``, whose I/Os are those of the alias."""
    return tuple(
        IO(text(item, "io_id"), text(item, "type"), text(item, "port"))
        for item in _data(raw, list)[:MAX_METERS]
        if isinstance(item, dict)
    )


def parse_uids(raw: Any) -> tuple[str, ...]:
    """Parse the remote ``cemm/``; the uids as the API writes them, each CEMM once."""
    uids: dict[str, str] = {}
    for item in _data(raw, list)[:MAX_METERS]:
        if isinstance(item, dict) and isinstance(uid := item.get("uid"), str):
            with suppress(ValueError):
                uids.setdefault(normalize_mac(uid), uid)
    return tuple(uids.values())


def parse_reading(raw: Any) -> Reading:
    """Parse ``<alias>/realtime/`` or the remote ``totals/``.

    Each group of meter readings is taken whole: from ``totals`` when anything of it was
    measured there, and from ``data`` otherwise. The two may split one count differently,
    so that a mix would count twice.
    """
    data = _data(raw, dict)
    channels = dict(_measurements(data))
    totals = raw.get("totals")
    counted = dict(_measurements(totals)) if isinstance(totals, dict) else {}
    taken = {g for g, names in GROUPS.items() if not counted.keys().isdisjoint(names)}
    for group in taken:
        for name in GROUPS[group]:
            channels.pop(name, None)
            if name in counted:
                channels[name] = counted[name]
    return Reading(channels, frozenset(taken))


def parse_history(raw: Any, period: Period = Period.DAY) -> History:
    """Parse ``<alias>/data/<period>/``; for month and year data one name is used.

    The last sample of a day, one second before midnight, only ends the list
    and is left out, as is everything else that does not start on a minute.
    """
    channels = {
        name: tuple(map(_sample, sorted(_samples(samples).items())))
        for name, samples in list(_data(raw, dict).items())[:MAX_CHANNELS]
        if is_name(name) and isinstance(samples, list)
    }
    if period is not Period.DAY:
        # The local document's own name, and the remote one's, for one amount.
        low = channels.pop("electric_energy", ())
        if low and not channels.get("electric_energy_low"):
            channels["electric_energy_low"] = low
    return History(channels)


# The same as `Sample(*pair)` in a third of the time: a year is made of many.
_sample = partial(tuple.__new__, Sample)


def _samples(raw: list[Any]) -> dict[int, float | None]:
    """Return the value of each start that is a full minute."""
    found: dict[int, float | None] = {}
    for pair in raw[:MAX_SAMPLES]:
        match pair:
            # Spelled out: calls for each minute of a year take longer than all the rest.
            case [time, value] if (
                (type(time) is int or type(time) is float)
                and 1 <= time < MAX_TIME * 1000
                and time % 60_000 == 0
                and (
                    value is None
                    or (
                        (type(value) is int or type(value) is float)
                        and abs(value) < MAX_VALUE
                    )
                )
            ):
                found[int(time) // 1000] = value
            case [time, value] if type(time) is str or type(value) is str:
                unquoted_pair = [unquoted(time), unquoted(value)]
                if not any(type(part) is str for part in unquoted_pair):
                    found |= _samples([unquoted_pair])
    return found


def _measurements(raw: dict[str, Any]) -> Iterator[tuple[str, Measurement]]:
    for name, pair in list(raw.items())[:MAX_CHANNELS]:
        match pair:
            # A time of 0 means: never measured.
            case [time, value] if is_name(name):
                if type(time) is str or type(value) is str:
                    time, value = unquoted(time), unquoted(value)
                if is_time(time) and is_number(value):
                    yield name, Measurement(int(time), value)


def _data[T](raw: Any, kind: type[T]) -> T:
    """Return what a document holds; raises EmptyError for nothing at all."""
    is_document = isinstance(raw, dict)
    data = raw.get("data") if is_document else None
    if isinstance(data, kind):
        return data
    is_empty = not raw or (is_document and not raw.get("data", raw))
    error = EmptyError if is_empty else CemmResponseError
    raise error("no list" if kind is list else "no data")
