"""Hand runs to workers until each has an outcome, whoever dies meanwhile."""

import traceback
from collections import Counter, deque
from concurrent.futures import BrokenExecutor, CancelledError
from queue import Empty, SimpleQueue


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
    """

    def __init__(self, workers, tasks, settings, retries, finish):
        self._workers, self._settings, self._retries, self._finish = workers, settings, retries, finish
        self._waiting, self._suspects, self._alone = deque(tasks), deque(), False
        self._flying, self._done, self._lost, self._tries, self._broken = {}, SimpleQueue(), [], Counter(), None

    def run(self):
        """Until all are done; whatever interrupts, what had finished is handed on."""
        try:
            while self._waiting or self._suspects or self._flying:
                self._hand_out()
                if self._flying:
                    self._take(self._done.get())
                if not self._flying:
                    self._alone = False
                    if self._broken is not None:
                        self._mend()
        except BaseException:
            self._workers.stop()
            self._take_what_is_there()
            raise
        self._workers.close()

    def _hand_out(self):
        source, room = (self._suspects, 1) if self._suspects or self._alone else (self._waiting, self._workers.window)
        while self._broken is None and source and len(self._flying) < room:
            task = source.popleft()
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
            self._charge(task, "".join(traceback.format_exception(error)))
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
