"""A sweep on handwritten digits: which rate and width, over two seeds; killed at any moment, it goes on where it stopped.

    python examples/sweep.py [digits.sqlite]

Each run is a plain function of its settings; the data is bound by `partial` and travels to each process once. Needs scikit-learn,
and Matplotlib for the picture.
"""

import functools
import pathlib
import sys

import numpy as np

from engine import Cost, GradientDescent, Network, fit
from engine.command.tables.data import read_data
from schedulers import BatchSchedule, sweep

GRID = {"width": [16, 32, 64], "rate": [0.01, 0.03, 0.1, 0.3, 1.0], "seed": [0, 1]}


def digits(held=450):
    """X, y to train on, and the same to choose by."""
    data = read_data("digits")
    order = np.random.default_rng(0).permutation(len(data.X))
    X = (data.X - data.X.mean(0)) / (data.X.std(0) + 1e-9)
    return (X[order[held:]], data.y[order[held:]]), (X[order[:held]], data.y[order[:held]])


def run(train, test, epochs, width, rate, seed):
    """One fit. Should it diverge, fit raises, and its row has the traceback."""
    network = Network.initialize((64, width, 10), "tanh", seed=seed)
    result = fit(network, *train, Cost("softmax_cross_entropy"), GradientDescent(rate, momentum=0.9), BatchSchedule(32, seed=seed),
                 epochs=epochs, validation=test, progress=False)
    return {"cost": result.history[-1]["validation_cost"], "accuracy": (result.network(test[0]).argmax(1) == test[1]).mean()}


def main(store=None, epochs=15, grid=GRID, picture="sweep.png", executor=None, progress=True):
    """Print the best setting, draw accuracy over rate and width; the SweepResult."""
    train, test = digits()
    result = sweep(functools.partial(run, train, test, epochs), grid, store=store, executor=executor, key="accuracy", largest=True,
                   progress=progress)
    best = result.best("accuracy", largest=True)
    print(f"best of {len(result)}: {best['accuracy']:.3f} of {len(test[0])} right, with width {best['width']}, rate {best['rate']}")
    for row in result:
        if row["error"]:
            print(f"width {row['width']}, rate {row['rate']}: {row['error'].strip().splitlines()[-1][:90]} …")
    try:
        result.plot("accuracy", "rate", "width").figure.savefig(picture, dpi=120)
        print(f"accuracy over rate and width, a mean over seeds: {pathlib.Path(picture).resolve()}")
    except ImportError:
        pass
    return result


if __name__ == "__main__":
    main(*sys.argv[1:2])
