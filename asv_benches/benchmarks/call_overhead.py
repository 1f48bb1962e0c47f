"""The smallest calls, where there is nothing but overhead; a hundred of them a timed body."""

from time import perf_counter

import numpy as np

from .common import cases, in_engine

LIMITS = {"smallest_gradient": 30e-6, "smallest_prediction": 10e-6}


class CallOverhead:
    """2-2-1: the gradient of 4 samples, the prediction of one."""

    params = (list(LIMITS), ["float64", "float32"])
    param_names = ["call", "dtype"]

    def setup(self, call, dtype):
        self.work = getattr(in_engine.Peer(cases.Case.named("tiny", dtype)), call)()
        self.work.run()

    def time_hundred_calls(self, call, dtype):
        self.work.run()

    def track_share_of_limit(self, call, dtype):
        """The time of one call over the 30 or 10 µs that it may take."""
        times = []
        for _ in range(50):
            started = perf_counter()
            self.work.run()
            times.append((perf_counter() - started) / self.work.count)
        return float(np.median(times)) / LIMITS[call]

    track_share_of_limit.unit = "share"
