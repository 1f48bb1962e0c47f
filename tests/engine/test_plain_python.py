"""NUMBA_DISABLE_JIT=1: the kernels in plain Python have the bits of the compiled ones."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from engine import Cost, fit, value_and_gradient
from engine.activations import NAMED as ACTIVATIONS
from schedulers import BatchSchedule
from tests.cases import DTYPES, LOSSES, REDUCTIONS, UPDATES, network, targets

Z = [0.0, -0.0, 1e-300, -1e-40, 0.3, -0.7, 1.9, -4.2, 9.5, -30.0, 88.0, -105.0, 1e4, -1e30]
M = 5


def cases():
    """(name, array) of small cases of everything."""
    for dtype in DTYPES:
        generator = np.random.default_rng(5)
        net, X = network((3, 7, 2), "tanh", dtype), generator.uniform(-1, 1, (M, 3))
        y = generator.uniform(0, 1, (M, 2))
        for name, activation in ACTIVATIONS.items():
            z = np.array(Z, dtype)
            for order, function in enumerate((activation.function, activation.derivative, activation.second_derivative)):
                yield f"{name} {order}", function(z)
        J = net.jacobian(X)
        for part in (net(X), J.dense(), J.gram(), J.row_norms(), J @ np.ones(net.size, dtype), J.T @ np.ones(2 * M, dtype),
                     J.chain(1), J.forward.z(2), J.wrt_input()):
            yield "J", part
        for name in LOSSES:
            cost = Cost(LOSSES[name])
            yield name, value_and_gradient(net, X, targets(name, generator, M, 2), cost)[1]
            yield name, LOSSES[name].hessian(net(X), targets(name, generator, M, 2))
        for name, (_, build) in REDUCTIONS.items():
            yield name, value_and_gradient(net, X, y, Cost("squared_error", build(M)))[1]
        for name, (update, *_) in UPDATES.items():
            for cost in (Cost("squared_error"), Cost("squared_error", "max")):
                yield name, fit(net, X, y, cost, update, BatchSchedule(3), epochs=2, progress=False).network.parameters


def bits():
    """What each case is, in hexadecimal; one NaN is as good as another."""
    with np.errstate(all="ignore"):
        return [(name, np.where(np.isnan(array), array.dtype.type(np.nan), array).tobytes().hex()) for name, array in cases()]


@pytest.mark.compiled
def test_plain_python_has_the_bits_of_compiled_kernels():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(pathlib.Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-m", "tests.engine.test_plain_python"], env=environment, capture_output=True, text=True,
                          timeout=200)
    assert done.returncode == 0, done.stderr
    plain, compiled = json.loads(done.stdout), bits()
    assert [name for (name, mine), (_, theirs) in zip(plain, compiled, strict=True) if mine != theirs] == []


if __name__ == "__main__":
    print(json.dumps(bits()))
