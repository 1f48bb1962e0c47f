"""A penalty in the cost of curvature operators, influences, per-sample gradients and check_derivatives."""

from dataclasses import dataclass

import numpy as np
import pytest

import engine
from engine import Cost, Reduction, check_derivatives, influence_on_cost, influence_on_predictions, operators, reductions
from engine.penalties import Ridge, ridge
from tests.cases import CURVATURE, DTYPES, network

pytestmark = pytest.mark.compiled

G = np.random.default_rng(8)
X, C, X_TEST, C_TEST = G.standard_normal((9, 3)), G.integers(0, 3, 9), G.standard_normal((2, 3)), np.array([1, 2])
NET = network((3, 4, 3), ("tanh", "identity"))
OWN = Reduction(lambda L: np.sqrt(L @ L), lambda L: L / np.sqrt(L @ L),
                lambda L, v: v / np.sqrt(L @ L) - L * (L @ v) / np.sqrt(L @ L)**3)
REDUCTIONS = {"sum": "sum", "log_sum_exp": reductions.log_sum_exp(2.0), "own": OWN}
# which of θ = (W¹, b¹, W², b²) are weights
WEIGHTS = np.r_[np.ones(12), np.zeros(4), np.ones(12), np.zeros(3)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*CURVATURE, "ggn with reduction_curvature"])
def test_the_strength_is_added_to_the_diagonal(name, dtype):
    def build(cost, **bound):
        build, more = (operators.ggn, dict(reduction_curvature=True)) if " " in name else (CURVATURE[name], {})
        return build(net, X, C, cost, **more, **bound)

    net, close = NET.astype(dtype), dict(rtol=0, atol=1e-13 if dtype == np.float64 else 1e-4)
    V = G.standard_normal((31, 2)).astype(dtype)
    for reduction in REDUCTIONS.values():
        plain = build(Cost("softmax_cross_entropy", reduction))
        for penalty, added in ((ridge(0.3), 0.3 * WEIGHTS), (ridge(0.3, biases=True), np.full(31, 0.3))):
            for bound in ({}, {"max_bytes": 1 << 20}):
                K = build(Cost("softmax_cross_entropy", reduction, penalty), **bound)
                for found, expected in ((K @ V, plain @ V + added[:, None] * V), (K.T @ V[:, 1], plain @ V[:, 1] + added * V[:, 1]),
                                        (K.diagonal(), plain.diagonal() + added), (K.dense(), plain.dense() + np.diag(added)),
                                        (K.trace(), plain.trace() + added.sum())):
                    assert np.ndim(found) == 0 or found.dtype == dtype
                    np.testing.assert_allclose(found, expected, **close)
                for block, other, part in zip(K.blocks(), plain.blocks(), (added[:16], added[16:]), strict=True):
                    np.testing.assert_allclose(block, other + np.diag(part), **close)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_hessian_is_the_differences_of_the_penalised_gradient(reduction):
    cost, h = Cost("softmax_cross_entropy", REDUCTIONS[reduction], ridge(0.3)), 1e-6
    H = operators.hessian(NET, X, C, cost)
    columns = [(engine.value_and_gradient(NET.replace(NET.parameters + h * e), X, C, cost)[1]
                - engine.value_and_gradient(NET.replace(NET.parameters - h * e), X, C, cost)[1]) / (2 * h) for e in np.eye(31)]
    np.testing.assert_allclose(H.dense(), columns, atol=1e-8)
    without = operators.hessian(NET, X, C, Cost("softmax_cross_entropy", REDUCTIONS[reduction]))
    assert np.array_equal(H.mixed_product(WEIGHTS), without.mixed_product(WEIGHTS))
    assert np.array_equal(H.mixed_transposed(X), without.mixed_transposed(X))


def test_spectra_and_estimates_are_of_the_penalised_cost():
    K = operators.ggn(NET, X, C, Cost("softmax_cross_entropy", "sum", ridge(0.7, biases=True)))
    values = np.linalg.eigvalsh(operators.ggn(NET, X, C, Cost("softmax_cross_entropy", "sum")).dense()) + 0.7
    np.testing.assert_allclose(operators.leading_eigenvalues(K, 2)[0], values[:-3:-1], rtol=1e-10)
    np.testing.assert_allclose(operators.trace_estimate(K, 93), values.sum(), rtol=1e-10)


def test_samples_gradients_have_no_penalty():
    plain, cost = Cost("softmax_cross_entropy"), Cost("softmax_cross_entropy", penalty=ridge(0.3))
    rows = engine.per_sample_gradients(NET, X, C, cost)
    assert np.array_equal(rows, engine.per_sample_gradients(NET, X, C, plain))
    assert np.array_equal(engine.per_sample_gradient_norms(NET, X, C, cost), engine.per_sample_gradient_norms(NET, X, C, plain))
    assert np.array_equal(operators.LossJacobian(NET, X, C, cost).gram(), operators.LossJacobian(NET, X, C, plain).gram())
    np.testing.assert_allclose(engine.value_and_gradient(NET, X, C, cost)[1], rows.mean(0) + 0.3 * WEIGHTS * NET.parameters,
                               atol=1e-14)


def test_influences_with_a_penalty_in_the_curvature():
    """No damping: the penalty makes K positive definite."""
    cost = Cost("softmax_cross_entropy", penalty=ridge(0.3, biases=True))
    K = operators.ggn(NET, X, C, cost)
    rows, J = engine.per_sample_gradients(NET, X, C, cost), NET.jacobian(X_TEST).dense()
    expected = -(rows @ np.linalg.solve(K.dense(), J.T)).reshape(9, 2, 3)
    found = influence_on_predictions(NET, X, C, cost, X_TEST, curvature=K, damping=0.0)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    gradient = cost.output_gradient(NET(X_TEST), C_TEST).reshape(2, 3)
    given = dict(curvature=K, damping=0.0)
    found = influence_on_cost(NET, X, C, cost, X_TEST, C_TEST, **given)
    np.testing.assert_allclose(found, np.einsum("kji,ji->k", expected, gradient), atol=1e-7)
    more = influence_on_cost(NET, X, C, cost, X_TEST, C_TEST, test_cost=cost, **given)
    np.testing.assert_allclose(more - found, -(rows @ np.linalg.solve(K.dense(), 0.3 * NET.parameters)), atol=1e-7)


@dataclass(frozen=True)
class Wrong(Ridge):
    """A ridge whose gradient, or second derivative, is a tenth too large."""

    of: str = "gradient"

    def add(self, network, gradient):
        before = gradient.copy()
        penalty = super().add(network, gradient)
        gradient += 0.1 * (gradient - before) * (self.of == "gradient")
        return penalty

    def curvature(self, network):
        return super().curvature(network) * (1.1 if self.of == "curvature" else 1)


@pytest.mark.parametrize("strength", [1e-6, 0.3, 1e6])
def test_check_derivatives_checks_the_penalty(strength):
    report = check_derivatives(NET, X, C, Cost("softmax_cross_entropy", penalty=ridge(strength)))
    names = [row.name for row in report.rows]
    assert report.holds, str(report)
    assert names[-2:] == [f"ridge({strength!r}), gradient", f"ridge({strength!r}), second derivative"]
    for of, wrong in (("gradient", -2), ("curvature", -1)):
        report = check_derivatives(NET, X, C, Cost("softmax_cross_entropy", penalty=Wrong(strength, of=of)))
        assert not report.holds and not report.rows[wrong].holds
