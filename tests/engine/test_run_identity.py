"""A checkpoint of another run is refused, by value: settings, data, and users' functions by their code."""

import functools
import os
import subprocess
import sys

import numpy as np
import pytest

from engine import Activation, Adam, CheckpointError, Cost, GradientDescent, Loss, Network, Reduction, losses, reductions
from engine.run_identity import SHOWN, difference
from engine.updates import UpdateState
from schedulers import BatchSchedule, BatchStep, orders, rates

from ..checkpointed import NET, X, Y, resumed, same, trained


def user_loss(scale):
    return Cost(Loss(lambda A, y: scale * ((A - y)**2).sum(1), lambda A, y: 2 * scale * (A - y)))


def user_reduction(power):
    return Cost("squared_error", Reduction(lambda L: float((L**power).sum()), lambda L: power * L**(power - 1)))


def bent(power):
    activation = Activation("bent", lambda z: z**power, lambda z: power * z**(power - 1))
    return Network((1, 3, 1), (activation, "identity"), NET.parameters)


class Backwards(orders.Order):
    draws = False

    def __init__(self, first):
        self.first = first

    def indices(self, samples, generator):
        return np.roll(np.arange(samples)[::-1], self.first)


class Rolled:
    """A schedule of one's own."""

    def __init__(self, by):
        self.by = by

    def epoch(self, samples, e):
        for i, indices in enumerate(np.roll(np.arange(samples), self.by).reshape(-1, 8)):
            yield BatchStep(3 * e + i, e, indices)


def begun(value):
    """A state with which an Adam of NET may begin."""
    return UpdateState({"rows": np.full((2, 10), value), "steps": np.array(3)})


class Fading:
    def __init__(self, rate):
        self.rate, self.calls = rate, 0

    def __call__(self, t):
        self.calls += 1
        return self.rate / (1 + t)

    def at(self, t):
        return self.rate / (2 + t)


def fading(rate, t):
    return rate / (1 + t)


def otherwise(rate, t):
    return rate / (2 + t)


def table(values):
    return lambda t: values[min(t, len(values) - 1)]


