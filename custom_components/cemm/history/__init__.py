"""From the CEMM's memory to rows of Home Assistant's statistics.

A month of a meter's data comes this way:

    ask.py         asks the CEMM, one question at a time: the years tell which months there are,
                   the month how much each day counted, the day when it was used;
                   `questions.py` keeps what was answered and asks again what failed
    profile.py     a day's samples become amounts by the minute; `tariffs.py` finds the hours
                   of the low tariff in them
    rises.py       readings and amounts tell how much it was, where minutes that were measured
                   do not contradict them; `usage.py` has these minutes tell when, and
                   `meter_days.py` puts all of it together
    count.py       with that each statistic is counted hour by hour: `importer.py` goes back
                   from a reading that is known, by the months of `plan.py`; `healing.py` across
                   hours that are missing, `guesses.py` a day anew that could not be asked for
    rows.py        rows, and the holes between them
    seams.py       where the rows in the database do not follow each other as they should
    late.py        which readings come later than the hours that they close
    want.py        what rows should be and why, and what is to be done about it: move or write
    apply.py       the one place that has the recorder do it
    recorder.py    what the recorder has

`manager.py` says when: at the start, once an hour, after an outage, when the user asks, and as
soon as there is a break to settle (`settling.py`). `reconciler.py` has what is done then, in
which order; `look.py` is one such look, and `ledger.py` keeps what the rows cannot tell.

Sums are moved because Home Assistant shows their differences, and takes what was before the
first row as 0: a sum that begins too low, restarts, or has booked what was no use is put right
by adding one amount to all that follows, the live sum too. No row's own use changes by that.
"""

from .ledger import Ledger
from .manager import HistoryManager

__all__ = ["HistoryManager", "Ledger"]
