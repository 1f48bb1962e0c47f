"""Runs for the sweeps that are measured, in a module that worker processes can import."""

import time

import numpy as np


def nothing(i):
    """All the time that it takes is the sweep's own; when it ran."""
    return {"ran": time.time()}


def seeded(rate, seed):
    """A number of two settings."""
    return {"cost": rate / (1 + seed)}


def fitting(rate, seed, epochs=40):
    """A small fit: 64-64-32-10 on 1792 samples, batches of 32; when it began and ended, and the CPU seconds that it took."""
    began, spent = time.time(), time.process_time()
    from engine import Cost, GradientDescent, Network, fit
    from schedulers import BatchSchedule

    generator = np.random.default_rng(seed)
    X, y = generator.standard_normal((1792, 64)), generator.integers(0, 10, 1792)
    result = fit(Network.initialize((64, 64, 32, 10), "tanh", seed=seed), X, y, Cost("softmax_cross_entropy"),
                 GradientDescent(rate), BatchSchedule(32, seed=seed), epochs=epochs, progress=False)
    return {"cost": result.history[-1]["cost"], "began": began, "ended": time.time(), "cpu": time.process_time() - spent}


def busy(rows, cores):
    """The share of `cores` that runs kept busy, from when the first fit after every worker's first began to when the last ended."""
    rows = sorted(rows, key=lambda row: row["began"])[cores:]
    return sum(row["cpu"] for row in rows) / cores / (max(row["ended"] for row in rows) - min(row["began"] for row in rows))
