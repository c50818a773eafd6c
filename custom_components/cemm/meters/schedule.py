"""When to ask a meter: in step with its measurements, just after each can be read."""

from math import ceil, inf

LONGEST_BACK_OFF = 300.0
"""Seconds between questions to a service that is in trouble itself."""

# Until the cadence is known, a meter is asked often. Some have no cadence: this ends it.
_QUESTIONS_TO_LEARN = 8
# Agreeing intervals beyond these add no trust.
_ENOUGH = 4
# How far apart two clocks may drift, in seconds per second, with room to spare.
_DRIFT = 2e-4
# How much of the delay may stay unknown, in seconds and as a share of the cadence: nobody
# waits for the gas of this very second.
_MARGIN = 0.2
_MARGIN_SHARE = 0.02
_LONGEST_MARGIN = 15.0
# The share of what is unknown that an early question may cut off. It is less than half:
# asking too early costs a request and `shortest` seconds, too late only what it is late.
_RISK = 0.25

# A meter is asked once between two expected measurements, but only once in this time
# (seconds): it may measure more often than it did, or be read sooner.
_GLANCE_EVERY = 3600.0


class Schedule:
    """When to ask one meter next.

    All times are monotonic seconds, except those of the measurements: these come from the
    CEMM's clock, which may be wrong. How far it is off and how long it takes until a
    measurement can be read are one unknown, the delay. Every new measurement narrows it
    down: it could be read at the question that found it, and not yet at the one before.

    `shortest` and `longest` are the seconds between two questions. A meter that is known to
    measure less often than `longest` is asked as seldom as it measures, and once an hour
    in between.
    """

    def __init__(self, shortest: float = 5.0, longest: float = 60.0) -> None:
        self.due = 0.0
        """When to ask next; at first at once."""
        self._shortest = shortest
        self._longest = longest
        self._pause = shortest
        self._asked = -inf
        self._newest: float | None = None
        self._missed = False
        self._cadence = 0.0
        self._agreed = 0
        self._questions = 0
        # The delay is between these two, and has been as short as the third.
        self._too_early = self._well_timed = self._earliest = 0.0
        self._interval = 0.0
        self._glanced = -inf
        self._glance_at = inf

    def answered(self, measured: int | None, asked: float) -> None:
        """Take the newest time in the answer to the question sent at `asked`.

        `measured` is in milliseconds by the CEMM's clock, None if nothing was measured yet.
        """
        self._questions += 1
        newest = self._newest if measured is None else measured / 1000
        is_new = newest != self._newest
        if newest is not None and is_new:
            self._learn(newest, asked)
            self._newest = newest
            self._pause = self._shortest
        elif not self._missed and asked - self._asked > 1.5 * self._cadence:
            # At this cadence something must have come since the last question.
            self._cadence, self._agreed = 0.0, 0
        self.due = self._next(asked, is_new=is_new)
        self._asked = asked
        self._missed = not is_new

    def failed(self, asked: float, *, back_off: bool) -> None:
        """Note that the question sent at `asked` got no answer.

        With `back_off` the answering side is in trouble, and is left alone longer each time.
        Otherwise it is asked again steadily, so that the end of an outage is noticed soon.
        """
        if back_off:
            self._pause = min(self._pause * 2, LONGEST_BACK_OFF)
            self.due = asked + self._pause
        else:
            self.due = asked + min(2 * self._shortest, self._longest)

    def limit_wait(self) -> None:
        """Ask again after `longest` at the latest, however seldom the meter measures."""
        self.due = min(self.due, self._asked + self._longest)

    @property
    def _sure(self) -> bool:
        """Whether enough intervals agreed: more where an error would last for long."""
        return self._agreed >= (2 if self._cadence <= self._longest else 3)

    @property
    def _margin(self) -> float:
        return max(_MARGIN, min(self._cadence * _MARGIN_SHARE, _LONGEST_MARGIN))

    @property
    def _is_slow(self) -> bool:
        return self._cadence > self._longest

    def _learn(self, newest: float, asked: float) -> None:
        """Compare a new measurement with what was expected."""
        interval = newest - self._newest if self._newest is not None else 0.0
        steps = round(interval / self._cadence) if self._cadence else 0
        error = interval - steps * self._cadence
        expected = newest - error
        tolerance = min(1 + self._cadence / 1000, self._cadence / 4)
        # A step that was skipped counts against the cadence if the meter was asked then.
        skipped = steps > 1 and self._missed
        learned = self._sure
        if learned:
            self._questions = 0
        on_grid = steps > 0 and abs(error) <= tolerance
        if self._repeats(interval) and not (learned and on_grid and steps == 1):
            self._cadence, self._agreed = interval, 3
            self._narrow(newest, asked, interval * _DRIFT)
            return
        # A measurement found long before it was due comes from a clock that jumped by whole
        # cadences. If it is the next one of a slow meter, it can rather be read sooner now.
        too_soon = asked - expected <= self._too_early - tolerance
        if on_grid and (learned or not skipped):
            if not too_soon:
                self._agreed = min(self._agreed + (-1 if skipped else 1), _ENOUGH)
                self._narrow(expected, asked, interval * _DRIFT)
                self._cadence += error / steps / 8
                return
            if self._is_slow and steps == 1:
                self._too_early = max(self._asked, asked - self._cadence) - expected
                self._well_timed = asked - expected
                self._earliest = min(self._earliest, self._well_timed)
                return
        # A meter that has measured anew at each question may only show multiples of its
        # cadence: that also divides what two of them differ by.
        self._cadence = abs(interval if learned or on_grid else error)
        self._agreed = 1
        self._too_early, self._well_timed = -inf, asked - newest
        self._earliest = self._well_timed
        self._glanced = asked

    def _repeats(self, interval: float) -> bool:
        """Whether a long interval, in which the meter was asked in vain, came twice."""
        before = self._interval
        long = self._missed and interval > self._longest
        self._interval = interval if long else 0.0
        return long and abs(interval - before) <= 1 + interval / 1000

    def _narrow(self, expected: float, asked: float, drift: float) -> None:
        """Narrow the delay down by when an expected measurement was found."""
        # It could not be read at the last question, nor could the one after it at this.
        too_early = max(self._asked, asked - self._cadence) - expected
        well_timed = asked - expected
        # A contradiction to the past is jitter or a small step: look nearby, then further.
        nearby = max(self._margin, 4 * (self._well_timed - self._too_early))
        if too_early >= self._well_timed:
            well_timed = min(well_timed, too_early + nearby)
        else:
            # The past fades, so that the delay may also get shorter.
            too_early = max(too_early, self._too_early - drift)
            well_timed = min(well_timed, self._well_timed)
        self._too_early, self._well_timed = too_early, well_timed
        self._earliest = min(self._earliest + drift, well_timed)

    def _next(self, asked: float, *, is_new: bool) -> float:
        """Return when to ask after an answer to the question sent at `asked`."""
        soonest = asked + self._shortest
        if self._sure and self._newest is not None:
            unknown = self._well_timed - self._too_early
            risk = unknown * _RISK if unknown > self._margin else 0
            expected = self._newest + self._cadence + self._well_timed - risk
            # Whole cadences later where `shortest` does not allow the next one.
            if is_new and (early := soonest - self._margin - expected) > 0:
                expected += ceil(early / self._cadence) * self._cadence
            if expected > asked:
                latest = asked + max(self._longest, self._cadence)
                due = min(max(expected, soonest), latest)
                return self._glance(asked, due, is_new=is_new)
        elif self._questions < _QUESTIONS_TO_LEARN:
            # Two different pauses tell a cadence from a multiple of it.
            doubtful = self._cadence and is_new and not self._missed
            return asked + self._shortest * (4 / 3 if doubtful else 1)
        elif is_new:
            self._pause = 2 * self._shortest
        return asked + self._patience()

    def _glance(self, asked: float, due: float, *, is_new: bool) -> float:
        """Return when to ask once before `due`; `due` itself if that is not needed."""
        if asked >= self._glance_at:
            self._glance_at, self._glanced = inf, asked
        if is_new:
            self._glance_at = self._moment_between(asked, due)
        at = max(self._glance_at, asked + self._shortest)
        return at if at < due - self._shortest else due

    def _moment_between(self, asked: float, due: float) -> float:
        """Return when a question would tell most, if one may be asked before `due`."""
        assert self._newest is not None
        if not self._is_slow:
            return inf
        # Late, which also finds measurements that can be read sooner than before. But where
        # one was read early once, at that moment: a late one must not make all others late.
        at = max((asked + due) / 2, due - self._longest)
        soon = self._newest + self._cadence + self._earliest
        if due - soon > self._longest:
            at = soon
        return at if at - self._glanced > _GLANCE_EVERY - self._longest else inf

    def _patience(self) -> float:
        """Return a pause that gets longer each time."""
        pause = min(self._pause, self._longest)
        self._pause = min(2 * pause, self._longest)
        return pause
