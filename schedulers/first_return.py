"""Stop a sweep whose function returns no results, before its other runs are done for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from . import sweep_checks as checks
from .outcome import NoDict
from .typing import Settings


class FirstReturn:
    """Judges by the first run, in the grid's order, that did not raise: it must return a dict.

    The order of finishing plays no part, so that the same sweep stops or goes on with every executor. Later runs that return no
    dict are rows with an error, as those that raise are; until the first one is judged they are kept back.

    Parameters
    ----------
    tasks : iterable of int
        In the order in which they are begun; none where a dict has been returned before.
    settings : list of dict
        Of each task.
    keep : callable
        ``keep(task, error)``, for each run that returned no dict, once it is known to be an exception among others.
    """

    def __init__(self, tasks: Iterable[int], settings: Sequence[Settings], keep: Callable[[int, str], None]) -> None:
        self._waiting, self._settings, self._keep = list(tasks)[::-1], settings, keep
        self._seen: dict[int, str | None] = {}
        self._stopped = False

    def see(self, task: int, error: str | None) -> None:
        """Take note of an outcome.

        Raises
        ------
        TypeError
            Where the first run that did not raise returned no dict.
        """
        self._seen[task] = error
        while self._waiting and self._waiting[-1] in self._seen:
            first = self._waiting.pop()
            found = self._seen[first]
            if isinstance(found, NoDict):
                self._stopped, self._waiting = True, []
                checks.no_results(found, self._settings[first])
            if found is None:
                self._waiting = []
        if not self._waiting:
            for one, late in self._seen.items():
                if isinstance(late, NoDict) and not self._stopped:
                    self._keep(one, late)
            self._seen = {}
