"""Reductions of parameters near 0 and large, of losses far apart, and of shares that are whole: against mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from engine import Cost, Network, losses, reductions, value_and_gradient
from engine.kernels.reductions import CODES, reduce_losses, reduction_hessian_product
from tests.cases import DTYPES
from tests.oracle import tails

LOSSES = {"small": [0.1, 1.0, 2.5, 7.0], "one of many": [1.0] + [0.0] * 300, "nearly equal": [1.0, 1.0 + 2**-20, 1.0 - 2**-20],
          "far apart": [1e-30, 1e-10, 1.0, 1e10], "large": [2e30, 1e30, 3e30]}


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(150):
        yield


def close(found, right, bound, dtype):
    """Whether numbers are within `bound` ε of what is right; what is below the normal numbers or above the largest counts as it."""
    limits = np.finfo(dtype)
    tiny, most, eps = mpf(float(limits.tiny)), mpf(float(limits.max)), mpf(float(limits.eps))
    for a, b in zip(np.ravel(found), np.ravel(np.array(right, object)), strict=True):
        if abs(b) > most:
            assert not np.isfinite(a) and (a > 0) == (b > 0)
        else:
            assert abs(mpf(float(a)) - b) <= bound * max(eps * abs(b), tiny), (a, b)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("sign", [1, -1])
def test_log_sum_exp_for_any_t(name, sign, dtype):
    """φ within (20 + log₂ m) ε and what t L_k's rounding makes of it, ∇φ and ∇²φ within that of their own exponents."""
    L = np.array(LOSSES[name], dtype)
    first = np.eye(len(L), dtype=dtype)[0]
    for t in (1e-37, 1e-17, 1e-12, 1e-7, 1e-3, 0.3, 2.0, 30.0, 1e3, 1e10, 1e37):
        reduction = reductions.log_sum_exp(sign * t)
        value, gradient, column = tails.log_sum_exp(L, dtype(sign * t))
        spread = min(float(t * np.ptp(L.astype(float))), 800)
        condition = sum(g * abs(mpf(float(a))) for g, a in zip(gradient, L)) / abs(value)  # of φ in the losses
        close(reduction.value(L), value, 20 + np.log2(len(L)) + float(condition), dtype)
        close(reduction.gradient(L), gradient, 20 + 2 * spread, dtype)
        close(reduction.hessian_product(L, first), column, 40 + 4 * spread, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_sum_exp_beyond_the_largest_number_is_the_largest_loss(dtype):
    most = float(np.finfo(dtype).max)
    L = np.array([0.25, 0.9, 0.5]) * most
    for t, at in ((100.0, 1), (-100.0, 0), (most, 1)):
        reduction, values = reductions.log_sum_exp(t), L.astype(dtype)
        assert reduction.value(values) == values[at] and reduction.gradient(values).tolist() == np.eye(3)[at].tolist()
        assert not reduction.hessian_product(values, np.ones(3)).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "one of many"])
def test_a_power_mean_for_any_p(name, dtype):
    """φ within (20 + log₂ m + 4 |log(φ / max L)|) ε; its derivatives within that and p times the spread of the logarithms."""
    L = np.array(LOSSES[name], dtype)
    first, spread = np.eye(len(L), dtype=dtype)[0], float(np.ptp(np.log(L.astype(float))))
    for p in (1e-37, 1e-12, 1e-5, 0.1, 0.5, 1.0, 2.0, 7.0, 100.0, 1e4):
        reduction, (value, gradient, column) = reductions.power_mean(p), tails.power_mean(L, dtype(p))
        bound = 20 + np.log2(len(L)) + 4 * abs(float(mpmath.log(value / mpf(float(L.max())))))
        close(reduction.value(L), value, bound, dtype)
        more = bound + (abs(p - 1) + 1) * (8 + 4 * min(spread, 800 / p))
        close(reduction.gradient(L), gradient, more, dtype)
        found, size = reduction.hessian_product(L, first), float(abs(p - 1) * gradient[0] / mpf(float(L[0])))
        if np.isfinite(found).all():
            np.testing.assert_allclose(found, np.array(column, float), rtol=1e-3,
                                       atol=4 * more * np.finfo(dtype).eps * size + np.finfo(dtype).tiny)


