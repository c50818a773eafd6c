"""The two ends of an import: where it counts back from, and where it begins."""

from math import isclose

from homeassistant.core import HomeAssistant

from custom_components.cemm.meters import MeterData

from .counters import Counter
from .periods import HOUR
from .recorder import (
    async_hours,
    async_lift,
    async_newest_hour,
    async_newest_minutes,
    async_oldest_hour,
)
from .rows import Anchor, Row

# A difference below this is float noise.
_TOLERANCE = 1e-6

# What a sum may differ from the readings that it was made of (kWh or m³): rounding.
_SAME_RISE = 1e-3


async def async_anchor(
    hass: HomeAssistant,
    counter: Counter,
    data: MeterData,
    first_state: float | None,
    now: float,
) -> Anchor | None:
    """Return a counter's oldest known reading; None if it has none at all.

    Before the recorder has a row, that is the live reading. Its sum follows from
    the short-term rows or, before there are any, from the sensor's first state:
    that is where the recorder will start counting from 0.
    """
    if oldest := await async_oldest_hour(hass, counter):
        return Anchor.of(oldest)
    parts = [data.channels[name] for name in counter.registers if name in data.channels]
    if not parts or len(parts) < len(counter.registers):
        return None
    state = round(sum(part.value for part in parts), 6)
    time = min(max(part.time for part in parts) / 1000, now)
    if newest := await async_newest_minutes(hass, counter):
        return Anchor(time, state, state - newest.state + newest.sum)
    return Anchor(time, state, state - (state if first_state is None else first_state))


async def async_origin(
    hass: HomeAssistant, counter: Counter, origin: Anchor
) -> Row | None:
    """Return a counter's first row with the sum that it should have.

    Home Assistant takes what was before the first row as 0. A sum that begins at
    minus all that was ever used would show that as the first hour's use.
    """
    start = int(origin.time)
    rows = await async_hours(hass, counter, start, start + HOUR)
    if not rows:
        return None
    return Row(start, rows[0].state, rows[0].sum - origin.sum)


def unsettled(oldest: Anchor, noted: Row | None) -> Row | None:
    """Return a counter's first row with a sum of 0 if an import has left it negative.

    An import that was interrupted after its last row could not note the right one,
    and nothing is left to import: what was used in the first hour is not known.
    Returns None if the right one is ``noted``.
    """
    start = int(oldest.time) - HOUR
    if oldest.sum >= -_TOLERANCE or (noted and noted.start == start):
        return None
    return Row(start, oldest.state, 0.0)


async def async_live_sum_goes_on(hass: HomeAssistant, counter: Counter) -> bool:
    """Whether there is a live sum, and it goes on from that of the newest row.

    Without one, the next live row would be left behind when all sums are moved.
    """
    live = await async_newest_minutes(hass, counter)
    if live is None:
        return False
    row = await async_newest_hour(hass, counter)
    return row is None or isclose(
        live.sum - row.sum, live.state - row.state, abs_tol=_SAME_RISE
    )


async def async_settle(hass: HomeAssistant, counter: Counter, origin: Row) -> None:
    """Move all of a counter's sums such that the first row has its right one.

    A row that is no longer the first is left alone.
    """
    oldest = await async_oldest_hour(hass, counter)
    # A later import that was interrupted may have written rows before it.
    if oldest is None or oldest.start != origin.start:
        return
    lift = origin.sum - oldest.sum
    if abs(lift) > _TOLERANCE:
        await async_lift(hass, counter, origin.start, lift)
