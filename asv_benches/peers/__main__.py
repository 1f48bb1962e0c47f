"""Print one table of ratios: how many times longer a peer takes than ours, both sides in turn, medians.

A library is a peer where it is installed (extra `peers`). Each runs in a process of its own, and only one at a time; its inputs are
in its own arrays, and it is warm. Whether all agree on the numbers is looked at first.
"""

import argparse
import importlib.util
import sys
import time

import numpy as np

from . import cold, table
from .cases import NETWORKS, WORK
from .process import Process
from .wanted import AT_MOST

PEERS = {"jax": "jax", "torch": "torch", "backpack": "backpack", "curvlinops": "curvlinops", "sklearn": "sklearn",
         "torch_lm": "torch_levenberg_marquardt", "numpy": "threadpoolctl", "limits": "numpy"}
WHOLE, QUICK = (5, 0.05, 4.0, 3), (3, 0.015, 1.0, 1)  # rounds, seconds of a turn, seconds after which so many rounds are enough
QUICK_NETWORKS = ["A", "C", "A600", "digits", "small", "tiny", "sinc", "width 4", "width 64"]
AGREE = {"float64": 1e-8, "float32": 2e-3}  # of the largest number


def options():
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m asv_benches.peers", description=__doc__)
    parser.add_argument("--work", nargs="*", default=[*WORK, "cold"], choices=[*WORK, "cold"], metavar="WORK",
                        help=f"of {', '.join(WORK)}, cold")
    parser.add_argument("--networks", nargs="*", help="of A to F and the others in cases.py")
    parser.add_argument("--dtypes", nargs="*", default=["float64", "float32"], choices=["float64", "float32"])
    there = [name for name, package in PEERS.items() if importlib.util.find_spec(package)]
    parser.add_argument("--peers", nargs="*", default=there, choices=list(PEERS), help=f"installed: {', '.join(there)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, on a third of the networks")
    parser.add_argument("--targets", action="store_true", help="only rows for which a ratio is wanted")
    parser.add_argument("--markdown", metavar="FILE", help="write the table between the file's markers")
    return parser.parse_args()


def agree(ours, theirs, dtype):
    """Whether two results are the same numbers; None where one of them gives none."""
    if ours is None or theirs is None:
        return None
    largest = max(map(abs, ours["some"]))
    return ours["size"] == theirs["size"] and bool(np.allclose(ours["some"], theirs["some"], 0, AGREE[dtype] * largest))


def take_turns(turns, pace):
    """Seconds [rounds, turns]: as many rounds as asked for, fewer once they took too long."""
    rounds, long, patience, enough = pace
    times, started = [], time.perf_counter()
    while len(times) < rounds and (len(times) < enough or time.perf_counter() - started < patience):
        times.append([side.seconds(how, long) for side, how in turns])
    return np.array(times)


def compare(work, network, dtype, threads, sides, pace):
    """A row for each way in which a peer does the work; the first of the sides is ours."""
    able = [sides[0].prepare(work, network, dtype, threads)]
    able += [side.prepare(work, network, dtype, threads) for side in sides[1:]] if able[0] else []
    turns = [(side, how) for side, found in zip(sides, able) for how in found]
    if able[0]:
        times = take_turns(turns, pace)
        numbers = [found[how] for found in able for how in found]
        for k, (side, how) in enumerate(turns[1:], 1):
            middle = [float(np.median(values)) for values in (times[:, 0], times[:, k], times[:, k] / times[:, 0])]
            peer = side.name + (f", {how}" if how else "")
            yield table.Row(work, network, dtype, threads, peer, *middle, agree(numbers[0], numbers[k], dtype))
        if work in AT_MOST:
            ours, limit = float(np.median(times)), AT_MOST[work] / 1e3
            yield table.Row(work, network, dtype, threads, "wanted", ours, limit, limit / ours, None)
    for side in sides:
        side.forget()


def rows(asked):
    """Every row that is asked for."""
    pace = QUICK if asked.quick else WHOLE
    chosen = asked.networks or (QUICK_NETWORKS if asked.quick else NETWORKS)
    sides = [Process(name) for name in ["engine", *asked.peers]]
    for work in asked.work:
        _, networks, one_thread = WORK.get(work, ("", (), False))
        for network in networks:
            if network not in chosen:
                continue
            for dtype in asked.dtypes:
                for threads in (None, 1) if one_thread else (None,):
                    yield from compare(work, network, dtype, threads, sides, pace)
    for side in sides:
        if not side.end():
            print(f"{side.name} ended before it was asked everything: PEERS_ERRORS=1 shows why", file=sys.stderr)
    if "cold" in asked.work:
        yield from cold.cold_starts(asked.peers, 1 if asked.quick else 3)


def main():
    """Run what is asked for."""
    asked = options()
    print(table.machine(), table.HEAD, sep="\n", flush=True)
    found = []
    for row in rows(asked):
        if not asked.targets or row.least is not None:
            found.append(row)
            print(row.line(), flush=True)
    below, differ = (sum(getattr(row, name) is False for row in found) for name in ("holds", "same"))
    print(f"{len(found)} rows; {below} below what is wanted, {differ} with other numbers")
    if asked.markdown:
        table.write(asked.markdown, table.markdown(found))
    raise SystemExit(differ > 0)


if __name__ == "__main__":
    main()
