"""What a cost other than the mean does: train the same network on the mean and on the worst tenth of the losses (CVaR).

    python examples/worst_cases.py

The data has a small group of samples that follow another rule. The mean lets them go; CVaR keeps the worst losses down. Each
reduction sees all samples at once, so that ∇φ is exact (eq. 15).
"""

import numpy as np

from engine import Adam, Cost, Network, fit, reductions
from schedulers import BatchSchedule, rates


def data(m=400, share=0.08, seed=0):
    """X [m, 2], y [m, 1]: a smooth surface, and another rule in one corner of the plane."""
    generator = np.random.default_rng(seed)
    X = generator.uniform(-1, 1, (m, 2))
    corner = X[:, 0] > 1 - 2 * share
    y = np.where(corner, 2.0 - X[:, 1], np.sin(2 * X[:, 0]) * X[:, 1])
    return X, (y + 0.05 * generator.standard_normal(m))[:, None]


def main(epochs=1500):
    """Print the mean, the mean of the worst tenth and the largest loss for each cost; the rows."""
    X, y = data()
    start = Network.initialize((2, 4, 1), "tanh", seed=1)
    judge = Cost("squared_error")
    rows = []
    print("trained on     mean loss   worst tenth   largest")
    costs = {"mean": reductions.mean, "cvar(0.1)": reductions.cvar(0.1), "log_sum_exp(5)": reductions.log_sum_exp(5.0)}
    for name, reduction in costs.items():
        network = fit(start, X, y, Cost("squared_error", reduction), Adam(rates.cosine(0.03, steps=epochs)),
                      BatchSchedule(len(X)), epochs=epochs, progress=False).network
        losses = judge.losses(network(X), y)
        rows.append((name, losses.mean(), reductions.cvar(0.1).value(losses), losses.max()))
        print(f"{name:14} {rows[-1][1]:9.4f} {rows[-1][2]:13.4f} {rows[-1][3]:9.4f}")
    return rows


if __name__ == "__main__":
    main()
