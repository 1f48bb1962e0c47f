"""JAX: the Jacobians in θ of residuals that nested differentiation gives."""

import functools

import numpy as np
import pytest

from engine import Network, Residual, collocation
from engine.interop.jax import to_tree
from engine.operators import ResidualJacobian

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

# of the Hessian of u [n_0, n_0]
EQUATIONS = {"Laplacian": (Residual(lambda x, u: u.laplacian()), jnp.trace),
             "Monge–Ampère": (Residual(lambda x, u: u.d(0, 0) * u.d(1, 1) - u.d(0, 1)**2), jnp.linalg.det)}


@pytest.fixture(autouse=True)
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def model(tree, x):
    for l, (kernel, bias) in enumerate(tree, 1):
        x = x @ kernel + bias
        x = jnp.tanh(x) if l < len(tree) else x
    return x[0]


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("widths", [(2, 9, 1), (2, 7, 5, 6, 1)], ids=str)
def test_jacobians_of_residuals_are_those_of_nested_differentiation(name, widths):
    residual, of_hessian = EQUATIONS[name]
    network, X = Network.initialize(widths, "tanh", seed=3), np.random.default_rng(0).uniform(-1, 1, (40, 2))
    tree = [tuple(map(jnp.asarray, layer)) for layer in to_tree(network)]
    expected = jax.vmap(jax.jacrev(lambda tree, x: of_hessian(jax.hessian(functools.partial(model, tree))(x))), (None, 0))(tree, X)
    J = ResidualJacobian(network, *collocation((X, residual))).dense()
    scale = np.abs(J).max()
    for (kernel, bias), (W, b) in zip(expected, network.unflatten(J)):
        assert np.abs(W.swapaxes(-1, -2) - np.asarray(kernel)).max() <= 1e-12 * scale
        assert np.abs(b - np.asarray(bias)).max() <= 1e-12 * scale
