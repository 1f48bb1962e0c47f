"""Beside one busy process a core: each call with all threads against one thread, in turn under the same load, after pauses too.

One thread is an upper bound for the caller (`schedulers.share.at_most`), so that the pool's threads stay, and fall asleep and are
woken, as they do in a user's process; and so does what calls have learnt of the load.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

from schedulers import share

from .peers.cases import WORK, Case
from .peers.in_engine import EVERY_CORE, Peer, set_threads

BUSY = "import os, sys\nos.sched_setaffinity(0, [int(sys.argv[1])])\nwhile os.getppid() == int(sys.argv[2]): pass"
CALLS = {"gradient": ["m 512", "A", "C"], "forward": "AC", "dense": "A", "jv": "C", "row_norms": "A", "ggn_v": "C",
         "adam_step": ["small"]}
EVERY_CALL = {"dense": "AC", "chains": "ABCD", "forward": "ABCD", "gradient": ["m 512", *"ABCDE"], "jv": "ABCD", "jtu": "ABCD",
              "row_norms": "ABCD", "gradient_norms": "ABCD", "ggn_v": "ABC", "gram": ["A600"], "adam_step": ["small"]}
PAUSES = 0, 0.5e-3, 5e-3  # seconds before each call
ALLOWED, SHARE = 50e-6, 0.25  # seconds, and of the median on one thread


def turn(work, pause, long):
    """The times of the calls that `long` seconds have room for, at least three, with a pause before each."""
    times, stop = [], time.perf_counter() + long
    while len(times) < 3 or time.perf_counter() < stop:
        if pause:
            time.sleep(pause)
        started = time.perf_counter()
        work.run()
        times.append((time.perf_counter() - started) / work.count)
    return times


def medians(work, pause, rounds, long):
    """The median call on one thread and on all, in turn."""
    times = {1: [], EVERY_CORE: []}
    for _ in range(rounds):
        for threads, taken in times.items():
            with share.at_most(1) if threads == 1 else contextlib.nullcontext():
                taken += turn(work, pause, long)
    return statistics.median(times[1]), statistics.median(times[EVERY_CORE])


def compiled(name, network, dtype):
    """The work, with its kernels compiled for one thread and for all; None where the engine does not have it."""
    work = getattr(Peer(Case.named(network, dtype)), name)()
    if work is not None:
        with share.at_most(1):
            work.run()
        work.run()
    return work


def main():
    """Print a line for each call; the exit status says whether all are within what is allowed."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.neighbours", description=__doc__)
    options.add_argument("--work", nargs="*", default=list(CALLS), choices=list(EVERY_CALL))
    options.add_argument("--every", action="store_true", help="every network that the work is timed on; else a few, in minutes")
    options.add_argument("--dtypes", nargs="*", default=["float32"])
    options.add_argument("--pauses", nargs="*", type=float, default=[1e3 * pause for pause in PAUSES], help="ms before each call")
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seconds", type=float, default=0.2, help="of each turn")
    asked = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    networks = EVERY_CALL if asked.every else CALLS
    set_threads(EVERY_CORE)
    calls = [(f"{WORK[name][0]}, {network}, {dtype}", compiled(name, network, dtype)) for name in asked.work
             for network in networks.get(name, EVERY_CALL[name]) for dtype in asked.dtypes]
    rows = [(name, work, pause / 1e3) for name, work in calls if work is not None for pause in asked.pauses]
    neighbours = [subprocess.Popen([sys.executable, "-c", BUSY, str(core), str(os.getpid())]) for core in cores]
    beyond = 0
    try:
        print(f"{'call':75} {'pause':>6} {'one thread':>11} {'all':>9} {'excess':>9} {'allowed':>9}  ms and µs")
        for name, work, pause in rows:
            alone, all_threads = medians(work, pause, asked.rounds, asked.seconds)
            excess, allowed = all_threads - alone, ALLOWED + SHARE * alone
            beyond += excess > allowed
            figures = " ".join(f"{1e6 * value:9.0f}" for value in (alone, all_threads, excess, allowed))
            print(f"{name:75} {1e3 * pause:6.1f}   {figures}  {'BEYOND' if excess > allowed else ''}", flush=True)
    finally:
        for process in neighbours:
            process.terminate()
    print(f"{beyond} of {len(rows)} beyond what is allowed")
    raise SystemExit(beyond > 0)


if __name__ == "__main__":
    main()
