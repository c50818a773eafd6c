"""A meter of any cadence and clock, and a watch that asks it by a schedule."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, inf
from random import Random
from statistics import mean

from custom_components.cemm.meters.schedule import Schedule

LOCAL = (5.0, 60.0)
REMOTE = (30.0, 60.0)
"""The shortest and the longest pause of each API, in seconds."""


@dataclass
class FakeMeter:
    """A meter, its CEMM's clock, and the network in between. Any field may change."""

    cadence: float = 10
    phase: float = 3.3
    clock: float = 1_790_000_000
    """What the CEMM's clock shows at our second 0."""
    drift: float = 0
    """Seconds that it gains per second."""
    resolution: float = 0.001
    """Seconds to which it rounds its times down."""
    stamp_jitter: float = 0
    network_jitter: float = 0
    """Seconds that a question may take longer on its way, and an answer too."""
    readable_after: float = 0.2
    round_trip: float = 0.02
    lost: float = 0
    """The share of measurements that never arrive."""
    stopped_at: float = inf
    random: Random = field(default_factory=lambda: Random(1), init=False)

    def travel(self) -> float:
        return self.round_trip / 2 + self.random.random() * self.network_jitter

    def newest(self, at: float) -> int:
        """Return which measurement is the newest that can be read."""
        at = min(at, self.stopped_at) - self.readable_after - self.phase
        number = floor(at / self.cadence)
        while self.lost and Random(number).random() < self.lost:
            number -= 1
        return number

    def measured(self, number: int) -> float:
        return number * self.cadence + self.phase

    def stamp(self, number: int) -> int:
        """Return a measurement's time in milliseconds by the CEMM's clock."""
        jitter = 0.0
        if self.stamp_jitter:
            jitter = Random(number).uniform(-1, 1) * self.stamp_jitter
        time = self.clock + self.measured(number) * (1 + self.drift) + jitter
        return round(floor(time / self.resolution) * self.resolution * 1000)


@dataclass
class Watch:
    """Asks a meter when a schedule says so, and keeps count."""

    meter: FakeMeter
    schedule: Schedule = field(default_factory=lambda: Schedule(*LOCAL))
    now: float = 0
    asked: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    """How old each new measurement was when its answer came."""
    seen: float = -inf

    def run(self, seconds: float, warm_up: float = 0) -> Watch:
        """Ask for this long, counting only what comes after the warm-up."""
        if warm_up:
            self.run(warm_up)
        self.asked, self.ages = [], []
        end = self.now + seconds
        while (asked := max(self.now, self.schedule.due)) < end:
            asked += self.meter.random.random() * 0.005  # timers are a little late
            arrived = asked + self.meter.travel()
            self.now = arrived + self.meter.travel()
            number = self.meter.newest(arrived)
            self.schedule.answered(self.meter.stamp(number), asked)
            self.asked.append(asked)
            if (measured := self.meter.measured(number)) > self.seen:
                self.ages.append(self.now - measured)
                self.seen = measured
        self.now = end
        return self

    @property
    def age(self) -> float:
        return mean(self.ages)

    @property
    def requests(self) -> float:
        """Requests per measurement that was seen."""
        return len(self.asked) / len(self.ages)

    @property
    def pauses(self) -> list[float]:
        return [b - a for a, b in pairwise(self.asked)]


def meters(**fields: float) -> list[FakeMeter]:
    """Return such meters of all phases."""
    cadence = fields.get("cadence", 10)
    return [FakeMeter(phase=part / 12 * cadence, **fields) for part in range(12)]
