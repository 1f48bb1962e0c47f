"""What every benchmark shares: a network, its data and a call before the clock runs."""

import pathlib
import sys
from time import perf_counter

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parents[2]))  # after the engine that is measured, so that asv's own comes first

from asv_benches import sweep_runs  # noqa: E402, F401
from asv_benches.peers import cases, in_engine, limits  # noqa: E402

THREADS = [1, in_engine.EVERY_CORE] if in_engine.EVERY_CORE > 1 else [1]
TURNS = 7


class Benchmark:
    """A benchmark names its `work`; `setup` makes it for a network, a dtype and a number of threads."""

    params = (list("ABCDEF"), ["float64", "float32"], THREADS)
    param_names = ["network", "dtype", "threads"]
    timeout = 300
    work: str

    def setup(self, network, dtype, threads):
        in_engine.set_threads(threads)
        self.made = getattr(in_engine.Peer(cases.Case.named(network, dtype)), self.work)()
        if self.made is None:
            raise NotImplementedError(f"this engine has no {self.work}")
        self.made.run()
        self.run = self.made.run

    def share(self, network, dtype, limit):
        """What `limit` takes of the machine over our time: the median of turns."""
        bound = getattr(limits.Peer(cases.Case.named(network, dtype)), self.work)()[limit]
        return share(self.made, bound)


class OnNetwork:
    """A benchmark that has no peer: `prepare` finds `network`, `X`, `y` and `cost`, and calls once what is timed."""

    params = (list("ABCD"), ["float64", "float32"], THREADS)
    param_names = ["network", "dtype", "threads"]
    timeout = 300

    def setup(self, network, dtype, threads):
        in_engine.set_threads(threads)
        case = cases.Case.named(network, dtype)
        peer = in_engine.Peer(case)
        self.network, self.X, self.y, self.cost = peer.network, case.X, case.y, peer.cost
        self.prepare()

    def prepare(self):
        raise NotImplementedError


def share(ours, bound):
    """The time of `bound` over ours: both called once, then in turn."""
    ratios = []
    for _ in range(TURNS + 1):
        times = []
        for work in (ours, bound):
            started = perf_counter()
            work.run()
            times.append((perf_counter() - started) / work.count)
        ratios.append(times[1] / times[0])
    return float(np.median(ratios[1:]))
