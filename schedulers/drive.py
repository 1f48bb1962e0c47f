"""Hand runs to workers until each has an outcome, whoever dies meanwhile."""

import traceback
from collections import Counter, deque
from concurrent.futures import BrokenExecutor, CancelledError
from queue import Empty, SimpleQueue

from .outcome import printable

PAUSE = 0.1  # seconds between looks at runs that other sweeps have begun
BEAT = 5.0  # seconds after which a sweep that waits for its own runs says that it lives


class Drive:
    """Runs on their way through workers.

    A process that dies takes the whole pool with it, and which of the runs in flight was its end cannot be known. So each of them
    is run again alone, and one that ends a process when alone is charged: `retries` more tries, then that is its outcome.

    Parameters
    ----------
    workers : Processes, Threads or Given
    tasks : sequence of int
        In the order in which they are begun.
    settings : list of dict
        Of each task.
    retries : int
    finish : callable
        ``finish(task, returned, error)``, once for each.
    others : object, optional
        What other sweeps on the same store do: ``claim(task)`` says whether this one may begin a run, ``outcome(task)`` gives what
        another one made of it or None, ``keep()`` tells them that this one lives.
    """

    def __init__(self, workers, tasks, settings, retries, finish, others=None):
        self._workers, self._settings, self._retries, self._finish, self._others = workers, settings, retries, finish, others
        self._waiting, self._alone, self._broken = deque(tasks), False, None
        self._suspects: deque[int] = deque()
        self._elsewhere: deque[int] = deque()
        self._done: SimpleQueue = SimpleQueue()
        self._tries: Counter[int] = Counter()
        self._flying: dict = {}
        self._lost: list[int] = []
        self._mine = set()

    def run(self):
        """Until all are done; whatever interrupts, what had finished is handed on."""
        try:
            while self._waiting or self._suspects or self._flying or self._elsewhere:
                self._hand_out()
                self._wait()
                if not self._flying:
                    self._alone = False
                    if self._broken is not None:
                        self._mend()
        except BaseException:
            self._workers.stop()
            self._take_what_is_there()
            raise
        self._workers.close()

    def _wait(self):
        """For one of this sweep's runs to end; meanwhile look at what others have begun."""
        if self._others is None:
            if self._flying:
                self._take(self._done.get())
            return
        if self._flying or self._elsewhere:
            try:
                self._take(self._done.get(timeout=PAUSE if self._elsewhere else BEAT))
            except Empty:
                self._look_elsewhere()
        self._others.keep()

    def _look_elsewhere(self):
        """Take over what other sweeps have finished; what one of them no longer runs is waiting again."""
        for _ in range(len(self._elsewhere)):
            task = self._elsewhere.popleft()
            outcome = self._others.outcome(task)
            if outcome is not None:
                self._finish(task, *outcome, elsewhere=True)
            elif len(self._flying) < self._workers.window and not self._waiting:
                self._waiting.append(task)  # asks for it again
            else:
                self._elsewhere.append(task)

    def _claimed(self, task):
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

    def _hand_out(self):
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

    def _take(self, future):
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

    def _mend(self):
        how, lost = self._workers.mend(self._broken), sorted(self._lost)
        self._broken, self._lost = None, []
        if len(lost) == 1:
            self._charge(lost[0], f"WorkerDied: the process of this run ended under it, {self._tries[lost[0]] + 1} times ({how})\n")
        else:
            self._suspects.extend(lost)

    def _charge(self, task, error):
        self._tries[task] += 1
        if self._tries[task] > self._retries:
            self._finish(task, None, error)
        else:
            self._suspects.appendleft(task)

    def _take_what_is_there(self):
        while True:
            try:
                future = self._done.get_nowait()
            except Empty:
                return
            if not future.cancelled() and future.exception() is None:
                self._finish(self._flying.pop(future), *future.result())
