"""Losses and their derivatives where a class is nearly sure, an angle nearly 0, a vector long or short: against mpmath."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from engine import Cost, losses
from engine.kernels.losses import CODES, loss_and_gradient, loss_hessian, prepare_losses
from engine.operators.output_hessian import Softmax
from tests.cases import DTYPES, targets
from tests.oracle import tails

MARGINS = {np.float64: (0, 1e-3, 1, 5, 20, 40, 300, 700, 1e4), np.float32: (0, 1e-3, 1, 5, 18, 40, 80, 100)}


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(120):
        yield


def off(found, right, dtype, size=None):
    """The largest error relative to what is right, or to `size`, in units of ε; never less than the least normal number counts."""
    eps, tiny = mpf(float(np.finfo(dtype).eps)), mpf(float(np.finfo(dtype).tiny))
    triples = list(zip(np.ravel(found), right, right if size is None else size, strict=True))
    return max(float(abs(mpf(float(a)) - b) / max(eps * abs(c), tiny)) for a, b, c in triples)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 10])
def test_softmax_keeps_its_digits_whatever_the_margin(n, dtype):
    """Within (n + 8 + half the largest difference of logits) ε, for that difference is rounded; the Hessian, of products of two,
    within twice that."""
    generator, loss = np.random.default_rng(n), losses.softmax_cross_entropy
    for margin in MARGINS[dtype]:
        u = generator.standard_normal(n)
        u[generator.integers(n)] += margin
        u = u.astype(dtype)
        bound = n + 8 + (u.max() - u.min()) / 2
        sure = np.where(np.arange(n) == u.argmax(), 1 - 2.0**-20, 2.0**-20 / (n - 1)).astype(dtype)
        for y in (u.argmax(), u.argmin(), sure, np.full(n, 1 / n, dtype)):
            L, gradient, H, size = tails.softmax_cross_entropy(u, y)
            batch = u[None], np.array([y])
            assert off(loss.value(*batch), [L], dtype) <= bound
            assert off(loss.gradient(*batch)[0], gradient, dtype, size) <= bound  # of p and y's difference, where both are above 0
            assert off(loss.hessian(*batch)[0], sum(H, []), dtype) <= 2 * bound


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_logits_and_one_class(dtype):
    for u, y in (([2.0, 2.0, -40.0], 0), ([2.0, 2.0, -40.0], 1), ([2.0, 2.0, -40.0], 2), ([0.0] * 5, 3)):
        L, gradient, H, _ = tails.softmax_cross_entropy(u, y)
        batch = np.array([u], dtype), np.array([y])
        assert off(losses.softmax_cross_entropy.value(*batch), [L], dtype) <= 30
        assert off(losses.softmax_cross_entropy.gradient(*batch), gradient, dtype) <= 30
        assert off(losses.softmax_cross_entropy.hessian(*batch), sum(H, []), dtype) <= 30
    for found in (losses.softmax_cross_entropy.gradient, losses.softmax_cross_entropy.hessian):
        assert not found(np.full((1, 1), 3.0, dtype), np.array([0])).any()
    assert losses.softmax_cross_entropy.value(np.full((1, 1), 3.0, dtype), np.array([0]))[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_binary_cross_entropy_keeps_its_digits_on_both_sides(dtype):
    """Within 8 ε; the gradient for y between 0 and 1 is a difference, good to 8 ε of 1."""
    margins = np.array([sign * margin for margin in MARGINS[dtype] for sign in (1, -1)], dtype)
    u = np.concatenate([margins, np.random.default_rng(0).uniform(-50, 50, 50).astype(dtype)])
    loss = losses.binary_cross_entropy
    for y in (0.0, 1.0, 0.25):
        batch = u[:, None], np.full((len(u), 1), y)
        right = list(zip(*(tails.binary_cross_entropy(a, y) for a in u)))
        assert off(loss.value(*batch), right[0], dtype) <= 8
        assert off(loss.hessian(*batch), right[2], dtype) <= 8
        if y in (0, 1):
            assert off(loss.gradient(*batch), right[1], dtype) <= 8
        np.testing.assert_allclose(loss.gradient(*batch)[:, 0], np.array(right[1], float), atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_cosh_curves_alike_far_out(dtype):
    """1 / cosh² within 8 ε, and the value and tanh within 8 ε."""
    d = np.array([sign * far for far in (1e-30, 1e-3, 0.3, 0.99, 1.0, 3, 10, 20, 40, 300) for sign in (1, -1)], dtype)
    batch, exact = (d[:, None], np.zeros((len(d), 1))), tails.numbers(d)
    if dtype == np.float32:
        assert losses.log_cosh.value(*batch)[0] == 0  # 10^-60 / 2
    assert off(losses.log_cosh.value(*batch), [mpmath.log(mpmath.cosh(a)) for a in exact], dtype) <= 8
    assert off(losses.log_cosh.gradient(*batch), [mpmath.tanh(a) for a in exact], dtype) <= 8
    assert off(losses.log_cosh.hessian(*batch), [mpmath.sech(a)**2 for a in exact], dtype) <= 8


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_hessian_of_softmax_is_positive_semi_definite_exactly(dtype):
    """In exact arithmetic on its rounded entries: for any vector, for 1, along which it is 0, and for what is near it."""
    generator = np.random.default_rng(1)
    for n, margin in ((2, 0), (3, 1), (3, 40), (5, 18), (17, 3), (17, 60)):
        u = generator.standard_normal((6, n)).astype(dtype)
        u[:, 0] += margin
        for H in losses.softmax_cross_entropy.hessian(u, generator.dirichlet(np.ones(n), 6)):
            exact = [[Fraction(float(entry)) for entry in row] for row in H]
            assert all(exact[i][j] == exact[j][i] for i in range(n) for j in range(n))
            assert all(2 * row[i] >= sum(map(abs, row)) for i, row in enumerate(exact))
            for x in (np.ones(n), 1 + 1e-9 * generator.standard_normal(n), generator.standard_normal(n)):
                x = [Fraction(float(entry)) for entry in x]
                assert sum(x[i] * exact[i][j] * x[j] for i in range(n) for j in range(n)) >= 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_square_root_of_softmax_has_every_digit(dtype):
    generator = np.random.default_rng(2)
    for n, margin in ((1, 0), (2, 30), (4, 0), (4, 20)):
        u = generator.standard_normal((3, n)).astype(dtype)
        u[:, -1] += margin
        w = generator.uniform(0.1, 3, 3).astype(dtype)
        for k, S in enumerate(Softmax.of(u, w, np.ones_like(w)).factor().astype(float)):
            H = np.array(tails.softmax_cross_entropy(u[k], 0)[2], dtype=object) * float(w[k])
            assert off(S @ S.T, H.reshape(-1), dtype) <= n + 10 + np.ptp(u) if n > 1 else not S.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_angle_has_its_digits_however_long_the_vectors_and_however_small_it_is(dtype):
    limits, generator = np.finfo(dtype), np.random.default_rng(3)
    u = np.array([[3.0, 4.0], [5.0, 5.0], [1.0, 2.0]], dtype)
    for scale in (1.0, 5e9, 4e19, 2e-21, float(limits.max) / 8, float(limits.tiny)):
        A = u * dtype(scale)
        for near in (losses.cosine.value(A, u), losses.cosine.value(A, A), losses.cosine.value(u, A)):
            assert (near >= 0).all() and near.max() <= 8 * limits.eps**2
    for power in (-100, -3, 7, 90):  # a power of two changes no bit
        y = generator.standard_normal((20, 4)).astype(dtype)
        A = generator.standard_normal((20, 4)).astype(dtype)
        scaled, once = A * dtype(2.0**power), dtype(2.0**-power)
        assert np.array_equal(losses.cosine.value(scaled, y), losses.cosine.value(A, y))
        assert np.array_equal(losses.cosine.gradient(scaled, y), losses.cosine.gradient(A, y) * once)
        if abs(power) < 50:
            assert np.array_equal(losses.cosine.hessian(scaled, y), losses.cosine.hessian(A, y) * once * once)
    for angle in (1e-5, 1e-3, 0.1, 1.5, 3.0):
        u, y = np.array([0.6, 0.8], dtype), np.array([np.cos(angle + 0.9273), np.sin(angle + 0.9273)], dtype)
        right = tails.cosine(u, y)
        assert off(losses.cosine.value(u[None], y[None]), [right], dtype) <= 8 + 8 / float(mpmath.sqrt(right))
    for A in (np.zeros((1, 2), dtype), np.ones((1, 2), dtype)):
        assert losses.cosine.value(A, 0 * A)[0] == 1 and not losses.cosine.gradient(A, 0 * A).any()
        assert not losses.cosine.hessian(A, 0 * A).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_code_that_no_loss_has_is_refused(dtype):
    A, y = np.ones((3, 2), dtype), np.ones((3, 2), dtype)
    with pytest.raises(LookupError):
        loss_and_gradient(99, 0.0, A, y, np.zeros(3, dtype), np.zeros((3, 2), dtype), (0, 3))
    with pytest.raises(LookupError):
        loss_hessian(99, 0.0, A, y, np.zeros((3, 2, 2), dtype))


@pytest.mark.parametrize("name", losses.NAMED)
def test_what_is_no_number_is_never_hidden(name):
    """A NaN among the outputs makes the loss NaN, so that a fit that diverges says so."""
    cost = Cost(name)
    y = cost.targets(targets(name, np.random.default_rng(0), 1, 4), 1, 4, np.dtype(np.float64))
    for place in range(4):
        A = np.zeros((1, 4))
        A[0, place] = np.nan
        assert np.isnan(cost.losses_and_gradients(A, y)[0]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_of_one_output_are_those_of_each_sample_alone(dtype):
    generator = np.random.default_rng(0)
    A, pairs = (generator.random((37, columns)).astype(dtype) for columns in (1, 2))
    for name, code in CODES.items():
        y = pairs if name in ("quantile_loss", "weighted_binary_cross_entropy") else pairs[:, :1].copy()
        if name == "gaussian_nll":
            continue
        values, gradients = np.empty(37, dtype), np.empty((37, 1), dtype)
        prepare_losses((code,), np.dtype(dtype))
        loss_and_gradient(code, 0.5, A, y, values, gradients, (2, 37))
        for k in range(2, 37):
            value, gradient = np.empty(1, dtype), np.empty((1, 1), dtype)
            loss_and_gradient(code, 0.5, A[k:k + 1], y[k:k + 1], value, gradient, (0, 1))
            assert value[0] == values[k] and gradient[0, 0] == gradients[k, 0]
