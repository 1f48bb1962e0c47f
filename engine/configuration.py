"""The configuration: how many threads the engine uses, and what it runs on."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import scipy

from . import checks, pool
from .kernels.numba_internals import cpu_and_features, versions


def set_num_threads(k: int) -> None:
    """Use `k` threads, the caller's own included, in every later call of this process.

    Parameters
    ----------
    k : int
        At least 1. It may exceed the number of cores. No result depends on it.

    Notes
    -----
    `k` is the most that a call uses. Small work stays on the caller's thread, and so does work that at present takes less time
    there, as beside other programs that keep the cores busy: `show_config` tells what calls have taught.

    See Also
    --------
    show_config : What the engine runs on.

    Examples
    --------
    >>> import engine
    >>> engine.set_num_threads(2)
    """
    pool.resize(checks.whole_number(k, "k", 1))


def show_config() -> dict[str, Any]:
    """Print what the engine runs on: versions, the CPU that LLVM compiles for, the number of threads, the cache of kernels.

    Returns
    -------
    dict
        The same values by name. "learnt" is what the calls of this process have taught about threads: a list with a dict for each
        kernel, size of work and pause before the call of which both one thread and all have been tried,

        - kernel: its name, or that of a compiled run of batch steps,
        - multiply_adds: the work is less than this, and at least half of it,
        - pause: seconds that pass before such a call, at least: 0, 0.0002 or 0.002,
        - threads: how many are used now, one or `most`,
        - most: how many may be,
        - share: the time that `most` take, as a share of what one takes.

    See Also
    --------
    set_num_threads : Change the number of threads.

    Examples
    --------
    What the calls of this process have taught so far, nothing where all of them were small:

    >>> import engine
    >>> found = engine.show_config()  # doctest: +ELLIPSIS
    python ...
    threads ...
    >>> for kind in found["learnt"]:
    ...     assert kind["threads"] in (1, kind["most"]) and kind["share"] > 0
    """
    from .kernels.forward import propagate

    found = {"python": platform.python_version(), **versions(), "numpy": np.__version__, "scipy": scipy.__version__,
             "cpu": cpu_and_features()[0], "threads": pool.thread_count(),
             "cache": propagate.stats.cache_path if hasattr(propagate, "stats") else None}
    for name, value in found.items():
        print(f"{name:10} {value}")
    found["learnt"] = pool.learnt()
    for i, kind in enumerate(found["learnt"]):
        print(f"{'' if i else 'learnt':10} {_said(kind)}")
    return found


def _said(kind: dict[str, Any]) -> str:
    """What was learnt of one kind of call, in a line."""
    pause = f"after {1e3 * kind['pause']:g} ms or more" if kind["pause"] else "at once after another call"
    threads = f"{kind['threads']} thread{'s' if kind['threads'] > 1 else ''}"
    return (f"{kind['kernel']}, up to {kind['multiply_adds']:.1e} multiply-adds, {pause}: {threads}; "
            f"{kind['most']} take {kind['share']:.2f} of the time of one")
