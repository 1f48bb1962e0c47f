"""
Bayesian regularisation against early stopping
==============================================

A network with more parameters than a problem needs fits the noise as well. Two remedies need no penalty chosen by hand: to hold
samples out and stop where their error is least, or to let the evidence choose the penalty (MacKay 1992; Foresee & Hagan 1997), as
MATLAB's ``trainbr`` does. Here both have the problem of ``trainbr``'s own page, 41 samples of a sine with noise of 0.1 by a network
1-20-1 of 61 parameters, and the diabetes data of scikit-learn, by networks of one to six hidden neurons.

**What is to be seen**: on the sine the evidence counts some 12 effective parameters of 61, and the error is about a third of that
without either remedy; early stopping has fewer samples to fit, and may stop at a straight line. Diabetes is nearly linear, and a
penalty alone does not make up for six neurons. But the evidence of the training samples says so: where it is greatest, held-out
patients are predicted better than by early stopping, and nearly as well as by a linear model.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from engine import BayesianRegularization, Cost, LevenbergMarquardt, Network, fit
from engine.callbacks import EarlyStopping
from schedulers import BatchSchedule

NOISE = 0.1
SEEDS = range(3)
SPLITS = range(2)
SIZES = (1, 2, 6)
COST = Cost("squared_error")


def trained(widths, X, y, update, seed, held=None):
    """A fit of all samples at once, or one that stops by the error of those that `held` [m] holds out."""
    everything = np.ones(len(X), bool) if held is None else ~held
    given = {} if held is None else {"validation": (X[held], y[held]), "callbacks": [EarlyStopping(10, restore_best=True)]}
    return fit(Network.initialize(widths, "tanh", seed=seed), X[everything], y[everything], COST, update,
               BatchSchedule(len(X), order="sequential"), epochs=120, progress=False, **given)


def both_ways(widths, X, y, seed):
    """Two fits by name; a fifth of the samples is held out to stop one."""
    held = np.random.default_rng(seed).permutation(len(X)) < len(X) // 5
    return {"early stopping": trained(widths, X, y, LevenbergMarquardt(), seed, held),
            "Bayesian regularisation": trained(widths, X, y, BayesianRegularization(), seed)}


def root_mean_square(values):
    """Of an array."""
    return float(np.sqrt(np.mean(np.square(values))))


# %%
# A sine with noise
# -----------------
# The error is that against the sine itself, over draws of the noise and of the first weights.

X = np.linspace(-1, 1, 41)[:, None]
grid = np.linspace(-1, 1, 401)[:, None]
sine_errors, shown = {}, None
for seed in SEEDS:
    y = np.sin(2 * np.pi * X) + NOISE * np.random.default_rng(seed).standard_normal(X.shape)
    runs = {"neither": trained((1, 20, 1), X, y, LevenbergMarquardt(), seed), **both_ways((1, 20, 1), X, y, seed)}
    for name, run in runs.items():
        sine_errors.setdefault(name, []).append(root_mean_square(run.network(grid) - np.sin(2 * np.pi * grid)))
    arrays = runs["Bayesian regularisation"].state.arrays
    print(f"sine, draw {seed}: {arrays['effective_parameters']:.1f} effective parameters of 61, noise {arrays['beta']**-0.5:.3f}")
    shown = shown or (y, runs)
for name, errors in sine_errors.items():
    print(f"sine, {name:23} root mean squared error {np.mean(errors):.3f}, at most {np.max(errors):.3f}")

# %%
# Diabetes
# --------
# A quarter of 442 patients is held out to compare by. Of the networks of a split, the one with the greatest evidence is taken, for
# which the held-out patients are not looked at.

features, progression = load_diabetes(return_X_y=True)
features = (features - features.mean(0)) / features.std(0)
progression = ((progression - progression.mean()) / progression.std())[:, None]
table = []  # hidden neurons, effective parameters, log evidence, the error of both
chosen, linear = [], []
for split in SPLITS:
    test = np.random.default_rng(split).permutation(len(features)) < len(features) // 4
    rows = []
    for size in SIZES:
        runs = both_ways((10, size, 1), features[~test], progression[~test], split)
        arrays = runs["Bayesian regularisation"].state.arrays
        errors = {name: root_mean_square(run.network(features[test]) - progression[test]) for name, run in runs.items()}
        rows.append((size, float(arrays["effective_parameters"]), float(arrays["log_evidence"]), errors["Bayesian regularisation"],
                     errors["early stopping"]))
    table.append(rows)
    chosen.append(max(rows, key=lambda row: row[2])[3])
    with_one = np.column_stack([features, np.ones(len(features))])
    weights = np.linalg.lstsq(with_one[~test], progression[~test], rcond=None)[0]
    linear.append(root_mean_square(with_one[test] @ weights - progression[test]))
table = np.mean(table, axis=0)
print("hidden   parameters   effective   log evidence   error   error of early stopping")
for size, effective, evidence, error, stopped in table:
    print(f"{size:6.0f} {12 * size + 1:12.0f} {effective:11.1f} {evidence:14.1f} {error:7.3f} {stopped:15.3f}")
print(f"diabetes, the size of the greatest evidence in each split: {np.mean(chosen):.3f}; a linear model: {np.mean(linear):.3f}")

# %%
# The picture
# -----------

y, runs = shown
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.plot(grid, np.sin(2 * np.pi * grid), "--", color="0.5", label="truth")
for name, run in runs.items():
    left.plot(grid, run.network(grid), label=name)
left.plot(X, y, "k.", markersize=5, label="samples")
left.set(xlabel="x", ylabel="y", ylim=(-1.6, 1.6), title="a sine with noise, 1-20-1")
left.legend(fontsize="small")
for name, column, style in (("Bayesian regularisation", 3, "o-"), ("early stopping", 4, "s-")):
    right.plot(table[:, 0], table[:, column], style, label=name)
right.axhline(np.mean(linear), linestyle="--", color="0.5", label="a linear model")
right.set(xlabel="hidden neurons", ylabel="error of held-out patients", title="diabetes")
other = right.twinx()
other.plot(table[:, 0], table[:, 2], "k:", label="log evidence")
other.set_ylabel("log evidence (dotted)")
right.legend(fontsize="small")
plt.show()
