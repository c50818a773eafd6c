"""How a register can go on: what its connection delivers, and what an ordinary house uses.

Nothing here does I/O. Times are in seconds, amounts in the register's own unit.
"""

from dataclasses import dataclass

# An amount may arrive this late (seconds): in lumps, or after a slow answer.
_SLACK = 300.0

# An ordinary house uses no more than this share of what its connection delivers. More than
# that waits for the next measurement, which comes within seconds. So only a short slack is
# allowed, and after a long pause no more than an hour's use is ordinary.
_ORDINARY = 1 / 3
_ORDINARY_SLACK = 60.0
_ORDINARY_PAUSE = 3600.0

# A value is a 32-bit float with 24 bits of precision, printed by the CEMM: the
# last two bits, and one unit of the third decimal, are noise.
_RELATIVE_NOISE = 2.0**-22
_NOISE = 0.002


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the registers of a group can change, per hour and in their own unit."""

    rise: float
    fall: float = 0.0

    @property
    def is_net(self) -> bool:
        """Whether they are net values, which fall as fast as they rise."""
        return self.fall >= self.rise


@dataclass(frozen=True, slots=True)
class Step:
    """A plausible change of a register."""

    value: float
    """What it shows now, noise removed."""
    ordinary: bool
    """Whether one answer is enough."""
    is_use: bool = True
    """Whether the rise is counted."""


def step(old: float, new: float, elapsed: float, limits: Limits) -> Step | None:
    """Return how a register went on; None if it can't have."""
    pause = min(elapsed, _ORDINARY_PAUSE) + _ORDINARY_SLACK
    ordinary = abs(new - old) <= limits.rise * _ORDINARY * pause / 3600 + _NOISE
    if is_blank(old, limits):
        return Step(new, ordinary=ordinary, is_use=False)
    value = successor(old, new, elapsed, limits)
    return None if value is None else Step(value, ordinary)


def is_blank(value: float, limits: Limits) -> bool:
    """Whether nothing was counted so far: a CEMM that knows nothing yet shows 0."""
    return value == 0 and not limits.is_net


def successor(old: float, new: float, elapsed: float, limits: Limits) -> float | None:
    """Return what a meter shows after ``old``, noise removed; None: not ``new``."""
    hours = (elapsed + _SLACK) / 3600
    noise = max(_NOISE, abs(old) * _RELATIVE_NOISE)
    if not old - limits.fall * hours - noise <= new <= old + limits.rise * hours:
        return None
    # No net value happens to be just 0.
    if new == 0 and old > noise:
        return None
    return new if limits.fall else max(old, new)
