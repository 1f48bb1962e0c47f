"""Functions for sweeps, in a module that worker processes can import quickly; and a script that sweeps, to be killed."""

import os
import pathlib
import signal
import sys
import time

import numpy as np

from schedulers import share, sweep


def product(a, b=1):
    """Every kind of what a store can hold."""
    return {"score": a * b, "array": np.arange(a, dtype=np.float32), "pair": (a, [b, None]), "text": f"{a}×{b}",
            "wide": np.float32(a) / 3, "lost": float("nan"), "far": -float("inf"), "sure": np.bool_(a > b)}


def drawn(seed):
    """A number that depends on the seed."""
    time.sleep(0.002 * (seed % 3))
    return {"number": np.random.default_rng(seed).standard_normal()}


def fragile(a):
    """What can go wrong inside a run."""
    if a == 1:
        raise ZeroDivisionError("a is 1")
    if a == 2:
        sys.exit("a is 2")
    returned = {3: [3], 4: {"a": 4}, 5: {"error": 5}, 6: {6: 6}}
    return returned.get(a, {"score": a})


def note(folder, name):
    """One line more in a file that processes share."""
    with open(pathlib.Path(folder) / name, "a") as file:
        file.write(f"{os.getpid()}\n")


def times(folder, name):
    """Lines in such a file."""
    path = pathlib.Path(folder) / name
    return len(path.read_text().splitlines()) if path.exists() else 0


def deadly(a, folder, deaths):
    """Ends its process the first deaths[a] times, by a signal or not."""
    note(folder, f"{a}")
    if times(folder, f"{a}") <= deaths.get(a, 0):
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL) if a % 2 else os._exit(a)
    time.sleep(0.02)
    return {"score": a}


def slow(a, folder):
    """Notes that it began."""
    note(folder, f"{a}")
    time.sleep(0.02)
    return {"score": a * a}


def nothing(a, folder):
    """Forgets to return its results."""
    note(folder, f"{a}")
    time.sleep(0.02)


def with_a_bar(a):
    """Draws a bar, as fit does."""
    from schedulers.progress import progress_bar

    with progress_bar(total=1, desc="inner") as bar:
        bar.update()
    return {"score": a}


def shares():
    """What this worker may use."""
    return {"cores": share.cores(), "numba": os.environ["NUMBA_NUM_THREADS"], "blas": os.environ["OPENBLAS_NUM_THREADS"]}


def engine_threads(i):
    """What the engine uses in this worker."""
    from engine import pool

    time.sleep(0.02)
    return {"threads": pool.num_threads()}


def closed(x):
    """Results that cannot leave their process, and settings that cannot enter it."""
    return {"function": lambda: x}


SLOW = range(40)


if __name__ == "__main__":
    sweep(slow, [{"a": a, "folder": sys.argv[1]} for a in SLOW], store=sys.argv[2], workers=2, executor=(sys.argv[3:] or [None])[0],
          progress=False)
