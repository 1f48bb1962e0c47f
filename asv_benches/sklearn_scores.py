"""Scores and times of DenseClassifier and DenseRegressor beside scikit-learn's MLPs, one table from one run.

    python asv_benches/sklearn_scores.py [--seeds 6] [--data diabetes …]

Both have the same hidden layer, activation, penalty, batches, rate, epochs and rule that ends them. A seed chooses what is held out
(a quarter), the first weights and the order of samples. The fits take turns in one process, with BLAS held to one thread, with
which scikit-learn takes least CPU time at these sizes; kernels are compiled before the clock starts. Times are of all fits.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from engine.interop.sklearn import DenseClassifier, DenseRegressor


def friedman(return_X_y):
    """4000 samples of 8 features with noise, nonlinear in 5 of them: in place of the California houses, which need a download."""
    return make_friedman1(4000, 8, noise=1.0, random_state=0)


CLASSES, NUMBERS = (MLPClassifier, DenseClassifier), (MLPRegressor, DenseRegressor)
DATA = {"digits": (load_digits, CLASSES, {}), "breast_cancer": (load_breast_cancer, CLASSES, {}),
        "diabetes": (load_diabetes, NUMBERS, {"learning_rate_init": 0.01}), "friedman": (friedman, NUMBERS, {})}


def clocks():
    """CPU time of the process and wall time, in seconds."""
    return np.array([time.process_time(), time.perf_counter()])


def compare(name, dtype, seeds):
    """The scores [2, seeds] and the times [2, (CPU, wall)] of scikit-learn's estimator and of ours, and the epochs [2]."""
    load, kinds, settings = DATA[name]
    X, y = load(return_X_y=True)
    scores, times, epochs = np.zeros((2, seeds)), np.zeros((2, 2)), np.zeros(2)
    kinds[1](random_state=0, max_iter=2, **settings).fit(X.astype(dtype), y).score(X.astype(dtype), y)
    for seed in range(seeds):
        train, test, right, asked = train_test_split(X, y, test_size=0.25, random_state=seed)
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train).astype(dtype), scaler.transform(test).astype(dtype)
        for which in np.roll([0, 1], seed):
            model = kinds[which](random_state=seed, **settings)
            started = clocks()
            model.fit(train, right)
            times[which] += clocks() - started
            scores[which, seed] = model.score(test, asked)
            epochs[which] += model.n_iter_
    return scores, times, epochs


def main(seeds=6, names=tuple(DATA)):
    """Print the table, and give its rows: name, dtype, mean scores, their spread, how many times faster in CPU and wall time."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| data | dtype | score, scikit-learn | score, gammachain | epochs | CPU s, scikit-learn | gammachain "
          "| faster in CPU time | in wall time |\n|---|---|---|---|---|---|---|---|---|")
    rows = []
    with threadpool_limits(1):
        for name in names:
            for dtype in ("float64", "float32"):
                scores, times, epochs = compare(name, dtype, seeds)
                means, spread, faster = scores.mean(1), scores.std(1), times[0] / times[1]
                rows.append((name, dtype, *means, *spread, *faster))
                cells = [f"{mean:.4f} ± {std:.4f}" for mean, std in zip(means, spread)]
                print(f"| {name} | {dtype} | {cells[0]} | {cells[1]} | {epochs[0]:.0f}, {epochs[1]:.0f} | {times[0, 0]:.2f} "
                      f"| {times[1, 0]:.2f} | {faster[0]:.1f} | {faster[1]:.1f} |", flush=True)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--data", nargs="+", choices=DATA, default=tuple(DATA))
    given = parser.parse_args()
    main(given.seeds, given.data)
