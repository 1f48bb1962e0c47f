"""One thread or all: which is cheaper now, learnt for each kind of call from the time that its calls take."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator
from typing import NamedTuple

SHARE = 1 / 32  # of the time of calls that may be lost by trying the other number of threads
FIRST, MOST_CREDIT = 5e-3, 0.1  # seconds that may be lost so before any call has earned them, and at most
TRIAL = 3  # calls of a trial; the first on threads wakes those that sleep, and does not count
SOONEST, LATEST = 0.01, 0.5  # seconds between two trials: twice as long after each that changes nothing
WEIGHT = 1 / 8  # of the latest call in an average
ORDINARY, STALL = 2.0, 16.0  # times the average of one thread: what a call counts at most, on one thread and on all
GAIN = 0.95  # threads are taken up where they need at most this share of the time
LATE = 2e-4  # seconds beyond twice the time of one thread after which a trial of threads is over
SLOW = 1e-10  # seconds that a multiply-add takes at most on one thread, before that has been measured
MOST_KINDS = 1000  # kinds of calls that are remembered


class Kind(NamedTuple):
    """A key: the kernel's address or another name for the work, the bits of the number of multiply-adds, and whether the pause
    before the call is none, short or long: 0, 1 or 2."""

    kernel: int | str
    bits: int
    pause: int


class Learnt(NamedTuple):
    """What is known of one kind of call: its key, the most threads it may use, how many it uses now, and the time that all of
    them take, as a share of what one takes."""

    key: Hashable
    most: int
    threads: int
    share: float


class Choice:
    """The choice between one thread and `most` for one kind of call.

    The number of threads that is cheaper is used, and the other one is tried now and then, for as little as `SHARE` of the time.
    One thread is the safe choice: a call that stalls on threads, as beside busy processes, ends their use at once.

    Several Python threads may use a choice at once, and an interrupt may come at any instruction: every change is one attribute
    set, and whatever is lost between two of them makes an average a little less exact.
    """

    __slots__ = ("all", "counted", "credit", "fresh", "gap", "left", "lost", "most", "next", "one", "price", "saved", "total",
                 "using")

    one: float | None
    all: float | None

    def __init__(self, most: int) -> None:
        self.most, self.using, self.fresh = most, most, True
        self.one, self.all = None, None
        self.left, self.counted, self.total, self.lost = 0, 0, 0.0, 0.0  # of a trial: calls, those counted, their time, excess
        self.credit, self.price, self.gap, self.next, self.saved = FIRST, 0.0, SOONEST, 0.0, 0.0

    def threads(self, now: float) -> int:
        """The number of threads for a call that begins at `now`, in seconds: one or `most`."""
        if self.left > 0:
            return self._other
        if now < self.next or self.all is None and self.one is None:
            return self.using
        if self.credit >= self.price or (self.using == 1 and now >= self.next + LATEST):
            self.counted, self.total, self.lost = 0, 0.0, 0.0
            self.left = TRIAL
            return self._other
        return self.using

    def took(self, threads: int, started: float, ended: float, units: float) -> None:
        """Learn from a call on so many threads, which did `units` multiply-adds from `started` to `ended`, in seconds."""
        rate = (ended - started) / units
        if self.fresh:  # it may have compiled, or started the threads
            self.fresh = False
        elif self.left > 0 and threads == self._other:
            self._tried(threads, rate, ended, units)
        elif threads > 1:
            self._shared(rate, ended, units)
        else:
            self.one = rate if self.one is None else _mean(self.one, rate, ORDINARY * self.one)
            self.credit = min(self.credit + SHARE * rate * units, MOST_CREDIT)

    @property
    def _other(self) -> int:
        return self.most if self.using == 1 else 1

    def _shared(self, rate: float, ended: float, units: float) -> None:
        """Learn from a call on all threads outside of a trial."""
        one, all_threads = self.one, rate if self.all is None else self.all
        if one is None:
            self.all = min(all_threads, rate)
            self.price = (TRIAL - 1) * min((self.most - 1) * self.all, SLOW) * units
            self.credit = min(self.credit + SHARE * rate * units, MOST_CREDIT)
            return
        self.all = _mean(all_threads, rate, STALL * one)
        excess = (rate - one) * units
        self.credit = min(self.credit + SHARE * rate * units, MOST_CREDIT) - max(excess, 0.0)
        self.saved -= excess
        if self.all > one and self.using > 1:
            if self.saved > 0:  # since they were taken up threads saved more than their stalls cost
                self.gap = SOONEST
            self.price = max(excess, 0.0)
            self._settle(1, ended)
        else:
            self.price = TRIAL * min(max(one - self.all, 0.0), (self.most - 1) * self.all) * units

    def _tried(self, threads: int, rate: float, ended: float, units: float) -> None:
        """Learn from a call of a trial, and choose after the last."""
        current = self.all if threads == 1 else self.one
        excess = 0.0 if current is None else max(rate - current, 0.0) * units
        self.lost += excess
        self.credit -= excess
        if self.left < TRIAL or threads == 1:
            self.counted += 1
            self.total = rate if self.counted == 1 else min(self.total, rate) if threads == 1 else self.total + rate
        late = threads > 1 and current is not None and rate * units > 2 * current * units + LATE
        self.left = 0 if late else self.left - 1
        if self.left > 0:
            return
        if threads == 1:
            fastest = self.total if self.counted else rate
            self.one = fastest if self.one is None else min(fastest, ORDINARY * self.one)
            better = self.all is not None and self.all > GAIN * self.one
        else:
            self.all = self.total / self.counted if self.counted and not late else rate
            better = not late and self.one is not None and self.all < GAIN * self.one
        self.price = self.lost
        self._settle(threads if better else self.using, ended)

    def _settle(self, threads: int, now: float) -> None:
        """Use so many threads until the next trial."""
        self.next = now + self.gap
        self.gap = min(2 * self.gap, LATEST)
        if threads != self.using:
            self.saved = 0.0
        self.using = threads


def _mean(mean: float, latest: float, most: float) -> float:
    return mean + WEIGHT * (min(latest, most) - mean)


class Learner:
    """The choices of this process, each under a key that tells kinds of calls apart."""

    def __init__(self) -> None:
        self.learning = True
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._choices: dict[tuple[Hashable, int], Choice] = {}

    def choice(self, key: Hashable, most: int) -> Choice:
        """The choice between one thread and `most` for calls of this kind."""
        found = self._choices.get((key, most))
        if found is None:
            if len(self._choices) >= MOST_KINDS:
                self.forget()
            found = self._choices.setdefault((key, most), Choice(most))
        return found

    def learnt(self) -> list[Learnt]:
        """What is known of each kind of call of which both have been tried."""
        return [Learnt(key, most, choice.using, choice.all / choice.one) for (key, most), choice in list(self._choices.items())
                if choice.one is not None and choice.all is not None]

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Inside it nothing is learnt or chosen: calls use all the threads that they may."""
        before = self.learning
        self.learning = False
        try:
            yield
        finally:
            self.learning = before
