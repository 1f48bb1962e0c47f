"""Eigenvalues, singular values, traces and densities of spectra."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from engine import Cost, Network
from engine.operators import (
    ggn,
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (30, 30), (30, 5), (5, 30), (1, 7)])
def test_operators_that_are_zero(shape, dtype):
    zero = aslinearoperator(np.zeros(shape, dtype))
    for count in (1, 2, 6, 40):
        wanted = min(count, *shape)
        left, values, right = leading_singular_values(zero, count)
        assert values.tolist() == [0] * wanted and values.dtype == dtype
        assert np.array_equal(left.T @ left, np.eye(wanted)) and np.array_equal(right @ right.T, np.eye(wanted))
        if shape[0] == shape[1]:
            values, vectors = leading_eigenvalues(zero, count)
            assert values.tolist() == [0] * wanted and values.dtype == dtype
            assert np.array_equal(vectors.T @ vectors, np.eye(wanted))
            assert trace_estimate(zero, 3 + count) == 0 and spectral_density(zero).trace_of(np.cosh) == pytest.approx(shape[0])


def test_a_network_that_is_dead_everywhere():
    dead = Network((3, 8, 2), ("relu", "relu"), -np.ones(50))
    X = np.random.default_rng(0).uniform(0, 1, (30, 3))
    G = ggn(dead, X, np.zeros((30, 2)), Cost("squared_error"))
    assert not leading_eigenvalues(G, 3)[0].any() and not leading_singular_values(dead.jacobian(X), 3)[1].any()
    assert not spectral_density(G).nodes.any() and trace_estimate(G, 9) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12, 1e30])
def test_spectra_scale_with_the_operator(scale, dtype):
    """ARPACK takes eigenvalues below ε^⅔ for 0, and squares of norms leave float32 at 10⁻²³ and 10¹⁹."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0]
    truth = np.concatenate([[7.0, -5.0, 3.0], np.linspace(0, 1, 37)])
    K = aslinearoperator((scale * (Q * truth) @ Q.T).astype(dtype))
    close = dict(rtol=1e-10) if dtype == np.float64 else dict(rtol=1e-4)
    np.testing.assert_allclose(leading_eigenvalues(K, 3)[0].astype(float), scale * np.array([7.0, -5, 3]), **close)
    left, values, right = leading_singular_values(K, 3)
    np.testing.assert_allclose(values.astype(float), scale * np.array([7.0, 5, 3]), **close)
    density = spectral_density(K, steps=40, probes=2)
    assert density.nodes[-1] == pytest.approx(7 * scale, rel=1e-3) and density.nodes[0] == pytest.approx(-5 * scale, rel=1e-3)
    assert trace_estimate(K, 120) == pytest.approx(scale * truth.sum(), rel=1e-4)


@pytest.mark.parametrize("rank", [1, 2])
def test_operators_of_low_rank(rank):
    rows = np.random.default_rng(0).standard_normal((rank, 25))
    values, vectors = leading_eigenvalues(aslinearoperator(rows.T @ rows), 4)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(rows.T @ rows)[::-1][:4], atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(4), atol=1e-10)
    left, values, right = leading_singular_values(aslinearoperator(rows.T @ rows), 4)
    np.testing.assert_allclose((left * values) @ right, rows.T @ rows, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 30])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_operators_that_are_not_finite_are_refused(size, bad):
    matrix = np.eye(size)
    matrix[-1, 0] = bad
    for call in (leading_eigenvalues, leading_singular_values, spectral_density, trace_estimate,
                 lambda K: leading_eigenvalues(K, 1), lambda K: leading_singular_values(K, 1), lambda K: trace_estimate(K, 3)):
        with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="operator must give finite products.*NaN or infinity"):
            call(aslinearoperator(matrix))


def test_operators_of_whole_numbers_and_other_shapes():
    whole = aslinearoperator(np.diag(np.arange(9)))
    np.testing.assert_allclose(leading_eigenvalues(whole, 2)[0], [8, 7])
    np.testing.assert_allclose(leading_singular_values(whole, 2)[1], [8, 7])
    assert spectral_density(whole).nodes.max() == pytest.approx(8) and trace_estimate(whole, 27) == pytest.approx(36)
    for call in (leading_eigenvalues, spectral_density, trace_estimate):
        with pytest.raises(ValueError, match=r"operator must be square, but has shape \[2, 3\]"):
            call(aslinearoperator(np.ones((2, 3))))
    with pytest.raises(ValueError, match="tolerance must be a finite number of at least 0, but is -1"):
        leading_eigenvalues(whole, 2, tolerance=-1)
