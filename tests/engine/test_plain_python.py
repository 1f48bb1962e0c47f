"""NUMBA_DISABLE_JIT=1: the kernels in plain Python have the bits of the compiled ones."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from engine import Cost, fit, value_and_gradient
from engine.activations import NAMED as ACTIVATIONS
from engine.kernels.simd import fma, plain
from schedulers import BatchSchedule
from tests.cases import DTYPES, LOSSES, PARAMETRIC, REDUCTIONS, UPDATES, functions_of, network, targets

Z = [0.0, -0.0, 1e-300, -1e-40, 0.3, -0.7, 1.9, -4.2, 9.5, -30.0, 88.0, -105.0, 1e4, -1e30]
M = 5


def cases():
    """(name, array) of small cases of everything."""
    for dtype in DTYPES:
        generator = np.random.default_rng(5)
        net, X = network((3, 7, 2), "tanh", dtype), generator.uniform(-1, 1, (M, 3))
        y = generator.uniform(0, 1, (M, 2))
        for name, activation in {**ACTIVATIONS, **PARAMETRIC}.items():
            z = np.array(Z, dtype)
            for order, function in enumerate(functions_of(activation)):
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


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_plain_fused_multiply_add_rounds_once(dtype):
    """Against the processor's, or LLVM's where it has none: halves, cancellation, subnormals, overflow, NaN."""
    generator, limits = np.random.default_rng(0), np.finfo(dtype)
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, limits.max, -limits.tiny, limits.smallest_subnormal]
    triples = np.array(np.meshgrid(*[special] * 3)).reshape(3, -1).T
    near = generator.standard_normal((3000, 3)).astype(dtype)
    near[:, 2] = -(near[:, 0] * near[:, 1]) * (1 + generator.integers(-2, 3, 3000) * limits.eps)
    wide = np.ldexp(generator.uniform(-2, 2, (3000, 3)), generator.integers(limits.minexp, limits.maxexp - 1, (3000, 3)))
    small = generator.standard_normal((3000, 3)) * [1, 1, 0.5 * limits.eps]
    with np.errstate(all="ignore"):
        a, b, c = np.ascontiguousarray(np.concatenate([part.astype(dtype) for part in (triples, near, wide, small)]).T)
        expected = np.empty_like(a)
        fused(a, b, c, expected)
        got = np.array([plain.fma(*numbers) for numbers in zip(a, b, c)], dtype)
    integer = np.int32 if dtype == np.float32 else np.int64
    assert ((got.view(integer) == expected.view(integer)) | (np.isnan(got) & np.isnan(expected))).all()


@njit
def fused(a, b, c, out):
    """out = a b + c, number by number."""
    for i in range(a.size):
        out[i] = fma(a[i], b[i], c[i])


if __name__ == "__main__":
    print(json.dumps(bits()))
