"""The reading that an import counts back from."""

from math import isclose

from homeassistant.core import HomeAssistant

from custom_components.cemm.meters.meter import MeterData

from .apply import async_begin_at
from .counters import Counter
from .recorder import async_newest_hour, async_newest_minutes, async_oldest_hour
from .rows import Anchor

# What a sum may differ from the readings that it was made of (kWh or m³): rounding.
_SAME_RISE = 1e-3


async def async_anchor(
    hass: HomeAssistant, counter: Counter, data: MeterData, now: float
) -> Anchor | None:
    """Return a counter's oldest known reading; None if it has none at all.

    Before the recorder has a row, that is the live reading. Where the recorder has
    not begun to count, it is made to begin there.
    """
    if oldest := await async_oldest_hour(hass, counter):
        return Anchor.of(oldest)
    parts = [data.channels[name] for name in counter.registers if name in data.channels]
    if not parts or len(parts) < len(counter.registers):
        return None
    state = round(sum(part.value for part in parts), 6)
    time = min(max(part.time for part in parts) / 1000, now)
    if await async_newest_minutes(hass, counter) is None:
        await async_begin_at(hass, counter, state)
    # The recorder may have begun by itself meanwhile.
    newest = await async_newest_minutes(hass, counter)
    return Anchor(time, state, state - newest.state + newest.sum) if newest else None


async def async_is_continuous(hass: HomeAssistant, counter: Counter) -> bool:
    """Whether the live sum, if there is one, goes on from that of the newest row.

    One that began anew after an outage is recognised by being small: it must be
    mended before all sums are moved.
    """
    live = await async_newest_minutes(hass, counter)
    row = await async_newest_hour(hass, counter)
    if live is None or row is None:
        return True
    rise = live.state - row.state
    return isclose(live.sum - row.sum, rise, abs_tol=_SAME_RISE)
