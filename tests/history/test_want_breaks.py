"""What rows around a change of meaning should be; no Home Assistant."""

from dataclasses import replace

import pytest

from custom_components.cemm.days import DAY
from custom_components.cemm.history.recorder import SHORT_TERM
from custom_components.cemm.history.rows import Row
from custom_components.cemm.history.want import (
    Move,
    difference,
    never_shown,
    want_breaks,
)
from custom_components.cemm.meters.breaks import Break

START = 1_781_093_100


def rows(*values: tuple[float, float]) -> list[Row]:
    """Return rows of these states and sums, the first before any break."""
    return [
        Row(START + index * SHORT_TERM, state, total)
        for index, (state, total) in enumerate(values)
    ]


def a_break(row: int, before: float, after: float, seconds: float = 100) -> Break:
    return Break("p1_t1", START + row * SHORT_TERM + seconds, before, after)


def moves(rows: list[Row], *breaks: Break) -> tuple[list[tuple[int, float]], int]:
    """Return what to add from which row on, and how many breaks are told."""
    wants, told = want_breaks(rows, breaks, SHORT_TERM)
    what = difference(rows, wants)
    assert not what.rows
    done = list(rows)
    for move in what.moves:
        done = [
            replace(row, sum=row.sum + move.amount) if row.start >= move.start else row
            for row in done
        ]
    again, _ = want_breaks(done, breaks, SHORT_TERM)
    assert not difference(done, again), "a second look changes nothing"
    found = [((m.start - START) // SHORT_TERM, round(m.amount, 6)) for m in what.moves]
    assert all(isinstance(move, Move) for move in what.moves)
    return found, len(told)


def test_what_a_change_booked_is_taken_out_and_use_is_not() -> None:
    # 0.2 before the change, 0.1 until it was shown and 0.3 after.
    found = rows((5000, 10), (300.4, 310.6))
    assert moves(found, a_break(1, 5000.2, 300)) == ([(1, -300.0)], 1)


def test_a_small_fall_that_is_up_again_by_the_end_of_the_row() -> None:
    """The recorder took off what it fell by, or booked it as one to 0."""
    found = rows((20, 10), (19.97, 9.97))
    assert moves(found, a_break(1, 20, 19.9)) == ([(1, 0.1)], 1)
    found = rows((2, 10), (2.3, 12.3))
    assert moves(found, a_break(1, 2, 0.5)) == ([(1, -0.5)], 1)


def test_a_break_that_is_not_shown_yet_waits() -> None:
    held = a_break(1, 5000, 300)
    found = rows((4999, 9), (5000, 10), (5000, 10))
    assert moves(found, held) == ([], 0)
    assert moves(rows((4999, 9)), held) == ([], 0)
    assert not never_shown(found, held)
    late = rows(*[(5000.0, 10.0)] * 400, (300.5, 310.5))
    assert moves(late, held) == ([(400, -300.0)], 1)


def test_a_break_without_any_new_state_is_given_up_after_days() -> None:
    old = a_break(1, 5000, 300)
    assert never_shown([Row(int(old.at + 11 * DAY), 5000, 10)], old)


def test_a_break_that_was_never_shown_is_told_by_what_goes_on() -> None:
    """Home Assistant was killed after it was noted, and the old meter came back."""
    found = rows((5000, 10), (5000.5, 10.5))
    assert moves(found, a_break(1, 5000, 300)) == ([], 1)


def test_a_break_that_is_noted_again_counts_once() -> None:
    """Home Assistant was killed between noting it and keeping the new state."""
    found = rows((5000, 10), (5000, 10), (300.6, 310.6))
    again = a_break(1, 5000, 300), a_break(2, 5000, 300.5)
    assert moves(found, *again) == ([(2, -300.5)], 2)


def test_two_changes_within_a_row() -> None:
    """All was 0 for long, and is back the moment after that was believed."""
    found = rows((4000, 10), (4000.3, 4010.3))
    two = a_break(1, 4000, 0), a_break(1, 0, 4000, seconds=110)
    assert moves(found, *two) == ([(1, -4000.0)], 2)


def test_two_changes_of_which_none_was_shown_at_once() -> None:
    """Home Assistant was killed twice before it showed anything."""
    found = rows((4000, 10), (4000, 10), (4000, 10), (70.2, 80.2))
    two = a_break(1, 4000, 300), a_break(2, 300.1, 70)
    assert moves(found, *two) == ([(3, -69.9)], 2)


def test_a_change_there_and_back_that_was_never_shown() -> None:
    found = rows((4000, 10), (4000, 10))
    two = a_break(1, 4000, 0), a_break(1, 0, 4000, seconds=110)
    assert moves(found, *two) == ([], 2)


def test_a_change_that_is_shown_before_one_that_is_not_yet() -> None:
    found = rows((4000, 10), (300.1, 310.1))
    two = a_break(1, 4000, 300), a_break(1, 300.1, 70, seconds=200)
    assert moves(found, *two) == ([(1, -300.0)], 1)


@pytest.mark.parametrize(("after", "use"), [(300.0, 300.0), (9000.0, 4000.0)])
def test_what_the_user_says_is_use_is_counted(after: float, use: float) -> None:
    told = replace(a_break(1, 5000, after), is_use=True)
    booked = after if after < 5000 else after - 5000
    found = rows((5000, 10), (after + 0.2, 10.2 + booked))
    assert booked == use
    assert moves(found, told) == ([], 1)
