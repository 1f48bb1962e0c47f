"""Laplace's posterior in every structure: evidence, gradients and covariances against the dense formulas in NumPy."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from scipy.stats import norm, poisson

from engine import Cost, laplace
from engine.operators import gaussian_posterior
from engine.penalties import ridge
from engine.reductions import weighted, weighted_mean
from tests.cases import network, targets
from tests.oracle import kronecker as plain

pytestmark = pytest.mark.compiled

WIDTHS, M = (2, 3, 2), 6
LOSSES = ("squared_error", "softmax_cross_entropy", "poisson", "binary_cross_entropy")
STRUCTURES = ("full", "dual", "kron", "diagonal")
LAYERS = np.repeat([0, 1], [9, 8])  # the layer of each number of θ
PARTS = np.repeat([0, 1, 2, 3], [6, 3, 6, 2])  # W¹, b¹, W², b²


@pytest.fixture
def form(request, monkeypatch):
    """A structure; "dual" is the full one where m n × m n is factored."""
    if request.param == "dual":
        monkeypatch.setattr(gaussian_posterior, "PRIMAL", 0)
    return "full" if request.param == "dual" else request.param


def log_density(loss, A, y, noise, w):
    """log p(y | θ) where noise has variance σ² / w."""
    if loss == "squared_error":
        return norm.logpdf(y, A, np.sqrt(noise / w)[:, None]).sum()
    if loss == "softmax_cross_entropy":
        return w @ log_softmax(A, axis=1)[range(len(A)), y]
    if loss == "poisson":
        return w @ poisson.logpmf(y, np.exp(A)).sum(1)
    return w @ np.log(np.where(y > 0, expit(A), expit(-A))).sum(1)


class Literal:
    """The dense formulas, with H by literal sums."""

    def __init__(self, loss, structure="full", dtype=np.float64, w=None, widths=WIDTHS, m=M):
        generator = np.random.default_rng(3)
        self.net = network(widths, "tanh", dtype)
        self.X = generator.standard_normal((m, widths[0])).astype(dtype)
        self.y = targets(loss, generator, m, widths[-1])
        self.y = self.y.astype(dtype) if self.y.dtype.kind == "f" else self.y
        self.X_test = generator.standard_normal((5, widths[0])).astype(dtype)
        self.loss, self.w = loss, np.ones(m) if w is None else w
        self.theta = self.net.parameters.astype(float)
        names = [g.name for g in self.net.activations]
        arguments = self.theta, widths, names, self.X.astype(float), self.y, loss, self.w
        self.H = plain.ggn(*arguments)
        if structure == "kron":
            self.H = np.zeros_like(self.H)
            for part, (A, B) in zip(plain.layer_slices(widths), plain.factors(*arguments)):
                self.H[part, part] = plain.in_order(np.kron(B, A), len(B))
        elif structure == "diagonal":
            self.H = np.diag(np.diag(self.H))
        exact = self.net.astype(np.float64)
        self.A = exact(self.X.astype(float))
        self.J_test = exact.jacobian(self.X_test.astype(float)).dense()

    def evidence(self, precision, noise=1.0, mask=slice(None)):
        """log p(y) with flat priors of density 1 where the precision is 0."""
        H, theta, precision = self.H[mask][:, mask] / noise, self.theta[mask], precision[mask]
        determinants = np.linalg.slogdet(H + np.diag(precision))[1] - np.log(precision[precision > 0]).sum()
        flat = (precision == 0).sum() / 2 * np.log(2 * np.pi)
        return log_density(self.loss, self.A, self.y, noise, self.w) - (theta @ (precision * theta) + determinants) / 2 + flat

    def covariance(self, precision, noise=1.0, mask=slice(None)):
        """Σ, and J* Σ J*ᵀ."""
        S = np.linalg.inv(self.H[mask][:, mask] / noise + np.diag(precision[mask]))
        return S, self.J_test[:, mask] @ S @ self.J_test[:, mask].T

    def laplace(self, reduction="sum", penalty=None, **settings):
        """Ours."""
        return laplace(self.net, self.X, self.y, Cost(self.loss, reduction, penalty), **settings)


def blocks(joint, n=2):
    """The blocks of single samples."""
    m = len(joint) // n
    return joint.reshape(m, n, m, n)[range(m), :, range(m)]


def priors(structure):
    """Priors as users give them, the precision of every number, and the group of each that moves together."""
    generator = np.random.default_rng(5)
    by_parts = generator.uniform(0.3, 3, 4)[PARTS]
    vector = by_parts if structure == "kron" else generator.uniform(0.3, 3, 17)
    yield 0.7, np.full(17, 0.7), np.zeros(17, int)
    yield np.array([0.5, 2.0]), np.array([0.5, 2.0])[LAYERS], LAYERS
    yield vector, vector, np.arange(17)
    if structure == "full":  # where the kernel of the dual form is made from factors
        yield by_parts, by_parts, np.arange(17)


def check_the_formulas(literal, structure, dtype):
    noises = (1.0, 0.3) if literal.loss == "squared_error" else (1.0,)
    for noise in noises:
        for given, precision, groups in priors(structure):
            posterior = literal.laplace(prior_precision=given, noise=noise, structure=structure)
            found = posterior.log_marginal_likelihood()
            np.testing.assert_allclose(found, literal.evidence(precision, noise), rtol=1e-10)
            S, expected = literal.covariance(precision, noise)
            np.testing.assert_allclose(posterior.variances(), np.diag(S), rtol=1e-9)
            np.testing.assert_allclose(posterior.effective_parameters, np.trace(S @ literal.H) / noise, rtol=1e-9)
            close = dict(rtol=1e-9, atol=1e-11) if dtype == np.float64 else dict(rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(posterior.predict(literal.X_test)[1], blocks(expected), **close)
            np.testing.assert_allclose(posterior.predict(literal.X_test, joint=True)[1], expected, **close)
            slopes = posterior.log_marginal_likelihood_gradient()
            assert np.shape(slopes.log_prior_precision) == np.shape(given)
            for group, slope in enumerate(np.ravel(slopes.log_prior_precision)):
                up, down = (literal.evidence(precision * np.exp(e * (groups == group)), noise) for e in (1e-5, -1e-5))
                np.testing.assert_allclose(slope, (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
            if literal.loss == "squared_error":
                up, down = (literal.evidence(precision, noise * np.exp(e)) for e in (1e-5, -1e-5))
                np.testing.assert_allclose(slopes.log_noise, (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
            else:
                assert slopes.log_noise is None


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", STRUCTURES, indirect=True)
def test_evidence_gradient_and_covariance_are_the_literal_formulas(form, loss):
    check_the_formulas(Literal(loss, form), form, np.float64)


@pytest.mark.parametrize("form", STRUCTURES, indirect=True)
def test_of_a_float32_network_they_are_computed_in_float64(form):
    check_the_formulas(Literal("squared_error", form, np.float32), form, np.float32)


@pytest.mark.parametrize("form", STRUCTURES, indirect=True)
def test_parts_of_theta_are_a_submatrix(form):
    literal = Literal("squared_error", form)
    masks = [("last_layer", LAYERS == 1), ("trainable", LAYERS == 0), ("trainable", PARTS % 2 == 0), ("trainable", PARTS == 3)]
    if form != "kron":
        masks.append(("trainable", np.arange(17) % 3 == 0))
    for name, mask in masks:
        settings = {name: True if name == "last_layer" else mask}
        for given, precision, _ in priors(form):
            posterior = literal.laplace(prior_precision=given, structure=form, noise=0.5, **settings)
            np.testing.assert_allclose(posterior.log_marginal_likelihood(), literal.evidence(precision, 0.5, mask), rtol=1e-10)
            S, expected = literal.covariance(precision, 0.5, mask)
            np.testing.assert_allclose(posterior.variances()[mask], np.diag(S), rtol=1e-9)
            assert (posterior.variances()[~mask] == 0).all()
            np.testing.assert_allclose(posterior.predict(literal.X_test)[1], blocks(expected), rtol=1e-9, atol=1e-11)
            slopes = np.ravel(posterior.log_marginal_likelihood_gradient().log_prior_precision)
            assert len(slopes) < 17 or (slopes[~mask] == 0).all()
            draws = posterior.sample(3, seed=1)
            assert (draws[:, ~mask] == literal.theta[~mask]).all() and (draws[:, mask] != literal.theta[mask]).all()
            assert f"uncertain = {mask.sum()}" in repr(posterior)


def test_a_mean_is_the_posterior_of_all_samples():
    w = np.linspace(0.4, 1.6, M)  # of mean 1
    for loss in ("squared_error", "softmax_cross_entropy", "poisson"):
        for reductions, weights in ((("sum", "mean"), None), ((weighted(w), weighted_mean(3 * w)), w)):
            literal = Literal(loss, w=weights)
            found = [literal.laplace(reduction, prior_precision=0.7) for reduction in reductions]
            for posterior in found:
                np.testing.assert_allclose(posterior.log_marginal_likelihood(), literal.evidence(np.full(17, 0.7)), rtol=1e-10)
                np.testing.assert_allclose(posterior.predict(literal.X_test, joint=True)[1],
                                           literal.covariance(np.full(17, 0.7))[1], rtol=1e-9, atol=1e-12)
            assert ("mean × 6)" if weights is None else "weighted_mean(6 samples) × 6)") in repr(found[1])
            assert "×" not in repr(found[0]) and "m = 6" in repr(found[0])


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_samples_of_weight_0_are_left_out(loss):
    """A weighted mean over some samples is worth as many as are left, and a penalty beside it is the prior of that."""
    literal, w = Literal(loss), np.array([1.0, 0.0, 2.0, 0.0, 0.5, 1.0])
    part = w > 0
    whole = literal.laplace(weighted_mean(w), ridge(0.2, biases=True))
    left = laplace(literal.net, literal.X[part], literal.y[part], Cost(loss, weighted_mean(w[part]), ridge(0.2, biases=True)))
    assert whole.prior_precision == pytest.approx(0.8) and "weighted_mean(6 samples) × 4)" in repr(whole)
    assert whole.log_marginal_likelihood() == pytest.approx(left.log_marginal_likelihood(), rel=1e-12)
    np.testing.assert_allclose(whole.variances(), left.variances(), rtol=1e-10)


@pytest.mark.parametrize("structure", ["full", "kron", "diagonal"])
def test_a_penalty_is_the_prior(structure):
    literal = Literal("squared_error", structure)
    posterior = literal.laplace("mean", ridge(0.1, biases=True), structure=structure)
    assert posterior.prior_precision == pytest.approx(0.6)
    np.testing.assert_allclose(posterior.log_marginal_likelihood(), literal.evidence(np.full(17, 0.6)), rtol=1e-10)
    if structure == "kron":
        with pytest.raises(ValueError, match="structure 'kron' needs .*that of 5 is 0.*biases=True.*biases=False"):
            literal.laplace("mean", ridge(0.1), structure=structure)
        posterior = literal.laplace("sum", ridge(0.6), structure=structure, trainable=literal.net.mask(biases=False))
        expected = literal.evidence(np.full(17, 0.6), 1, PARTS % 2 == 0)
        return np.testing.assert_allclose(posterior.log_marginal_likelihood(), expected, rtol=1e-10)
    precision = np.where(PARTS % 2 == 0, 0.6, 0)
    posterior = literal.laplace("mean", ridge(0.1), structure=structure)
    np.testing.assert_allclose(posterior.log_marginal_likelihood(), literal.evidence(precision), rtol=1e-10)
    S, expected = literal.covariance(precision)
    np.testing.assert_allclose(posterior.predict(literal.X_test, joint=True)[1], expected, rtol=1e-8)
    np.testing.assert_allclose(posterior.effective_parameters, np.trace(S @ literal.H), rtol=1e-9)
    up, down = (literal.evidence(precision * np.exp(e)) for e in (1e-5, -1e-5))
    slope = posterior.log_marginal_likelihood_gradient().log_prior_precision
    np.testing.assert_allclose(slope, (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
    best = posterior.optimize()
    assert best.log_marginal_likelihood() > posterior.log_marginal_likelihood() and best.prior_precision > 0


@pytest.mark.parametrize("form", STRUCTURES, indirect=True)
def test_optimize_is_where_the_literal_evidence_is_largest(form):
    literal = Literal("squared_error", form)
    start = literal.laplace(structure=form)
    best = start.optimize()
    found = minimize(lambda logs: -literal.evidence(np.full(17, np.exp(logs[0])), np.exp(logs[1])), [0.0, 0.0], tol=1e-9,
                     method="Nelder-Mead")
    np.testing.assert_allclose([best.prior_precision, best.noise], np.exp(found.x), rtol=1e-4)
    assert best.log_marginal_likelihood() == pytest.approx(-found.fun, abs=1e-8)
    assert best.log_marginal_likelihood() > start.log_marginal_likelihood()
    held = start.optimize(noise=False)
    assert held.noise == 1 and abs(held.log_marginal_likelihood_gradient().log_prior_precision) < 1e-5
    ones = np.ones(17)
    finer = [start, *(literal.laplace(structure=form, prior_precision=given).optimize() for given in (1.0, ones[:2], ones))]
    values = [posterior.log_marginal_likelihood() for posterior in finer]
    assert np.all(np.diff(values) > -1e-6) and finer[2].prior_precision.shape == (2,) and finer[3].prior_precision.shape == (17,)
    assert 0 < best.effective_parameters < 17


def test_optimize_of_classes_finds_the_prior_alone():
    literal = Literal("softmax_cross_entropy")
    best = literal.laplace("mean").optimize()
    assert best.noise == 1 and abs(best.log_marginal_likelihood_gradient().log_prior_precision) < 1e-5


@pytest.mark.parametrize("form, dtype", [*((form, np.float64) for form in STRUCTURES), ("full", np.float32)], indirect=["form"])
def test_draws_have_the_posteriors_moments_and_are_reproducible(form, dtype):
    literal = Literal("squared_error", form, dtype)
    for given, precision, _ in list(priors(form))[:3:2]:
        posterior = literal.laplace(prior_precision=given, structure=form)
        S, _ = literal.covariance(precision)
        draws = posterior.sample(2000, seed=7)
        assert draws.dtype == np.float64 and np.array_equal(posterior.sample(4, seed=7), posterior.sample(4, seed=7))
        whitened = (draws - literal.theta) @ np.linalg.cholesky(np.linalg.inv(S))
        assert abs(whitened.mean(0)).max() < 0.1 and abs(np.cov(whitened.T) - np.eye(17)).max() < 0.16
        functions = posterior.sample_functions(literal.X_test, 4, seed=np.random.default_rng(7))
        moved = (posterior.sample(4, seed=7) - literal.theta) @ literal.J_test.T
        expected = literal.net.astype(np.float64)(literal.X_test.astype(float)) + moved.reshape(4, 5, 2)
        np.testing.assert_allclose(functions, expected, rtol=1e-10 if dtype == np.float64 else 1e-5, atol=1e-6)
        assert functions.dtype == dtype


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy"])
def test_class_probabilities(loss):
    literal = Literal(loss)
    posterior = literal.laplace(prior_precision=0.2)
    mean, covariance = posterior.predict(literal.X_test)
    soft = mean / np.sqrt(1 + np.pi * np.diagonal(covariance, axis1=1, axis2=2) / 8)
    expected = np.exp(log_softmax(soft, axis=1)) if loss == "softmax_cross_entropy" else expit(soft)
    np.testing.assert_allclose(posterior.predict_classes(literal.X_test), expected, rtol=1e-12)
    draws = np.stack([np.random.default_rng(1).multivariate_normal(f, v, 20000) for f, v in zip(mean, covariance)])
    expected = (np.exp(log_softmax(draws, axis=2)) if loss == "softmax_cross_entropy" else expit(draws)).mean(1)
    found = posterior.predict_classes(literal.X_test, method="monte_carlo", samples=4000, seed=2)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.array_equal(found, posterior.predict_classes(literal.X_test, "monte_carlo", samples=4000, seed=2))
    if loss == "softmax_cross_entropy":
        np.testing.assert_allclose(found.sum(1), 1)
