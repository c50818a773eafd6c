"""A believable house: its meters, and the truth about their readings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from math import floor
from random import Random

from .days import Schedule
from .ledger import NOTHING, Ledger, Registers
from .profiles import Electricity, Gas, Household, Water

USAGE = "usage"
"""The alias of the electric usage, which is no meter."""

_READABLE_AFTER = 0.2
"""Seconds from a measurement until the CEMM shows it."""


class Source(StrEnum):
    """What a meter measures."""

    GRID = "grid"
    USAGE = "usage"
    SOLAR = "solar"
    EV = "ev"
    GAS = "gas"
    WATER = "water"


@dataclass(slots=True)
class SimMeter:
    """A meter connected to the CEMM. Any field may be changed while it runs."""

    io_id: int
    type: str
    source: Source
    port: int = 1
    port_option: str = "enabled"
    cadence: float = 10
    """Seconds from one measurement to the next."""
    phase: float = 0
    """Seconds by which they come after each full `cadence`."""
    start: Registers = NOTHING
    """Its readings when the house was built, in Wh or litres."""
    single_register: bool = False
    """Whether its data has one count, left to the CEMM to split by tariff."""
    swaps: list[tuple[float, Registers]] = field(default_factory=list)
    """When it was replaced by another one (Unix seconds), and what that read at first."""
    misbooked: dict[tuple[str, date], float] = field(default_factory=dict)
    """What month data has too much, by channel and day: kWh or m³."""

    def measured_at(self, now: float) -> float:
        """Return the time of the newest measurement that can be read at `now`."""
        age = now - _READABLE_AFTER - self.phase
        return floor(age / self.cadence) * self.cadence + self.phase


class House:
    """A house with a smart meter, gas, water, solar panels, an EV charger, and a CEMM.

    `since` is the first day of its history, `dsmr` 5 for a gas meter that reports every five
    minutes and 4 for every hour, `cadence` the seconds between telegrams of the smart meter,
    `schedule` when its low tariff is in force.
    Its meters and its attributes may be changed while it is served.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        mac: str = "00:1E:C0:85:96:CC",
        since: date = date(2024, 3, 1),
        dsmr: int = 5,
        cadence: float = 10,
        schedule: Schedule | None = None,
    ) -> None:
        self.mac = mac
        self.name = "CEMM Basic"
        self.type = "E5AD649292BBBB51060F"
        self.version = "2.26.0.0"
        self.core = "1.25"
        self.io_list = True
        """Whether the firmware is new enough to list its meters."""
        self.cemm_3 = False
        """Whether it is of the newer generation, which has another API."""
        self.since = since
        self.blackouts: list[tuple[float, float]] = []
        """From when until when (Unix seconds) the CEMM had no power.

        Its meters counted on, but it noted nothing.
        """
        self.forgotten: list[tuple[float, float]] = []
        """From when until when the CEMM has lost what it noted, and what it booked."""
        self.clock_wrong: dict[date, int] = {}
        """By how many hours its clock was ahead on a day, by that clock."""
        self.schedule = schedule or Schedule()
        self._ledgers = _ledgers(seed, since, self.schedule)
        self._usage = SimMeter(0, USAGE, Source.USAGE)
        self.meters = _meters(
            Random(f"{seed} readings"), 300 if dsmr >= 5 else 3600, cadence
        )

    def find(self, alias: str) -> SimMeter | None:
        """Return the meter with this alias, or what measures the electric usage."""
        return self._usage if alias == USAGE else self.meters.get(alias)

    def noted_until(self, at: float) -> float:
        """Return the last moment until `at` (Unix seconds) at which the CEMM had power."""
        return min([at, *(start for start, end in self.dark if start <= at < end)])

    @property
    def dark(self) -> list[tuple[float, float]]:
        """Return from when until when nothing is noted."""
        return [*self.blackouts, *self.forgotten]

    def reading(self, alias: str, key: str, at: float) -> float:
        """Return the reading of a register at `at` (Unix seconds), to the last digit.

        `key` is t1, t2, t3, t4, electric_energy or electric_energy_high in kWh, gas or volume
        in m³. Raises KeyError for an unknown meter or register.
        """
        if key == "gas":
            alias = gas_alias(alias)
        start, since = self.meters[alias].start, NOTHING
        for swapped, first in self.meters[alias].swaps:
            if swapped <= at:
                start, since = first, self.passed(alias, swapped)
        parts = zip(start, self.passed(alias, at), since, strict=True)
        return reading(Registers(*(a + b - c for a, b, c in parts)), key)

    def power(self, alias: str, at: float) -> float:
        """Return the power at `at` in W. Raises KeyError for an unknown meter."""
        return self._ledger(alias).rate(at)

    def flow(self, alias: str, at: float) -> float:
        """Return the flow at `at` in L/min. Raises KeyError for an unknown meter."""
        return self._ledger(alias).rate(at) / 1000

    def passed(self, alias: str, at: float) -> Registers:
        """Return what passed a meter from `since` until `at`, in Wh or litres."""
        return self._ledger(alias).registers(at)

    def minutes(self, alias: str, at: float) -> Sequence[int]:
        """Return the mean of each minute of the hour that `at` lies in, in W or mL/min."""
        return self._ledger(alias).minutes(at)

    def _ledger(self, alias: str) -> Ledger:
        meter = self.find(alias)
        if meter is None:
            raise KeyError(alias)
        return self._ledgers[meter.source]


