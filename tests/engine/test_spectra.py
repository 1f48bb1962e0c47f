"""Eigenvalues, singular values, traces and densities of spectra."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from engine import Cost
from engine.operators import (
    kfac,
    leading_eigenvalues,
    leading_singular_values,
    ntk,
    spectral_density,
    trace_estimate,
)
from tests.cases import DTYPES, network

pytestmark = pytest.mark.compiled


def operator(dtype=np.float64):
    """KFAC of a small network, and its dense form."""
    generator = np.random.default_rng(0)
    net = network((4, 7, 3), dtype=dtype)
    K = kfac(net, generator.standard_normal((30, 4)), generator.standard_normal((30, 3)), Cost("squared_error"))
    return K, K.dense()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 5, 1000])
def test_eigenvalues_and_singular_values(count, dtype):
    K, dense = operator(dtype)
    close = dict(rtol=1e-9, atol=1e-10) if dtype == np.float64 else dict(rtol=1e-3, atol=1e-4)
    expected = np.linalg.eigvalsh(dense.astype(float))[::-1][:count]
    values, vectors = leading_eigenvalues(K, count)
    np.testing.assert_allclose(values, expected, **close)
    np.testing.assert_allclose(K @ vectors, vectors * values, **close)
    J = network((4, 7, 3), dtype=dtype).jacobian(np.random.default_rng(1).standard_normal((5, 4)))
    left, values, right = leading_singular_values(J, count)
    np.testing.assert_allclose(values, np.linalg.svd(J.dense().astype(float), compute_uv=False)[:count], **close)
    np.testing.assert_allclose(J @ right.T, left * values, **close)


def test_hutch_plus_plus():
    K, dense = operator()
    truth = np.trace(dense)
    assert trace_estimate(K, 3 * K.shape[0]) == pytest.approx(truth, rel=1e-12)
    low = np.random.default_rng(2).standard_normal((200, 5))
    low = low @ low.T
    assert trace_estimate(aslinearoperator(low), 18) == pytest.approx(np.trace(low), rel=1e-10)
    estimates = np.array([trace_estimate(K, 12, seed=seed) for seed in range(400)])
    assert abs(estimates.mean() - truth) < 4 * estimates.std() / 20
    slow = np.diag(1 / np.arange(1.0, 301))
    plain = np.random.default_rng(3).choice([-1.0, 1.0], (300, 60, 50))
    Q = np.linalg.qr(np.random.default_rng(4).standard_normal((300, 300)))[0]
    turned = Q @ slow @ Q.T
    hutchinson = np.einsum("pij,pij->j", plain, np.tensordot(turned, plain, 1)) / 60
    better = np.array([trace_estimate(aslinearoperator(turned), 60, seed=seed) for seed in range(50)])
    assert better.std() < 0.5 * hutchinson.std()


@pytest.mark.parametrize("dtype", DTYPES)
def test_density_is_a_quadrature_of_the_spectrum(dtype):
    K, dense = operator(dtype)
    values = np.linalg.eigvalsh(dense.astype(float))
    density = spectral_density(K, steps=20, probes=300)
    assert density.weights.sum() == pytest.approx(1, abs=1e-5) and (density.weights >= 0).all()
    assert density.trace_of(lambda t: t) == pytest.approx(values.sum(), rel=0.1)
    assert density.trace_of(np.log1p) == pytest.approx(np.log1p(values).sum(), rel=0.1)
    grid = np.linspace(-10, 30, 4001)
    width = 0.3
    smooth = np.exp(-((grid[:, None] - values) / width)**2 / 2).mean(1) / (width * np.sqrt(2 * np.pi))
    found = density.at(grid, width)
    assert found.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-4)
    assert abs(found - smooth).sum() * (grid[1] - grid[0]) < 0.1


def test_one_probe_has_exact_moments():
    K, dense = operator()
    density = spectral_density(K, steps=4, probes=1, seed=5)
    start = np.random.default_rng(5).standard_normal(len(dense))
    start /= np.linalg.norm(start)
    for power in range(8):
        moment = start @ np.linalg.matrix_power(dense, power) @ start
        assert density.weights @ density.nodes**power == pytest.approx(moment, rel=1e-9)


def test_zero_operators_and_single_numbers():
    zero = aslinearoperator(np.zeros((6, 6)))
    assert trace_estimate(zero, 9) == 0 and not spectral_density(zero).nodes.any()
    one = aslinearoperator(np.array([[2.5]]))
    assert trace_estimate(one, 3) == 2.5 and leading_eigenvalues(one)[0] == [2.5] and leading_singular_values(one)[1] == [2.5]
    assert spectral_density(one, probes=3).trace_of(lambda t: t) == pytest.approx(2.5)
    assert leading_eigenvalues(ntk(network((1, 1)), np.ones((1, 1))))[0] == pytest.approx([2.0])
    for call, name in ((trace_estimate, "products"), (leading_eigenvalues, "count")):
        with pytest.raises(ValueError, match=f"{name} must be a whole number of at least"):
            call(one, 0)
