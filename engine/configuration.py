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
        The same values by name.

    See Also
    --------
    set_num_threads : Change the number of threads.
    """
    from .kernels.forward import propagate

    found = {"python": platform.python_version(), **versions(), "numpy": np.__version__, "scipy": scipy.__version__,
             "cpu": cpu_and_features()[0], "threads": pool.thread_count(),
             "cache": propagate.stats.cache_path if hasattr(propagate, "stats") else None}
    for name, value in found.items():
        print(f"{name:10} {value}")
    return found
