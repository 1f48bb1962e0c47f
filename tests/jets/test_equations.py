"""J, Jᵀu, J Jᵀ of equations that have names, against the product rule by hand over nested sums: depths 1 to 4."""

import numpy as np
import pytest

from engine import Cost, Network, Residual, collocation, losses
from engine.operators import ResidualJacobian
from tests.oracle import jets as plain

m = 3
PRECISION = {np.float64: 1e-13, np.float32: 1e-5}
HIDDEN = {1: (), 2: (4,), 3: (3, 2), 4: (3, 2, 3)}
NAMES = ("tanh", "softplus", "sin", "sigmoid")  # from the last layer back


def by_product_rule(u, du):
    """r [m, 1] and ∂r/∂θ [m, P] of every equation; u(k, i, j) is ∂²u_k/∂x_i ∂x_j [m, 1], du its derivative in θ [m, P]."""
    return {
        "heat": lambda: (u(0, 1) - 0.3 * u(0, 0, 0), du(0, 1) - 0.3 * du(0, 0, 0)),
        "Burgers": lambda: (u(0, 1) + u(0) * u(0, 0) - 0.1 * u(0, 0, 0),
                            du(0, 1) + du(0) * u(0, 0) + u(0) * du(0, 0) - 0.1 * du(0, 0, 0)),
        "Monge–Ampère": lambda: (u(0, 0, 0) * u(0, 1, 1) - u(0, 0, 1)**2 - 1,
                                 du(0, 0, 0) * u(0, 1, 1) + u(0, 0, 0) * du(0, 1, 1) - 2 * u(0, 0, 1) * du(0, 0, 1)),
        "Laplacian": lambda: (sum(u(0, i, i) for i in range(5)), sum(du(0, i, i) for i in range(5))),
        "divergence": lambda: (u(0, 0) + u(1, 1), du(0, 0) + du(1, 1))}


def deep(*values):
    return pytest.param(*values, marks=pytest.mark.compiled)


# equation: inputs, outputs, residual
EQUATIONS = {
    "heat": (2, 1, Residual(lambda x, u: u.d(1) - 0.3 * u.d(0, 0))),
    "Burgers": (2, 1, Residual(lambda x, u: u.d(1) + u.value * u.d(0) - 0.1 * u.d(0, 0))),
    "Monge–Ampère": (2, 1, Residual(lambda x, u: u.d(0, 0) * u.d(1, 1) - u.d(0, 1)**2 - 1)),
    "Laplacian": (5, 1, Residual(lambda x, u: u.laplacian())),
    "divergence": (2, 2, Residual(lambda x, u: u.divergence()))}


def problem(n_0, n, depth, dtype):
    generator = np.random.default_rng(10 * n_0 + depth)
    widths, names = (n_0, *HIDDEN[depth], n), NAMES[:depth][::-1]
    P = sum(after * (before + 1) for before, after in zip(widths, widths[1:]))
    network = Network(widths, names, generator.uniform(-1.5, 1.5, P).astype(dtype))
    return network, generator.uniform(-1, 1, (m, n_0)).astype(dtype), generator


def nested(network, X, pairs):
    """u(k, i, j) [m, 1] and du(k, i, j) [m, P] of the nested sums."""
    n_0, names = network.widths[0], [activation.name for activation in network.activations]
    A, dA = plain.jets(network.parameters.astype(float), network.widths, names, X.astype(float), tuple(range(n_0)),
                       tuple(((i, j, 1.0),) for i, j in pairs))
    place = {(): 0, **{(i,): 1 + i for i in range(n_0)}, **{pair: 1 + n_0 + s for s, pair in enumerate(pairs)}}
    return (lambda k, *axes: A[:, place[axes], k:k + 1]), (lambda k, *axes: dA[:, place[axes], k])


def compare(J, r, dense, generator, dtype):
    u, v = (generator.standard_normal(size).astype(dtype) for size in J.shape)
    sizes = np.abs(dense) @ np.abs(dense).T  # of the terms of J Jᵀ, which may cancel
    for found, exact, size in ((J.residuals.reshape(-1), r.reshape(-1), np.abs(r).max()), (J.dense(), dense, np.abs(dense).max()),
                               (J.T @ u, dense.T @ u, (np.abs(dense).T @ np.abs(u)).max()),
                               (J @ v, dense @ v, (np.abs(dense) @ np.abs(v)).max()), (J.gram(), dense @ dense.T, sizes.max())):
        assert found.dtype == dtype
        assert np.abs(found - exact).max() <= PRECISION[dtype] * max(size, 1)


@pytest.mark.parametrize("depth, dtype", [(1, np.float64), (2, np.float32), deep(3, np.float32), deep(4, np.float64)])
@pytest.mark.parametrize("name", EQUATIONS)
def test_equations_are_the_product_rule_over_nested_sums(name, depth, dtype):
    n_0, n, residual = EQUATIONS[name]
    network, X, generator = problem(n_0, n, depth, dtype)
    pairs = [(i, i) for i in range(n_0)] + [(0, 1)]
    r, dense = by_product_rule(*nested(network, X, pairs))[name]()
    compare(ResidualJacobian(network, *collocation((X, residual))), r, dense, generator, dtype)


@pytest.mark.parametrize("depth, dtype, n_0, n", [(1, np.float64, 3, 1), deep(2, np.float64, 1, 2), deep(3, np.float32, 2, 2),
                                                  deep(4, np.float64, 3, 2)])
def test_sobolev_residuals_are_those_of_nested_sums(depth, dtype, n_0, n):
    network, X, generator = problem(n_0, n, depth, dtype)
    u, du = nested(network, X, [])
    y = generator.standard_normal((m, n * (1 + n_0))).astype(dtype)
    rows = [(k,) for k in range(n)] + [(k, i) for k in range(n) for i in range(n_0)]
    scale = [1] * n + [0.5] * (n * n_0)
    r = np.stack([s * (u(*row)[:, 0] - y[:, e]) for e, (s, row) in enumerate(zip(scale, rows))], 1).reshape(-1)
    dense = np.stack([s * du(*row) for s, row in zip(scale, rows)], 1).reshape(len(r), -1)
    compare(ResidualJacobian(network, X, y, Cost(losses.sobolev(0.25))), r, dense, generator, dtype)
