"""One peer in a process of its own: reads a line of JSON for each thing to do, answers with one."""

import importlib
import json
import os
import sys
import time
import traceback

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np  # noqa: E402

from .cases import Case, Work  # noqa: E402

COMPARED = 1000  # numbers of a result, evenly spaced
SLOW = 2.0  # seconds of a first call after which there is no second before the clock runs


def ways(module, work, case):
    """{how: Work} of a peer, empty where it does not do that."""
    made = getattr(module.Peer(case), work)()
    return {"": made} if isinstance(made, Work) else made or {}


def sample(work):
    """Some of the numbers of a result, and their count; None where there are none."""
    numbers = work.numbers((work.check or work.run)())
    if numbers is None:
        return None
    return {"size": numbers.size, "some": numbers[::max(1, numbers.size // COMPARED)].tolist()}


def median_time(work, seconds):
    """The median of as many times as `seconds` have room for."""
    times, stop = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < stop:
        started = time.perf_counter()
        work.run()
        times.append((time.perf_counter() - started) / work.count)
    return float(np.median(times))


def rest():
    """Wait until no thread of this process is at work: OpenBLAS's spin for 100 ms after a call, beside the next peer's turn."""
    for _ in range(200):
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.0005:
            return


def prepare(module, asked):
    """The ways of a peer, compiled and warm; the numbers of each."""
    if not hasattr(module.Peer, asked["work"]) or (asked["threads"] and not hasattr(module, "set_threads")):
        return {}, {}
    if hasattr(module, "set_threads"):
        module.set_threads(asked["threads"])
    able = ways(module, asked["work"], Case.named(asked["network"], asked["dtype"]))
    numbers = {}
    for how, work in able.items():
        started = time.perf_counter()
        numbers[how] = sample(work)
        if time.perf_counter() - started < SLOW:
            work.run()
    return able, numbers


def serve(module, lines):
    """An answer for each line; a peer that cannot do one thing goes on to the next."""
    able = {}
    for line in lines:
        asked, answer = json.loads(line), {}
        try:
            if asked["do"] == "prepare":
                able = {}
                able, answer = prepare(module, asked)
            elif asked["do"] == "time":
                answer = median_time(able[asked["how"]], asked["seconds"])
            else:
                able = {}
        except Exception:
            traceback.print_exc()
        rest()
        yield answer


def main(peer):
    """Serve until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    module = importlib.import_module(f"asv_benches.peers.{peer}")
    for answer in serve(module, sys.stdin):
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
