"""A user's script that mypy checks finds the types of what it calls, and hears of what is wrong."""

import os
import pathlib
import subprocess
import sys

import pytest

import engine
import schedulers

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = '''
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import engine
import schedulers
from engine import Cost, FitResult, ForwardPass, Jacobian, Network, operators
from schedulers import BatchSchedule, BatchStep, SweepResult

Array = NDArray[np.floating[Any]]
X, y = np.ones((6, 4), np.float32), np.zeros((6, 3))

network = Network.initialize((4, 8, 3), "tanh", seed=0, dtype=np.float32)
assert_type(network, Network)
assert_type(Network((4, 3), ("identity",), [0.0] * 15), Network)
assert_type(network(X), Array)
assert_type(network.parameters, Array)
assert_type(network.widths, tuple[int, ...])
assert_type(network.forward(X), ForwardPass)
assert_type(network.forward(X).gamma(1), Array)
assert_type(engine.load("network.npz"), Network)

J = network.jacobian(X)
assert_type(J, Jacobian)
assert_type(J.dense(), Array)
assert_type(J.chain(1), Array)
for rows, slab in J.slabs(1 << 20):
    assert_type(rows, slice)
    assert_type(slab, Array)

cost = Cost("squared_error", engine.reductions.cvar(0.1))
assert_type(cost, Cost)
assert_type(cost.losses(network(X), y), Array)
assert_type(Cost(engine.losses.huber(2.0), "max"), Cost)
value, gradient = engine.value_and_gradient(network, X, y, cost, max_bytes=1 << 22)
assert_type(value, float)
assert_type(gradient, Array)
assert_type(operators.kfac(network, X, y, cost).solve(gradient, damping=0.1), Array)
assert_type(operators.ggn(network, X, y, cost).diagonal(), Array)
assert_type(engine.per_sample_gradients(network, X, y, cost), Array)
assert_type(engine.gradient_moments(network, X, y, cost).variance, Array)
assert_type(engine.objective(network, X, y, cost).fun(network.parameters), float)
posterior = engine.laplace(network, X, y, Cost("squared_error"), prior_precision=[1.0, 2.0], structure="kron").optimize()
assert_type(posterior.predict(X), tuple[Array, Array])
assert_type(posterior.log_marginal_likelihood(), float)


def seen(row: dict[str, Any], network: Network) -> bool:
    return bool(row["cost"] < 0.1)


result = engine.fit(network, X, y, cost, engine.Adam(lambda t: 0.1 / (1 + t)), BatchSchedule(2), epochs=3, validation=(X, y),
                    callbacks=[seen], progress=False)
assert_type(result, FitResult)
assert_type(result.network, Network)
assert_type(result.history[0], dict[str, Any])
assert_type(next(BatchSchedule(2, order=schedulers.orders.importance([1, 2])).epoch(2, 0)), BatchStep)


def run(rate: float, seed: int) -> dict[str, float]:
    return {"cost": rate * seed}


swept = schedulers.sweep(run, {"rate": [0.1, 0.2], "seed": range(3)}, executor="threads", key="cost")
assert_type(swept, SweepResult)
assert_type(swept.best("cost"), dict[str, Any])
assert_type(schedulers.rates.cosine(0.1)(3), float)
assert_type(engine.Loss(lambda A, y: A[:, 0], lambda A, y: A), engine.Loss)


class Descent(engine.updates.Update):
    def begin(self, network: Network) -> engine.updates.UpdateState:
        return engine.updates.UpdateState({})


Cost(0.1)  # type: ignore[arg-type]
network.jacobian(X).dense(1 << 20)  # type: ignore[arg-type]
engine.fit(network, X, y, "squared_error", engine.Adam(), BatchSchedule(2), epochs=1)  # type: ignore[arg-type]
engine.fit(network, X, y, cost, engine.Adam(), BatchSchedule(2))  # type: ignore[call-arg]
BatchSchedule("2")  # type: ignore[arg-type]
'''


def test_a_users_script_finds_the_types(tmp_path):
    """`assert_type` says what is found, and each `type: ignore` an error that must be seen."""
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--ignore-missing-imports",
                           "--config-file=", f"--cache-dir={tmp_path / 'cache'}", script], capture_output=True, text=True,
                          env={**os.environ, "MYPYPATH": str(ROOT)}, cwd=tmp_path, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", [engine, schedulers])
def test_a_package_says_that_it_is_typed(package):
    assert (pathlib.Path(package.__file__).parent / "py.typed").is_file()