W = np.linspace(0.5, 1, 24)
ANOTHER = {
    "a loss": ("loss", dict(cost=Cost("squared_error")), dict(cost=Cost("log_cosh"))),
    "a loss's parameter": ("loss", dict(cost=Cost(losses.huber(1.0))), dict(cost=Cost(losses.huber(2.0)))),
    "a loss's weights": ("loss", dict(cost=Cost(losses.quantile_loss(0.1))), dict(cost=Cost(losses.quantile_loss(0.9)))),
    "a loss of one's own": ("loss", dict(cost=user_loss(1.0)), dict(cost=user_loss(2.0))),
    "a reduction's parameter": ("reduction", dict(cost=Cost("squared_error", reductions.cvar(0.1))),
                                dict(cost=Cost("squared_error", reductions.cvar(0.9)))),
    "weights": ("reduction", dict(cost=Cost("squared_error", reductions.weighted(W))),
                dict(cost=Cost("squared_error", reductions.weighted(W[::-1])))),
    "groups": ("reduction", dict(cost=Cost("squared_error", reductions.group_max(np.arange(24) % 2))),
               dict(cost=Cost("squared_error", reductions.group_max(np.arange(24) % 3)))),
    "a reduction of one's own": ("reduction", dict(cost=user_reduction(1.5)), dict(cost=user_reduction(2.5))),
    "a rate": ("update", dict(update=Adam(0.01)), dict(update=Adam(0.02))),
    "an update": ("update", dict(update=Adam(0.01)), dict(update=GradientDescent(0.01))),
    "an update's settings": ("update", dict(update=Adam(0.01)), dict(update=Adam(0.01, beta_1=0.8))),
    "a rate of schedulers": ("update", dict(update=Adam(rates.cosine(0.01))), dict(update=Adam(rates.cosine(0.01, last=0.001)))),
    "a lambda": ("update", dict(update=Adam(lambda t: 0.01)), dict(update=Adam(lambda t: 0.02))),
    "a partial": ("update", dict(update=Adam(functools.partial(fading, 0.01))), dict(update=Adam(functools.partial(fading, 0.02)))),
    "a partial's function": ("update", dict(update=Adam(functools.partial(fading, 0.01))),
                             dict(update=Adam(functools.partial(otherwise, 0.01)))),
    "a callable object": ("update", dict(update=Adam(Fading(0.01))), dict(update=Adam(Fading(0.02)))),
    "a bound method": ("update", dict(update=Adam(Fading(0.01).at)), dict(update=Adam(Fading(0.02).at))),
    "a closure": ("update", dict(update=Adam(table([0.01, 0.02]))), dict(update=Adam(table([0.01, 0.03])))),
    "an order": ("order", dict(schedule=BatchSchedule(8)), dict(schedule=BatchSchedule(8, order="sequential"))),
    "an order's weights": ("order", dict(schedule=BatchSchedule(8, order=orders.importance(W))),
                           dict(schedule=BatchSchedule(8, order=orders.importance(W[::-1])))),
    "an order of one's own": ("order", dict(schedule=BatchSchedule(8, order=Backwards(0))),
                              dict(schedule=BatchSchedule(8, order=Backwards(1)))),
    "a batch size": ("schedule", dict(schedule=BatchSchedule(8)), dict(schedule=BatchSchedule(12))),
    "a seed": ("schedule", dict(schedule=BatchSchedule(8)), dict(schedule=BatchSchedule(8, seed=1))),
    "drop_last": ("schedule", dict(schedule=BatchSchedule(8)), dict(schedule=BatchSchedule(8, drop_last=True))),
    "a schedule of one's own": ("schedule", dict(schedule=Rolled(0)), dict(schedule=Rolled(1))),
    "a first state": ("first state", dict(state=begun(0.1)), dict(state=begun(0.2))),
    "no first state": ("first state", dict(state=begun(0.1)), {}),
    "trainable": ("trainable", dict(trainable=np.arange(10) < 5),
                  dict(trainable=np.arange(10) < 6)),
    "all trainable": ("trainable", {}, dict(trainable=np.arange(10) < 6)),
    "X": ("X", {}, dict(X=np.where(X == X[7], 0.5, X))),
    "y": ("y", {}, dict(y=np.where(X == X[7], 0.5, Y))),
    "fewer samples": ("number of samples", {}, dict(X=X[:-1], y=Y[:-1])),
    "the first θ": ("first θ", {}, dict(network=NET.replace(NET.parameters * 2))),
    "an activation": ("activations", {}, dict(network=Network((1, 3, 1), ("sigmoid", "identity"), NET.parameters))),
    "an activation of one's own": ("activations", dict(network=bent(2)), dict(network=bent(3))),
    "widths": ("widths", {}, dict(network=Network.initialize((1, 4, 1), "tanh", seed=0))),
    "a dtype": ("dtype", {}, dict(network=Network((1, 3, 1), ("tanh", "identity"), NET.parameters.astype("f4")))),
}


@pytest.mark.parametrize("what", ANOTHER)
def test_a_checkpoint_of_another_run_is_refused_by_what_differs(what, tmp_path):
    name, one, other = ANOTHER[what]
    path = tmp_path / "run.npz"
    trained(path, 2, **one)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=f"another run: its {name} is .*here"):
        resumed(path, **other)
    assert path.read_bytes() == before
    same(resumed(path, **one), trained(tmp_path / "whole.npz", 4, **one))


def test_the_message_holds_both_values(tmp_path):
    trained(tmp_path / "run.npz", 1, cost=Cost("squared_error", reductions.cvar(0.1)))
    with pytest.raises(CheckpointError, match=r"its reduction is cvar\(0\.1\), here cvar\(0\.9\)"):
        resumed(tmp_path / "run.npz", cost=Cost("squared_error", reductions.cvar(0.9)))


