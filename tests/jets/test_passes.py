"""Jets and the Jacobians of residuals of them against nested sums of tangents, for every smooth activation (eq. 22–25)."""

import numpy as np
import pytest

from engine import Network
from engine.jets import Components
from engine.jets.passes import JetPasses
from tests import cases
from tests.oracle import jets as plain

LAPLACIAN_OF_TWO = (((0, 0, 1.0), (1, 1, 1.0)),)
MIXED = (((0, 1, 1.0),), ((0, 0, 2.0), (0, 1, -0.5)))
# widths, names, axes, forms
SHAPES = {
    "2-5-1": ((2, 5, 1), ("tanh", "identity"), (0, 1), LAPLACIAN_OF_TWO),
    "value alone": ((2, 3, 1), ("tanh", "identity"), (), ()),
    "first derivatives": ((3, 4, 2), ("relu", "identity"), (2, 0), ()),
    "1-4-3-2-1": ((1, 4, 3, 2, 1), ("sin", "sigmoid", "tanh", "identity"), (0,), (((0, 0, 1.0),),)),
    "3-4-6-2, curved outputs": ((3, 4, 6, 2), ("tanh", "gelu", "tanh"), (2, 0), MIXED),
    "5-9-1": ((5, 9, 1), ("softplus", "identity"), (0, 1, 2, 3, 4), (tuple((i, i, 1.0) for i in range(5)),)),
    "2-17-1": ((2, 17, 1), ("silu", "identity"), (1,), (((0, 0, 1.0),),)),
}
KINKED = {"relu", "leaky_relu", "selu", "hard_tanh", "hard_sigmoid", "hard_swish"}
SMOOTH = [name for name in cases.ACTIVATIONS if name not in KINKED]
PRECISION = {np.float64: 1e-13, np.float32: 2e-5}


def made(widths, names, dtype, m=19):
    generator = np.random.default_rng(3)
    P = sum(n * (before + 1) for before, n in zip(widths, widths[1:]))
    network = Network(widths, names, generator.standard_normal(P).astype(dtype))
    return network, generator.uniform(-1, 1, (m, widths[0])).astype(dtype), generator


def assert_close(found, expected, dtype):
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= PRECISION[dtype] * max(np.abs(expected).max(), 1e-3)


def compare(widths, names, axes, forms, dtype, m=19, q=2):
    network, X, generator = made(widths, names, dtype, m)
    passes = JetPasses(network, X, Components(axes, forms))
    exact, slopes = plain.jets(network.parameters.astype(float), widths, names, X.astype(float), axes, forms)
    seeds = generator.standard_normal((m, q, *exact.shape[1:])).astype(dtype)
    J = np.einsum("mekn,mknp->mep", seeds.astype(float), slopes).reshape(m * q, -1)
    assert_close(passes.jets(), exact, dtype)
    assert_close(passes.rows(seeds, np.empty((m * q, network.size), dtype)), J, dtype)
    v, u = generator.standard_normal(network.size).astype(dtype), generator.standard_normal((m, q)).astype(dtype)
    assert_close(passes.product(seeds, v).reshape(-1), J @ v, dtype)
    assert_close(passes.gradient(np.einsum("me,mekn->mkn", u, seeds)), J.T @ u.reshape(-1), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_jets_rows_and_products_are_the_nested_sums(shape, dtype):
    compare(*SHAPES[shape], dtype)


@pytest.mark.parametrize("name", SMOOTH)
def test_every_smooth_activation(name):
    compare((2, 3, 1), (name, "identity"), (0, 1), LAPLACIAN_OF_TWO, np.float64, m=3, q=1)


def test_more_points_than_a_block():
    compare((2, 3, 1), ("tanh", "identity"), (0, 1), LAPLACIAN_OF_TWO, np.float64, m=70, q=1)


def test_no_points():
    network, X, _ = made((2, 3, 1), ("tanh", "identity"), np.float64, 0)
    passes = JetPasses(network, X, Components((0, 1), LAPLACIAN_OF_TWO))
    assert passes.jets().shape == (0, 4, 1)
    assert (passes.gradient(np.empty((0, 4, 1))) == 0).all()
