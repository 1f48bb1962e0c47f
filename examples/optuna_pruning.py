"""Optuna chooses the settings, and a callback of `fit` ends the trials that fall behind.

    python -m pip install optuna
    python examples/optuna_pruning.py

Where the settings depend on the results so far, a sampler replaces the grid. After each epoch the callback tells Optuna the
validation cost, and returns True where the trial is not worth going on with.
"""

import numpy as np

from engine import Adam, Cost, Network, fit
from engine.command.tables.data import read_data
from schedulers import BatchSchedule


def digits(held=450):
    """X, y to train on, and the same to choose by."""
    data = read_data("digits")
    order = np.random.default_rng(0).permutation(len(data.X))
    X = (data.X - data.X.mean(0)) / (data.X.std(0) + 1e-9)
    return (X[order[held:]], data.y[order[held:]]), (X[order[:held]], data.y[order[:held]])


def objective(trial, train, test, epochs):
    """The validation cost of a trial."""
    import optuna

    width, rate = trial.suggest_int("width", 8, 64, log=True), trial.suggest_float("rate", 1e-4, 1e-1, log=True)

    def behind(row, network):
        trial.report(row["validation_cost"], row["epoch"])
        return bool(trial.should_prune())

    result = fit(Network.initialize((64, width, 10), "tanh", seed=0), *train, Cost("softmax_cross_entropy"), Adam(rate),
                 BatchSchedule(32), epochs=epochs, validation=test, callbacks=[behind], progress=False)
    if len(result.history) < epochs:
        raise optuna.TrialPruned
    return result.history[-1]["validation_cost"]


def main(trials=40, epochs=20):
    """Print the best settings and how many epochs pruning saved; the study."""
    import optuna

    train, test = digits()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner(n_warmup_steps=2))
    study.optimize(lambda trial: objective(trial, train, test, epochs), trials)
    made = sum(len(trial.intermediate_values) for trial in study.trials)
    pruned = sum(trial.state is optuna.trial.TrialState.PRUNED for trial in study.trials)
    settings = ", ".join(f"{name} {value:.4g}" for name, value in study.best_params.items())
    print(f"best validation cost {study.best_value:.4f} with {settings}; {pruned} of {trials} trials pruned: {made} epochs in "
          f"place of {trials * epochs}")
    return study


if __name__ == "__main__":
    main()