def test_of_long_settings_the_message_holds_where_they_begin_to_differ():
    for before, after in ((0, 500), (500, 0), (500, 500), (0, 0)):
        one, other = ("a" * before + letter + "z" * after for letter in "bc")
        name, there, here = difference({"loss": one, "X": "1"}, {"loss": other, "X": "2"})
        assert name == "loss" and "b" in there and "c" in here and len(there) == len(here) <= SHOWN + 2
        for text in (there, here):
            assert text.startswith("…") == (before > 0) and text.endswith("…") == (after > 0)
    assert difference({"loss": "a" * 500}, {"loss": "a" * 500}) is None
    assert difference({"loss": "a"}, {"loss": "a", "X": "1"}) == ("X", "unknown", "1")
    assert difference({"loss": "a", "X": "1"}, {"loss": "a"}) == ("X", "1", "unknown")


class Outside:
    """Rows that are not in memory."""

    def __init__(self, array):
        self.array, self.read = array, 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        self.read += len(self.array[rows])
        return self.array[rows]


def test_neither_max_bytes_nor_the_dtype_given_nor_validation_matters(tmp_path):
    trained(tmp_path / "run.npz", 2)
    whole = trained(tmp_path / "whole.npz", 4)
    more = dict(validation=(X, Y), callbacks=[lambda row, net: None])
    same(resumed(tmp_path / "run.npz", max_bytes=1 << 22, X=X.tolist(), **more), whole)
    lists = trained(tmp_path / "other.npz", 2, X=np.asfortranarray(X).astype(">f8"), max_bytes=1 << 22)
    assert len(lists.history) == 2
    same(resumed(tmp_path / "other.npz"), whole)


def test_of_rows_outside_memory_some_are_compared(tmp_path):
    many = np.linspace(-1, 1, 5000)[:, None]
    trained(tmp_path / "run.npz", 1, X=Outside(many), y=Outside(many), schedule=BatchSchedule(5000))
    fits = dict(y=Outside(many), schedule=BatchSchedule(5000))
    resumed(tmp_path / "run.npz", 1, X=Outside(many), **fits)
    with pytest.raises(CheckpointError, match="its X is 1024 rows of float64.*here 1024 rows"):
        resumed(tmp_path / "run.npz", 1, X=Outside(many[::-1]), **fits)


PROGRAM = """
import sys
import numpy as np
from engine import Adam, Cost, GradientDescent, Loss, Network, fit
from schedulers import BatchSchedule, orders
%s
class Mine(orders.Order):
    "A user's own."
    draws = False
    def indices(self, samples, generator): return np.array([i for i in range(samples) if i not in {3, 5}] + [3, 5])
def decay(t, scale=1.0):
    "As slow as can be."
    return scale * 0.01 / (1 + t / 10)
square = Loss(lambda A, y: ((A - y)**2).sum(1), lambda A, y: 2 * (A - y))
X = np.linspace(-1, 1, 24)[:, None]
def run(epochs, rate, path):
    found = fit(Network.initialize((1, 3, 1), "tanh", seed=0), X, np.sin(3 * X), Cost(square), rate,
                BatchSchedule(8, order=Mine()), epochs=epochs, progress=False, checkpoint=path, resume=True)
    return found.network.parameters.tobytes(), len(found.history)
rates = {"def": Adam(decay), "lambda": Adam(lambda t: 0.01 / (1 + t))}
for name, rate in rates.items():
    ended = run(int(sys.argv[1]), rate, sys.argv[2] + name)
    assert len(sys.argv) == 3 or ended == run(int(sys.argv[1]), rate, sys.argv[3] + name)
"""


@pytest.mark.compiled
def test_a_run_of_ones_own_functions_goes_on_in_another_process(tmp_path):
    for epochs, more, paths in (("2", "", ["run"]), ("4", "import math  # other line numbers\n\n", ["run", "whole"])):
        command = [sys.executable, "-W", "error", "-c", PROGRAM % more, epochs, *(str(tmp_path / path) for path in paths)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONHASHSEED": epochs})
        assert done.returncode == 0, done.stderr
