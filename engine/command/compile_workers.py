"""Processes that compile parts of the kernels side by side, into one cache."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ROOT = str(pathlib.Path(__file__).parents[2])
WORKER = "from engine.command.compile_workers import serve; serve()"
Task = tuple[str, str]  # a dtype and the name of a part


def serve() -> None:
    """Compile the parts that are named on stdin, a line each, and answer each on stdout; until there are no more."""
    from .ahead import compile_part

    for line in sys.stdin:
        print(json.dumps(compile_part(*json.loads(line))), flush=True)


class Workers:
    """`count` processes that compile tasks, each once those that it comes after are done; `with` ends them, whatever happens.

    They have a session of their own, so that Ctrl-C reaches the caller alone, which ends them.
    """

    def __init__(self, count: int) -> None:
        path = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._processes: list[subprocess.Popen[str]] = [
            subprocess.Popen([sys.executable, "-c", WORKER], env=environment, start_new_session=True, **pipes)
            for _ in range(count)]
        self._changed = threading.Condition()
        self._done: dict[Task, Any] = {}
        self._failed = False

    def __enter__(self) -> Workers:
        return self

    def compile(self, tasks: Sequence[Task], after: Mapping[str, Sequence[str]], done: Callable[[Task, Any], object]) -> bool:
        """Compile tasks, and call `done` with each and what `compile_part` gave, in their order; whether all of them were."""
        left = list(tasks)
        threads = [threading.Thread(target=self._work, args=(process, left, after), daemon=True) for process in self._processes]
        for thread in threads:
            thread.start()
        for task in tasks:
            with self._changed:
                while task not in self._done and not self._failed:
                    self._changed.wait(0.2)
                if self._failed:
                    return False
            done(task, self._done[task])
        return True

    def _work(self, process: subprocess.Popen[str], left: list[Task], after: Mapping[str, Sequence[str]]) -> None:
        """Hand tasks to a process until none is left."""
        assert process.stdin is not None and process.stdout is not None
        while True:
            with self._changed:
                ready = None
                while left and not self._failed and ready is None:
                    ready = next((task for task in left
                                  if all((task[0], name) in self._done for name in after.get(task[1], ()))), None)
                    if ready is None:
                        self._changed.wait(0.2)
                if ready is None:
                    return
                left.remove(ready)
            try:
                process.stdin.write(json.dumps(ready) + "\n")
                process.stdin.flush()
                answer = json.loads(process.stdout.readline())
            except (OSError, ValueError):  # it has ended
                answer = None
            with self._changed:
                self._failed = self._failed or answer is None
                self._done[ready] = answer
                self._changed.notify_all()

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