def gas_alias(alias: str) -> str:
    """Return the alias of the gas meter that is read through a smart meter."""
    return alias if alias.endswith("-gas") else f"{alias.removesuffix('-usb')}-gas"


def reading(registers: Registers, key: str) -> float:
    """Return one channel's kWh or m³. Raises KeyError for an unknown channel."""
    t1, t2, t3, t4 = registers
    amounts = {
        "t1": t1,
        "t2": t2,
        "t3": t3,
        "t4": t4,
        "electric_energy": t1 - t3,
        "electric_energy_high": t2 - t4,
        "gas": t1 + t2,
        "volume": t1 + t2,
    }
    return amounts[key] / 1000


@lru_cache(maxsize=16)
def _ledgers(seed: int, since: date, schedule: Schedule) -> dict[Source, Ledger]:
    """Return what passes every meter: the same for all houses with this seed."""
    household = Household(seed)
    profiles = {
        Source.GRID: Electricity(household, load=1, ev=1, solar=-1),
        Source.USAGE: Electricity(household, load=1, ev=1),
        Source.SOLAR: Electricity(household, solar=1),
        Source.EV: Electricity(household, ev=1),
        Source.GAS: Gas(seed),
        Source.WATER: Water(seed),
    }
    return {
        source: Ledger(profile, since, schedule) for source, profile in profiles.items()
    }


def _meters(rng: Random, gas_cadence: float, cadence: float) -> dict[str, SimMeter]:
    """Return the meters that the house is built with."""

    def up_to(*limits: int) -> Registers:
        return Registers(*(rng.randrange(limit * 1000) for limit in limits))

    return {
        "p1": SimMeter(
            *(1, "p1", Source.GRID, 3, "p1_in"),
            cadence=cadence,
            phase=min(3, cadence - 1),
            start=up_to(9000, 8000, 3000, 7000),
        ),
        "p1-gas": SimMeter(
            2, "gas", Source.GAS, 3, cadence=gas_cadence, start=up_to(9000)
        ),
        "s01": SimMeter(
            *(3, "solar_energy", Source.SOLAR, 1, "s0_in"),
            phase=6,
            # Pulses only count one way: the inverter's own use stays unseen.
            start=Registers(*up_to(5000, 9000)),
        ),
        "mb5": SimMeter(
            *(4, "electricity", Source.EV, 5, "modbus"),
            phase=1,
            start=up_to(4000, 900),
            single_register=True,
        ),
        "pulse-2": SimMeter(
            5, "water", Source.WATER, 2, "pulse_in", phase=8, start=up_to(900)
        ),
    }
