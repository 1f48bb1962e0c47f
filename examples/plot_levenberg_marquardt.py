"""
Levenberg–Marquardt against Adam
================================

For small networks and smooth targets a second-order step is worth many of first order (Hagan & Menhaj 1994). Here sin(10x)/10x on
[−1, 1] is fitted by a network 1-20-20-1: by Levenberg–Marquardt, whose steps solve (JᵀJ + λ D) δ = −∇C, and by Adam with a rate
that falls along a cosine. Both see all samples at every step, from the same start.

**What is to be seen**: Levenberg–Marquardt goes on falling where Adam has come to rest, and ends five orders of magnitude below it
after a fiftieth of the steps. Each of its steps costs more, yet it is ahead in time too, long before the end.

``python examples/levenberg_marquardt.py`` measures the same on three problems of other people, from many starts.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from engine import Adam, Cost, LevenbergMarquardt, Network, fit
from schedulers import BatchSchedule, rates

SAMPLES = 200
LM_STEPS, ADAM_STEPS = 100, 5000

X = np.linspace(-1, 1, SAMPLES)[:, None]
y = np.sinc(10 * X / np.pi)
start = Network.initialize((1, 20, 20, 1), "tanh", seed=4)
updates = {"Levenberg–Marquardt": (LevenbergMarquardt(), LM_STEPS),
           "Adam": (Adam(rates.cosine(0.01, steps=ADAM_STEPS)), ADAM_STEPS)}

# %%
# Compile first, then time
# ------------------------
# Numba compiles a kernel when it is first called, and keeps it on disk. A fit of a few steps has everything compiled before the
# clock starts; ``gammachain compile`` does that for all kernels at once. BLAS, which factorises the matrices of Levenberg–Marquardt
# steps, is held to one thread: they are small, and its threads would spend processor time waiting for each other.


def train(update, steps):
    """The mean squared error before each step, and the processor seconds until then, which other programs do not change much."""
    errors, seconds, started = [], [], time.process_time()

    def watch(row, network):
        errors.append(2 * row["cost"])
        seconds.append(time.process_time() - started)

    fit(start, X, y, Cost("squared_error"), update, BatchSchedule(SAMPLES, order="sequential"), epochs=steps, callbacks=[watch],
        progress=False)
    return np.array(errors), np.array(seconds)


with threadpool_limits(1, user_api="blas"):
    for update, _ in updates.values():
        train(update, 3)
    curves = {name: train(update, steps) for name, (update, steps) in updates.items()}
for name, (errors, seconds) in curves.items():
    print(f"{name:20} mean squared error {errors[-1]:.1e} after {len(errors)} steps, {seconds[-1]:.2f} processor seconds")

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
for name, (errors, seconds) in curves.items():
    left.loglog(seconds, np.minimum.accumulate(errors), label=name)
    right.loglog(np.arange(1, len(errors) + 1), np.minimum.accumulate(errors), label=name)
left.set(xlabel="processor seconds, kernels compiled before", ylabel="mean squared error, the least so far", title="against time")
right.set(xlabel="steps", title="against steps")
for ax in (left, right):
    ax.grid(alpha=0.3)
left.legend()
plt.show()
