"""Hand runs to workers until each has an outcome, whoever dies meanwhile."""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from queue import Empty, SimpleQueue
from typing import Protocol

from .outcome import printable
from .typing import Outcome, Settings

PAUSE = 0.1  # seconds between looks at runs that other sweeps have begun
BEAT = 5.0  # seconds after which a sweep that waits for its own runs says that it lives


class Workers(Protocol):
    """What runs runs: processes, threads or a user's executor."""

    window: int  # runs that may be in flight at once

    def submit(self, settings: Settings) -> Future[Outcome]:
        """Begin a run."""

    def mend(self, error: BaseException) -> str:
        """Replace workers that broke, and say how the first of them died."""

    def stop(self) -> None:
        """End at once."""

    def close(self) -> None:
        """End once nothing is left to run."""


class Others(Protocol):
    """Other sweeps on the same store."""

    @property
    def keep(self) -> Callable[[], None]:
        """Tells them that this sweep lives."""

    def claim(self, task: int) -> bool:
        """Whether this sweep may begin a run."""

    def outcome(self, task: int) -> Outcome | None:
        """What another sweep made of a run, or None."""


class Drive:
    """Runs on their way through workers.

    A process that dies takes the whole pool with it, and which of the runs in flight was its end cannot be known. So each of them
    is run again alone, and one that ends a process when alone is charged: `retries` more tries, then that is its outcome.

    Parameters
    ----------
    workers : Workers
    tasks : sequence of int
        In the order in which they are begun.
    settings : list of dict
        Of each task.
    retries : int
    finish : callable
        ``finish(task, returned, error)``, once for each.
    others : Others, optional
        Other sweeps on the same store.
    """

    def __init__(self, workers: Workers, tasks: Sequence[int], settings: Sequence[Settings], retries: int,
                 finish: Callable[..., None], others: Others | None = None) -> None:
        self._workers, self._settings, self._retries, self._finish, self._others = workers, settings, retries, finish, others
        self._waiting, self._alone = deque(tasks), False
        self._broken: BaseException | None = None
        self._suspects: deque[int] = deque()
        self._elsewhere: deque[int] = deque()
        self._done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._tries: Counter[int] = Counter()
        self._flying: dict[Future[Outcome], int] = {}
        self._lost: list[int] = []
        self._mine: set[int] = set()

    def run(self) -> None:
        """Until all are done; whatever interrupts, what had finished is handed on."""
        try:
            while self._waiting or self._suspects or self._flying or self._elsewhere:
                self._hand_out()
                self._wait()
                if not self._flying:
                    self._alone = False
                    if self._broken is not None:
                        self._mend(self._broken)
        except BaseException:
            self._workers.stop()
            self._take_what_is_there()
            raise
        self._workers.close()

    def _wait(self) -> None:
        """For one of this sweep's runs to end; meanwhile look at what others have begun."""
        if self._others is None:
            if self._flying:
                self._take(self._done.get())
            return
        if self._flying or self._elsewhere:
            try:
                self._take(self._done.get(timeout=PAUSE if self._elsewhere else BEAT))
            except Empty:
                self._look_elsewhere(self._others)
        self._others.keep()

    def _look_elsewhere(self, others: Others) -> None:
        """Take over what other sweeps have finished; what one of them no longer runs is waiting again."""
        for _ in range(len(self._elsewhere)):
            task = self._elsewhere.popleft()
            outcome = others.outcome(task)
            if outcome is not None:
                self._finish(task, *outcome, elsewhere=True)
            elif len(self._flying) < self._workers.window and not self._waiting:
                self._waiting.append(task)  # asks for it again
            else:
                self._elsewhere.append(task)

    def _claimed(self, task: int) -> bool:
        """Whether this sweep may begin a run; another sweep may have finished it since, or be at it."""
        if self._others is None or task in self._mine:
            return True
        outcome = self._others.outcome(task)
        if outcome is not None:
            self._finish(task, *outcome, elsewhere=True)
            return False
        if not self._others.claim(task):
            self._elsewhere.append(task)
            return False
        self._mine.add(task)
        return True

    def _hand_out(self) -> None:
        source, most = (self._suspects, 1) if self._suspects or self._alone else (self._waiting, self._workers.window)
        while self._broken is None and source and len(self._flying) < most:
            task = source.popleft()
            if not self._claimed(task):
                continue
            try:
                future = self._workers.submit(self._settings[task])
            except BrokenExecutor as error:
                source.appendleft(task)
                self._broken = error
                return
            self._alone = source is self._suspects
            self._flying[future] = task
            future.add_done_callback(self._done.put)

    def _take(self, future: Future[Outcome]) -> None:
        task = self._flying.pop(future)
        try:
            outcome = future.result()
        except (BrokenExecutor, CancelledError) as error:
            self._broken = error
            self._lost.append(task)
        except Exception as error:  # it was lost on the way, by what the executor says
            self._charge(task, printable("".join(traceback.format_exception(error))))
        else:
            self._finish(task, *outcome)

    def _mend(self, error: BaseException) -> None:
        how, lost = self._workers.mend(error), sorted(self._lost)
        self._broken, self._lost = None, []
        if len(lost) == 1:
            self._charge(lost[0], f"WorkerDied: the process of this run ended under it, {self._tries[lost[0]] + 1} times ({how})\n")
        else:
            self._suspects.extend(lost)

    def _charge(self, task: int, error: str) -> None:
        self._tries[task] += 1
        if self._tries[task] > self._retries:
            self._finish(task, None, error)
        else:
            self._suspects.appendleft(task)

    def _take_what_is_there(self) -> None:
        while True:
            try:
                future = self._done.get_nowait()
            except Empty:
                return
            if not future.cancelled() and future.exception() is None:
                self._finish(self._flying.pop(future), *future.result())
