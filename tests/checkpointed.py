"""A small run with a checkpoint, and what it means that two runs are the same."""

import numpy as np

from engine import Adam, Cost, Network, fit
from schedulers import BatchSchedule

X = np.linspace(-1, 1, 24)[:, None]
Y = np.sin(3 * X)
NET = Network.initialize((1, 3, 1), "tanh", seed=0)


RUN = dict(network=NET, X=X, y=Y, cost=Cost("squared_error"), update=Adam(0.01), schedule=BatchSchedule(8), progress=False)


def trained(path, epochs, **more):
    return fit(epochs=epochs, checkpoint=path, **RUN | more)


def resumed(path, epochs=4, **more):
    return trained(path, epochs, resume=True, **more)


def same(one, other):
    assert one.network.parameters.tobytes() == other.network.parameters.tobytes()
    assert [row["cost"] for row in one.history] == [row["cost"] for row in other.history]
    assert all(np.array_equal(array, other.state.arrays[name]) for name, array in one.state.arrays.items())
