"""Sweeps: one function at many settings, each run once, whatever is killed meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from . import checks, sweep_checks
from .drive import Drive
from .endings import interrupted
from .first_return import FirstReturn
from .outcome import NoDict
from .progress import progress_bar
from .results import SweepResult, is_finite
from .settings import settings_of
from .typing import Outcome, Row, Settings
from .values import from_text

if TYPE_CHECKING:
    from .store import Store


def sweep(run: Callable[..., Mapping[str, Any]], grid: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]], *,
          executor: Executor | str | None = None, store: str | os.PathLike[str] | None = None, retries: int = 1,
          progress: bool = True, workers: int | None = None, key: str | None = None, largest: bool = False,
          retry_errors: bool = False, version: str | int | None = None) -> SweepResult:
    """Run a function at every setting of a grid.

    Each run depends on its settings alone, so the rows are the same for every executor, number of workers and order of finishing;
    randomness comes in by a setting, as in ``{"rate": [0.1, 0.3], "seed": range(5)}``.

    Parameters
    ----------
    run : callable
        ``run(**settings)`` returns a dict of results. What is the same in all runs is best bound by `functools.partial`: it is sent
        to each process once.
    grid : mapping of str to a list of values, or iterable of dicts
        A mapping gives the product of its lists, the last name fastest; `random_settings` draws a sample. NumPy scalars are handed
        on as Python's numbers.
    executor : None, "threads" or concurrent.futures.Executor
        None: processes, spawned, with their share of the cores (BLAS, Numba, the engine), that load kernels from the cache. A
        script calls `sweep` under ``if __name__ == "__main__":`` then. "threads" is for runs that spend their time in kernels,
        which release the GIL. Another executor (Dask's ``Client.get_executor()``, ``MPIPoolExecutor``, loky's) stays open.
    store : path, optional
        An SQLite file that has a committed row for each finished run. Called again with the same file, a sweep goes on where it
        stopped or was killed; only what was in flight then is begun again. Sweeps that use one file at the same time share the
        work. A run is known by its settings (1, 1.0 and True are three settings; equal settings are one run) and by the function:
        its name, its code, and what `partial`, an object or a closure binds it to; where any of these changes, everything is run
        anew, unless there is a `version`. A run that raised is finished too, unless there is `retry_errors`. `load_sweep` reads
        the file without the function.
        Settings and results must then be None, bool, numbers, text, bytes, or lists, tuples, dicts and arrays of these; they come
        back exactly, NaN included, NumPy scalars as Python's numbers.
    retries : int
        How many more times a run is tried after a process ended under it alone; then that is its `error`. Other runs that the
        same process's end took with it are begun again and not charged. An executor that was given is not mended.
    progress : bool
        Show a progress bar (tqdm). Those of fits inside the runs are not drawn.
    workers : int, optional
        Processes or threads; as many as there are cores where None. Of an executor that was given: runs it holds at a time, all
        where None.
    key : str, optional
        The returned number whose best so far the progress bar shows.
    largest : bool
        Whether the best is the largest.
    retry_errors : bool
        Run again what has an error in the store. The old errors stay there until the new outcomes replace them.
    version : str or int, optional
        Stands for the code of `run` in the store: what is stored stays valid while you change the code, until you change the
        version. What `partial` binds still counts.

    Returns
    -------
    SweepResult
        Its `.rows` are dicts in the grid's order: the settings, the returned keys, `error` (None or a traceback).

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated, or the settings are no keywords of `run`; and, after the first run, where that returned
        no dict.
    RuntimeError
        Where processes cannot start, the executor that was given breaks, or the store is locked or cannot be written; what finished
        stays in the store.
    KeyboardInterrupt
        Ctrl-C. It says how many runs are finished and where they are kept, and has them as its `.result`, a SweepResult.

    See Also
    --------
    random_settings : Settings drawn from distributions.
    SweepResult : What it returns.

    Examples
    --------
    >>> from schedulers import sweep
    >>> def run(rate, steps):
    ...     return {"left": (1 - rate) ** steps}
    >>> result = sweep(run, {"rate": [0.1, 0.5], "steps": [1, 2]}, executor="threads", progress=False)
    >>> result.rows[1]
    {'rate': 0.1, 'steps': 2, 'left': 0.81, 'error': None}
    >>> result.best("left")["rate"]
    0.5
    """
    from .store import Store  # with the next, 20 ms of every import
    from .workers import crew

    settings = settings_of(grid)
    run, executor = sweep_checks.function(run, settings), sweep_checks.executor(executor)
    workers, retries = sweep_checks.workers(workers), checks.whole_number(retries, "retries", 0)
    key, version = sweep_checks.key(key), sweep_checks.version(version)
    retry_errors = sweep_checks.flag(retry_errors, "retry_errors")
    outcomes: dict[int, Outcome] = {}
    with nullcontext() if store is None else Store(store, run, version, retry_errors) as kept:
        names: list[Any] = [kept.key(one) for one in settings] if kept else list(range(len(settings)))
        first = {name: task for task, name in reversed(list(enumerate(names)))}  # equal settings are one run
        found = kept.finished() if kept else {}
        tasks: list[int] = []
        for task in sorted(first.values()):
            if kept and names[task][0] in found:
                outcomes[task] = found[names[task][0]]
            else:
                tasks.append(task)
        if kept:
            kept.place((names[task], settings[task]) for task in sorted(first.values()))

        def rows() -> SweepResult:
            return SweepResult((_row(one, *outcomes[first[name]]) for one, name in zip(settings, names) if first[name] in outcomes),
                               dict.fromkeys(name for one in settings for name in one))

        with _Bar(progress, len(first), key, largest) as bar:
            for returned, error in outcomes.values():
                bar.show(returned, error)

            def keep(task: int, error: str) -> None:
                if kept:
                    kept.add(names[task], None, error)

            returned_before = any(error is None for _, error in outcomes.values())
            unsaved: list[int] = []
            judge = FirstReturn(() if returned_before else tasks, settings, keep)

            def finish(task: int, returned: Any, error: str | None, elsewhere: bool = False) -> None:
                outcomes[task] = returned, error
                if kept and not elsewhere and not isinstance(error, NoDict):
                    unsaved.append(task)
                    kept.add(names[task], returned, error)
                    unsaved.pop()
                judge.see(task, error)
                bar.show(returned, error)

            if tasks:
                others = _Others(kept, names) if kept else None
                hands = crew(executor, run, kept is not None, len(tasks), workers)
                try:
                    Drive(hands, tasks, settings, retries, finish, others).run()
                except KeyboardInterrupt:
                    if kept:
                        for task in unsaved:  # it came while they were written
                            kept.add(names[task], *outcomes[task])
                    raise interrupted(rows(), len(outcomes), len(first), store) from None
    return rows()


class _Others:
    """Other sweeps on a store, by the numbers of this sweep's tasks."""

    def __init__(self, store: Store, names: Sequence[tuple[str, str]]) -> None:
        self._store, self._names, self.keep = store, names, store.keep_claims

    def claim(self, task: int) -> bool:
        """Whether this sweep may begin a run."""
        return self._store.claim(self._names[task])

    def outcome(self, task: int) -> Outcome | None:
        """What another sweep made of it, or None."""
        return self._store.outcome(self._names[task])


def _row(settings: Settings, returned: Any, error: str | None) -> Row:
    return {**settings, **_values(returned), "error": error}


def _values(returned: Any) -> dict[str, Any]:
    """What a run returned, a dict; from its text where it was stored."""
    return from_text(returned) if isinstance(returned, str) else returned or {}


class _Bar:
    """How many runs are finished, how many have an error, and the best so far."""

    def __init__(self, shown: bool, total: int, key: str | None, largest: bool) -> None:
        self._bar, self._key, self._sign, self._errors = None, key, -1 if largest else 1, 0
        self._best: float | None = None
        if shown:
            self._bar = progress_bar(total=total, unit="run")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, returned: Any, error: str | None) -> None:
        """One more is finished."""
        if self._bar is None:
            return
        value = _values(returned).get(self._key) if self._key else None
        if is_finite(value) and (self._best is None or self._sign * value < self._sign * self._best):
            self._best = value
        self._errors += error is not None
        said: dict[str, object] = {"errors": self._errors} if self._errors else {}
        if self._best is not None:
            said[f"best {self._key}"] = f"{self._best:.4g}"
        self._bar.set_postfix(said, refresh=False)
        self._bar.update()
