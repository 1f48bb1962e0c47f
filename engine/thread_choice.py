"""One thread or all: which is cheaper now, learnt for each kind of call from the time that its calls take."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Hashable, Iterator
from typing import NamedTuple

SHARE = 1 / 50  # of the time of calls that may be lost by trying the other number of threads
FIRST = 5e-3  # seconds that may be lost so before any call has earned them
TRIAL, LONG = 3, 5e-3  # calls of a trial, which is over too once they have taken so many seconds
SOONEST = 5e-3  # seconds of calls between two trials, at least
WEIGHT, ORDINARY = 1 / 8, 2.0  # of the latest call in an average, and how many times the average it counts at most
STALL = 100.0  # times the other number's average: what a call of a trial costs at most
GAIN = 0.95  # threads are taken up where they need at most this share of the time
LATE = 2e-4  # seconds beyond twice the time of one thread after which a trial of threads is over
SAVED, SAVED_CALLS = 1e-2, 8  # what threads may lose of what they saved: seconds, or calls on one thread where that is more
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

    The number of threads that is cheaper is used, and the other one is tried now and then, so seldom that trials cost `SHARE` of
    the time. Threads keep an account: each call adds the time that it saved against one thread's average, or takes off what it
    lost, and threads are left once the account is overdrawn. So a stall now and then, as on an idle machine, does not end the use
    of threads that pay, and beside busy processes threads never lose more than they saved before.

    Several Python threads may use a choice at once, and an interrupt may come at any instruction: every change is one attribute
    set, and whatever is lost between two of them makes an average a little less exact.
    """

    __slots__ = ("all", "begun", "most", "one", "saved", "tried", "until", "using")

    one: float | None
    all: float | None
    tried: list[float]

    def __init__(self, most: int) -> None:
        self.most, self.using, self.begun = most, most, False
        self.one, self.all = None, None  # seconds for each multiply-add, the averages of ordinary calls
        self.until, self.tried = math.inf, []  # seconds of calls before the next trial; the calls of this one
        self.saved = 0.0  # seconds, by all threads

    @property
    def trying(self) -> bool:
        """Whether the next call is one of a trial, or the first from which anything can be learnt."""
        return self.until <= 0 or self.all is None

    def threads(self) -> int:
        """The number of threads for the next call: one or `most`."""
        return self.using if self.until > 0 else self._other

    def took(self, threads: int, seconds: float, units: float) -> None:
        """Learn from a call on so many threads, which did `units` multiply-adds."""
        rate = seconds / units
        if not self.begun:  # it may have compiled, or started the threads
            self.begun = True
        elif threads != self.using:
            if self.until <= 0:
                self._tried(rate, units)
        elif self.one is None:
            self.all = rate if self.all is None else min(self.all, rate)
            worst = (self.most - 1) * self.all * units  # what a call on one thread can take longer
            self.until = min(self.until, max(worst - FIRST, 0.0) / SHARE) - seconds
        else:
            self.until -= seconds
            if threads == 1:
                self.one = _mean(self.one, rate)
            else:
                self._shared(rate, self.one, units)

    @property
    def _other(self) -> int:
        return self.most if self.using == 1 else 1

    def _shared(self, rate: float, one: float, units: float) -> None:
        """Learn from a call on all threads outside of a trial."""
        self.all = rate if self.all is None else _mean(self.all, rate)
        self.saved = min(self.saved + (one - rate) * units, max(SAVED, SAVED_CALLS * one * units))
        if self.saved < 0:
            self._use(1, _excess(rate, one) * units, one * units)

    def _tried(self, rate: float, units: float) -> None:
        """Learn from a call of a trial, and choose after the last."""
        current = self.one if self.using == 1 else self.all
        assert current is not None
        tried = [*self.tried, rate]
        late = self.using == 1 and (rate - 2 * current) * units > LATE
        if len(tried) < TRIAL and sum(tried) * units < LONG and not late:
            self.tried = tried
            return
        if self.using == 1:
            counted = tried[1:] or tried  # the first call wakes threads that sleep
            self.all = rate if late else sum(counted) / len(counted)
            better = self.all < GAIN * current
        else:
            self.one = min(tried) if self.one is None else min(*tried, ORDINARY * self.one)
            better = current > GAIN * self.one
        self._use(self._other if better else self.using, sum(_excess(rate, current) for rate in tried) * units, current * units)

    def _use(self, threads: int, lost: float, seconds: float) -> None:
        """Use so many threads until the next trial. `lost` were the seconds that led to this, a call takes so many `seconds`."""
        if threads != self.using:
            self.saved = seconds
        self.using, self.tried = threads, []
        self.until = max(lost / SHARE, SOONEST)


def _mean(mean: float, latest: float) -> float:
    return mean + WEIGHT * (min(latest, ORDINARY * mean) - mean)


def _excess(rate: float, usual: float) -> float:
    return max(min(rate, STALL * usual) - usual, 0.0)


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
