"""What the CEMM of a simulated house remembers, as the counting is given it."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from custom_components.cemm.client import Period
from custom_components.cemm.client.models import parse_history, parse_reading
from custom_components.cemm.days import HOUR, ONE_DAY, date_at, days, months_back
from custom_components.cemm.history.count import count_days_back
from custom_components.cemm.history.meter_days import Note
from custom_components.cemm.history.profile import Day
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.tariffs import Votes
from simulator import House
from simulator.readings import Readings

from .history import a_counter

NOW = Day(date(2026, 1, 1)).start + 12 * HOUR
REGISTERS = {"energy_import": ("t1", "t2"), "energy_export": ("t3", "t4")}
COUNTERS = [
    *(("p1", key) for key in ("t1", "t2", "t3", "t4", *REGISTERS)),
    *(("s01", key) for key in ("t1", "t2", "t4", "energy_import")),
    *(("mb5", key) for key in ("t1", "t2", "energy_import")),
    ("p1-gas", "gas"),
    ("pulse-2", "volume"),
]


def fetch(
    house: House, alias: str, span: tuple[date, date], *, remote: bool = True
) -> list[Day]:
    """Return what the CEMM says of some days of one month."""
    readings = Readings(house, NOW)
    meter = house.meters[alias]
    keys = [key for a, key in COUNTERS if a == alias and key not in REGISTERS]
    start = Day(span[0]).start

    def history(period: Period, at: float) -> object:
        return {"data": dict(readings.history(alias, meter, period.value, at))}

    month = parse_history(history(Period.MONTH, start), Period.MONTH).channels
    found = []
    for day in days(*span):
        at = Day(day).start + HOUR
        totals = {key: readings.total(alias, meter, key, at) for key in keys}
        reading = parse_reading({"data": totals})
        found.append(
            Day.of(
                day,
                parse_history(history(Period.DAY, at)),
                {
                    name: sample.value
                    for name, samples in month.items()
                    for sample in samples
                    if sample.start == at - HOUR and sample.value is not None
                },
                reading if remote and reading.channels else None,
            )
        )
    return found


def truth(house: House, alias: str, key: str, at: float) -> float:
    return sum(house.reading(alias, part, at) for part in REGISTERS.get(key, (key,)))


@dataclass
class Import:
    """What is imported of a meter, month by month, and what there is to say of it."""

    rows: dict[str, list[Row]]
    notes: list[Note]

    def used(self, key: str, start: int, end: int) -> float:
        """Return what was counted between two full hours."""
        sums = {row.end: row.sum for row in self.rows[key]}
        return sums[end] - sums[start]

    def by_day(self, key: str) -> dict[date, float]:
        """Return what was counted on each day of which that is known."""
        sums = {row.end: row.sum for row in self.rows[key]}
        starts = (Day(date_at(end)) for end in sums)
        return {
            day.day: sums[day.end] - sums[day.start]
            for day in starts
            if {day.start, day.end} <= sums.keys()
        }


def imported(
    house: House,
    alias: str,
    span: tuple[date, date],
    keys: Sequence[str] = (),
    *,
    remote: bool,
    votes: Votes | None = None,
) -> Import:
    """Import some days back from their end, where all counters are known."""
    votes = Tally() if votes is None else votes
    keys = keys or [key for a, key in COUNTERS if a == alias]
    end = Day(span[1]).end
    counters = {key: a_counter(key, *REGISTERS.get(key, (key,))) for key in keys}
    rows = {
        key: [Row(end - HOUR, truth(house, alias, key, end), 0.0)] for key in counters
    }
    notes: list[Note] = []
    for first, last in months_back(span[1], span[0]):
        if rows[keys[0]][0].end <= Day(first).start:
            continue
        found = fetch(house, alias, (first, last), remote=remote)
        while (
            remote
            and house.since < found[0].day
            and (found[0].day == first or not found[0].closing)
        ):
            # Back to a reading, over all days that have none.
            eve = found[0].day - ONE_DAY
            found[:0] = fetch(house, alias, (eve, eve))
        counted = count_days_back(
            found,
            Day(first).start,
            {counters[key]: rows[key][0] for key in counters},
            oldest=first == span[0],
            votes=votes,
        )
        for key, counter in counters.items():
            rows[key] = counted.rows[counter] + rows[key]
        notes = [*counted.notes, *notes]
    return Import(rows, notes)
