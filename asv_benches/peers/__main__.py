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
from .wanted import AT_MOST, in_the_page_of

PEERS = {"jax": "jax", "torch": "torch", "backpack": "backpack", "curvlinops": "curvlinops", "sklearn": "sklearn",
         "neural_tangents": "neural_tangents", "torchjd": "torchjd", "torch_lm": "torch_levenberg_marquardt", "opacus": "opacus",
         "laplace": "laplace", "numpy": "threadpoolctl", "limits": "numpy"}
WHOLE, QUICK = (5, 0.05, 4.0, 3), (3, 0.015, 1.0, 1)  # rounds, seconds of a turn, seconds after which so many rounds are enough
QUICK_NETWORKS = ["A", "C", "A600", "digits", "small", "tiny", "sinc", "m 512", "2-20-20-1", "tanh", "width 4", "width 64",
                  "2-32-1", "5-64-1"]
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
    parser.add_argument("--targets", action="store_true", help="only the rows of docs/performance.md")
    parser.add_argument("--markdown", metavar="FILE", nargs="+", default=[],
                        help="write the table, or five rows of it, between each file's markers")
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


def compare(work, network, dtype, threads, sides, pace, chosen=None):
    """A row for each way in which a peer does the work, or for those of `chosen`; the first of the sides is ours."""
    able = [sides[0].prepare(work, network, dtype, threads)]
    if chosen is not None:
        asked = {peer.split(",")[0] for peer in chosen}
        sides = [sides[0], *(side for side in sides[1:] if side.name in asked)]
    able += [side.prepare(work, network, dtype, threads) for side in sides[1:]] if able[0] else []
    turns = [(side, how, found[how]) for side, found in zip(sides, able) for how in found]
    turns[1:] = [turn for turn in turns[1:] if chosen is None or named(*turn[:2]) in chosen]
    if turns:
        times = take_turns([turn[:2] for turn in turns], pace)
        for k, (side, how, numbers) in enumerate(turns[1:], 1):
            middle = [float(np.median(values)) for values in (times[:, 0], times[:, k], times[:, k] / times[:, 0])]
            yield table.Row(work, network, dtype, threads, named(side, how), *middle, agree(turns[0][2], numbers, dtype))
        if work in AT_MOST:
            ours, limit = float(np.median(times[:, 0])), AT_MOST[work] / 1e3
            yield table.Row(work, network, dtype, threads, "wanted", ours, limit, limit / ours, None)
    for side in sides:
        side.forget()


def named(side, how):
    """What a row calls a peer and its way of doing the work."""
    return side.name + (f", {how}" if how else "")


def rows(asked):
    """Every row that is asked for."""
    pace = QUICK if asked.quick else WHOLE
    visited = asked.networks or (QUICK_NETWORKS if asked.quick else NETWORKS)
    sides = [Process(name) for name in ["engine", *asked.peers]]
    for work in asked.work:
        _, networks, one_thread = WORK.get(work, ("", (), False))
        for network in networks:
            if network not in visited:
                continue
            for dtype in asked.dtypes:
                chosen = in_the_page_of(work, network, dtype) if asked.targets else None
                if chosen == [] and work not in AT_MOST:
                    continue
                for threads in (None, 1) if one_thread else (None,):
                    yield from compare(work, network, dtype, threads, sides, pace, chosen)
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
        if not asked.targets or row.shown:
            found.append(row)
            print(row.line(), flush=True)
    below, differ = (sum(getattr(row, name) is False for row in found) for name in ("holds", "same"))
    print(f"{len(found)} rows; {below} below what is wanted, {differ} with other numbers")
    for page in asked.markdown:
        table.write(page, found)
    raise SystemExit(differ > 0)


if __name__ == "__main__":
    main()
