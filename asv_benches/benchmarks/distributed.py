"""A step over samples on two local workers of one thread, against two threads of one process, in turn."""

import functools
from time import perf_counter

import numpy as np

import engine
from engine import Cost, Network, reductions, value_and_gradient

TURNS = 5
COSTS = {"mean": Cost("squared_error"), "cvar": Cost("squared_error", reductions.cvar(0.1))}


def drawn(seed, m, width, outputs=1):
    """(X, y) of a shard: X [m, width], y [m, outputs]."""
    X = np.random.default_rng(seed).uniform(-1, 1, (m, width))
    return X, np.repeat(np.sin(3 * X[:, :1]), outputs, axis=1)


class Step:
    """C and D_θ C of 2-50-50-1 in four shards, float64: over 2²² samples, 1.4 s by two threads for the mean, and over 512."""

    params = (["mean", "cvar"], [1 << 20, 128])
    param_names = ["reduction", "samples_each"]
    timeout = 600

    def setup(self, reduction, samples_each):
        from distributed import Client, LocalCluster

        from engine import distributed

        engine.set_num_threads(2)
        loaders = [functools.partial(drawn, seed, samples_each, 2) for seed in range(4)]
        self.cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
        self.client = Client(self.cluster)
        self.network, cost = Network.initialize((2, 50, 50, 1), "tanh", seed=1), COSTS[reduction]
        shards = distributed.load(self.client, loaders)
        X, y = (np.concatenate(column) for column in zip(*(load() for load in loaders)))
        self.spread = lambda: distributed.value_and_gradient(self.network, shards, cost)
        self.here = lambda: value_and_gradient(self.network, X, y, cost)
        (value, gradient), (wanted, expected) = self.spread(), self.here()
        if value != wanted or not np.array_equal(gradient, expected):
            raise AssertionError("the workers' bits are not those of one process")

    def teardown(self, reduction, samples_each):
        self.client.close()
        self.cluster.close()

    def time_step(self, reduction, samples_each):
        self.spread()

    def track_threads_over_workers(self, reduction, samples_each):
        """The time of two threads over that of two workers, the median of turns: at least 0.8 is wanted of a step of a second."""
        ratios = []
        for _ in range(TURNS):
            times = []
            for step in (self.here, self.spread):
                started = perf_counter()
                step()
                times.append(perf_counter() - started)
            ratios.append(times[0] / times[1])
        return float(np.median(ratios))