def test_a_power_mean_of_zeros():
    for p in (1e-4, 0.5, 1.0, 3.0, 1e4):
        reduction, L = reductions.power_mean(p), np.array([2.0, 0.0, 0.0])
        assert np.isclose(reduction.value(L), 2 * float(mpf(1) / 3)**(1 / p) if p > 1e-3 else 0)
        assert np.isfinite(reduction.gradient(L)).all() and np.isfinite(reduction.hessian_product(L, np.ones(3))).all()
        assert reduction.value(0 * L) == 0 and reduction.gradient(0 * L).tolist() == [(1 / 3 if p == 1 else 0)] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_and_variance_of_losses_whose_squares_overflow_or_vanish(dtype):
    generator = np.random.default_rng(0)
    L = generator.uniform(1, 2, 300).astype(dtype)
    for power in (-60, 0, 60, 110) if dtype == np.float32 else (-500, 0, 500, 1000):
        scale = dtype(2.0**power)
        assert reductions.mean_variance(0.0).value(L * scale) == reductions.mean.value(L * scale)
        c = 2.0**-power  # mean + c variance scales as the losses do: every bit is the same
        if np.finfo(dtype).tiny <= c <= np.finfo(dtype).max:
            assert reductions.mean_variance(0.5 * c).value(L * scale) == reductions.mean_variance(0.5).value(L) * scale
    huge = np.full(40, 0.9 * np.finfo(dtype).max, dtype)
    for reduction in (reductions.mean, reductions.cvar(0.5), reductions.trimmed_mean(0.1), reductions.group_max(np.arange(40) % 2),
                      reductions.mean_variance(0.0), reductions.power_mean(2.0), reductions.power_mean(1.0)):
        np.testing.assert_allclose(reduction.value(huge), huge[0], rtol=1e-5)
    assert reductions.mean_variance(1.0).value(np.array([0, 1], dtype) * huge[0]) == np.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_share_that_is_whole_takes_whole_samples(dtype):
    """Every share of two digits of 100 samples, and those that others compute: 1 − 0.71 is 0.29 and a little more."""
    L = np.random.default_rng(0).permutation(100).astype(dtype)
    ranked, more = np.sort(L), np.random.default_rng(1).permutation(101).astype(dtype)
    for k in range(1, 50):
        for share in (k / 100, k * 0.01, 1 - (100 - k) / 100):
            gradient = reductions.trimmed_mean(share).gradient(L)
            assert np.count_nonzero(gradient) == 100 - 2 * k and np.ptp(gradient[gradient > 0]) == 0
            assert np.isclose(reductions.trimmed_mean(share).value(L), ranked[k:100 - k].mean())
            worst = reductions.cvar(share).gradient(L)
            assert np.count_nonzero(worst) == k and np.ptp(worst[worst > 0]) == 0
            assert np.isclose(reductions.cvar(share).value(L), ranked[100 - k:].mean())
            assert reductions.quantile(share).value(more) == k
            assert reductions.quantile(share).gradient(more)[more == k].tolist() == [1]
    assert np.count_nonzero(reductions.trimmed_mean(0.295).gradient(L)) == 42
    assert np.count_nonzero(reductions.cvar(0.295).gradient(L)) == 30
    for m in (1, 2, 3, 100):
        assert np.isclose(reductions.trimmed_mean(np.nextafter(0.5, 0)).value(L[:m]), np.median(L[:m]))
    for alpha in (1e-320, 1e-50, 1e-3):
        assert reductions.cvar(alpha).value(L) == 99 and reductions.cvar(alpha).gradient(L)[L.argmax()] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_code_that_no_reduction_has_is_refused(dtype):
    L, out = np.ones(4, dtype), np.zeros(4, dtype)
    for function in (reduce_losses, reduction_hessian_product):
        with pytest.raises(LookupError):
            function(99, 0.5, L, L, out)


@pytest.mark.parametrize("name", ["mean", "sum", "max", "log_sum_exp", "power_mean", "mean_variance"])
def test_a_loss_that_is_no_number_is_never_hidden(name):
    for place in range(3):
        L = np.array([0.0, 2.0, 1.0])
        L[place] = np.nan
        assert np.isnan(reduce_losses(CODES[name], 2.0, L, L, np.empty(3)))


@pytest.mark.parametrize("build, name, number", [
    (lambda: Cost(losses.huber(1e-60)), "huber's delta", "1e-60"), (lambda: Cost(losses.huber(1e60)), "huber's delta", "1e\\+60"),
    (lambda: Cost("squared_error", reductions.log_sum_exp(-1e-50)), "log_sum_exp's t", "-1e-50"),
    (lambda: Cost("squared_error", reductions.power_mean(1e50)), "power_mean's p", "1e\\+50"),
    (lambda: Cost("squared_error", reductions.mean_variance(1e-50)), "mean_variance's c", "1e-50"),
    (lambda: Cost("squared_error", reductions.weighted([1e60, 1.0])), "weighted's w", "1e\\+60"),
    (lambda: Cost("squared_error", reductions.weighted([1e-60, 0.0])), "weighted's w", "1e-60")])
def test_a_parameter_that_float32_cannot_hold_is_refused_by_name(build, name, number):
    A, y, cost = np.ones((2, 1), np.float32), np.zeros((2, 1)), build()
    with pytest.raises(ValueError, match=f"{name} must .*float32 can hold.*{number}.*float64"):
        cost.value(A, y)
    with pytest.raises(ValueError, match=name):
        value_and_gradient(Network((1, 1), ("identity",), np.zeros(2, np.float32)), A, y, cost)
    with pytest.raises(ValueError, match=name):
        cost.loss.value(A, y) if "huber" in name else cost.reduction.value(A[:, 0])
    assert np.isfinite(cost.value(A.astype(float), y))
    assert np.isfinite(Cost("squared_error", reductions.mean_variance(0.0)).value(A, y))
