"""Beside one busy process a core: each call with all threads against one thread, in turn under the same load."""

import argparse
import os
import statistics
import subprocess
import sys
import time

from .peers.cases import WORK, Case
from .peers.in_engine import Peer, set_threads

BUSY = "import os, sys\nos.sched_setaffinity(0, [int(sys.argv[1])])\nwhile os.getppid() != 1: pass"
CALLS = {"dense": "AC", "chains": "ABCD", "forward": "ABCD", "gradient": "ABCDE", "jv": "ABCD", "jtu": "ABCD", "row_norms": "ABCD",
         "gradient_norms": "ABCD", "ggn_v": "ABC", "gram": ["A600"], "adam_step": ["small"]}
ALLOWED, SHARE = 300e-6, 0.25  # seconds, and of the median on one thread


def turn(work, long):
    """The times of the calls that `long` seconds have room for."""
    times, stop = [], time.perf_counter() + long
    while len(times) < 3 or time.perf_counter() < stop:
        started = time.perf_counter()
        work.run()
        times.append((time.perf_counter() - started) / work.count)
    return times


def medians(work, rounds, long):
    """The median call on one thread and on all, in turn."""
    times = {1: [], None: []}
    for _ in range(rounds):
        for threads, taken in times.items():
            set_threads(threads)
            work.run()
            taken += turn(work, long)
    return statistics.median(times[1]), statistics.median(times[None])


def main():
    """Print a line for each call; the exit status says whether all are within what is allowed."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.neighbours", description=__doc__)
    options.add_argument("--work", nargs="*", default=list(CALLS), choices=list(CALLS))
    options.add_argument("--dtypes", nargs="*", default=["float64", "float32"])
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seconds", type=float, default=0.15, help="of each turn")
    asked = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    works = []
    for name in asked.work:
        for network in CALLS[name]:
            for dtype in asked.dtypes:
                made = getattr(Peer(Case.named(network, dtype)), name)
                works.append((f"{WORK[name][0]}, {network}, {dtype}", made))
    neighbours = [subprocess.Popen([sys.executable, "-c", BUSY, str(core)]) for core in cores]
    beyond = 0
    try:
        print(f"{'call':75} {'one thread':>11} {'all':>9} {'excess':>9} {'allowed':>9}  µs")
        for name, build in works:
            work = build()
            if work is None:
                continue
            alone, all_threads = medians(work, asked.rounds, asked.seconds)
            excess, allowed = all_threads - alone, ALLOWED + SHARE * alone
            beyond += excess > allowed
            figures = " ".join(f"{1e6 * value:9.0f}" for value in (alone, all_threads, excess, allowed))
            print(f"{name:75}   {figures}  {'BEYOND' if excess > allowed else ''}", flush=True)
    finally:
        for process in neighbours:
            process.terminate()
    print(f"{beyond} of {len(works)} calls beyond what is allowed")
    raise SystemExit(beyond > 0)


if __name__ == "__main__":
    main()
