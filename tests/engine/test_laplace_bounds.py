"""Laplace's posterior in bounded memory, and what it refuses."""

import tracemalloc

import numpy as np
import pytest

import engine
from engine import Cost, Loss, laplace
from engine.penalties import ridge
from tests.cases import network

pytestmark = pytest.mark.compiled

generator = np.random.default_rng(0)
NET = network((3, 4, 2))
X, Y, CLASSES = generator.standard_normal((9, 3)), generator.standard_normal((9, 2)), generator.integers(0, 2, 9)
SQUARE = Cost("squared_error", "sum")
BY_LAYER = np.repeat([1.0, 2.0], [16, 10])


def test_bounded_memory_changes_no_result_and_is_respected():
    net = network((6, 20, 4))
    X, Y = generator.standard_normal((600, 6)), generator.standard_normal((600, 4))
    X_test = X[:50]
    for structure, bound in (("full", 7 << 20), ("kron", 3 << 20), ("diagonal", 3 << 20)):
        whole = laplace(net, X, Y, SQUARE, structure=structure)
        laplace(net, X, Y, SQUARE, structure=structure, max_bytes=bound)  # compiles what the trace would count
        tracemalloc.start()
        bounded = laplace(net, X, Y, SQUARE, structure=structure, max_bytes=bound)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < bound + 4 * (Y.nbytes * 4), (structure, peak)  # S among what comes on top
        np.testing.assert_allclose(bounded.predict(X_test)[1], whole.predict(X_test)[1], rtol=1e-9, atol=1e-12)
        assert bounded.log_marginal_likelihood() == pytest.approx(whole.log_marginal_likelihood(), rel=1e-12)


@pytest.mark.parametrize("settings, message", [
    (dict(max_bytes=10), "max_bytes is 10, but structure 'full' takes .* bytes at least.*last_layer=True"),
    (dict(max_bytes=12000), r"structure 'full' takes \d+ bytes at least; allow that, or take .*structure='diagonal' \(\d+ bytes\)"),
    (dict(max_bytes=10, structure="kron"), "structure 'kron' takes")])
def test_what_does_not_fit_is_refused_with_what_does(settings, message):
    with pytest.raises(MemoryError, match=message):
        laplace(NET, X, Y, SQUARE, **settings)


def at(**settings):
    """laplace of squared errors."""
    return lambda: laplace(NET, X, Y, SQUARE, **settings)


@pytest.mark.parametrize("call, message", [
    (at(structure="lowrank"), "structure must be one of full, kron, diagonal, but is 'lowrank'"),
    (at(prior_precision=-1), "prior_precision must be a finite number above 0, but is -1"),
    (at(prior_precision=[1.0, 2.0, 3.0]), r"\[2\] numbers of at least 0, one for each layer, or \[26\].*shape \[3\]"),
    (at(prior_precision=[1.0, -2.0]), "at least 0.*but has -2.0"), (at(prior_precision="a"), "prior_precision must be"),
    (at(prior_precision=np.arange(1, 27.0), structure="kron"), "same for all .*structure='diagonal' or 'full'"),
    (at(prior_precision=[1.0, 0.0], structure="kron"), "structure 'kron' needs .* that of 10 is 0"),
    (at(trainable=np.arange(26) < 3, structure="kron"), "trainable must take all of W.*network.mask"),
    (at(trainable=np.zeros(26, bool)), "trainable must leave a number"), (at(trainable=[1, 0]), "trainable must be a boolean mask"),
    (at(trainable=np.ones(26, bool), last_layer=True), r"trainable must be None where last_layer.*layers=\[2\]"),
    (at(last_layer=2), "last_layer must be True or False"), (at(noise=0), "noise must be a finite number above 0"),
    (at(max_bytes=0), "max_bytes must be a whole number"),
    (lambda: laplace(NET, X, CLASSES, Cost("softmax_cross_entropy"), noise=2), "noise must be 1 .*softmax_cross_entropy"),
    (lambda: laplace(NET, X, Y, Cost("huber", "sum", ridge(0.1)), prior_precision=1), "prior_precision must be None .*penalty"),
    (lambda: laplace(NET, X, Y, Cost("huber", "sum")).log_marginal_likelihood(), "negative log likelihood, squared_error, .*huber"),
    (lambda: laplace(NET, X, Y, Cost("squared_error", "max")).optimize(), "adds up the samples' losses.*but the cost's is max"),
    (lambda: at()().optimize(noise=1), "noise must be True or False"),
    (lambda: at()().predict_classes(X), "predict_classes needs the loss softmax_cross_entropy or binary.*squared_error"),
    (lambda: laplace(NET, X, CLASSES, Cost("softmax_cross_entropy")).predict_classes(X, "exact"), "method must be one of probit"),
    (lambda: at()().sample(0), "count must be a whole number"), (lambda: at()().sample(2, seed="x"), "seed must be a whole"),
    (lambda: laplace(NET, X, Y, Cost(Loss(lambda A, y: (A - y).sum(1), np.subtract), "sum")), "second derivative"),
])
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_flat_priors_that_samples_do_not_determine_are_refused():
    for structure in ("full", "diagonal"):
        net = NET if structure == "full" else NET.replace(np.where(NET.mask(biases=False, layers=[2]), 0, NET.parameters))
        with pytest.raises(np.linalg.LinAlgError, match="prior_precision is 0 for numbers of θ that the samples do not determine"):
            laplace(net, X[:1], Y[:1], SQUARE, prior_precision=[0.0, 1.0], structure=structure)
    assert np.isfinite(laplace(NET, X[:2], Y[:2], SQUARE, prior_precision=[1.0, 0.0], trainable=NET.mask(layers=[1])
                               ).log_marginal_likelihood())


def test_losses_without_a_likelihood_have_predictions_and_draws():
    quartic = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3,
                   lambda A, y: 12 * ((A - y)**2)[:, :, None] * np.eye(A.shape[1]))
    for structure in ("full", "kron", "diagonal"):
        for cost in (Cost("huber", "sum"), Cost("cosine", "mean"), Cost(quartic, "sum"), Cost("squared_error", "max")):
            posterior = laplace(NET, X, Y, cost, structure=structure)
            covariance = posterior.predict(X)[1]
            assert np.linalg.eigvalsh(covariance).min() > 0 and np.isfinite(posterior.sample(2)).all()


def test_a_numbers_scale_is_not_lost_beside_another():
    """Precisions that differ by 10¹² between layers: in every structure the covariance of a linear layer is the literal one."""
    J = NET.jacobian(X).dense()
    for precision in (np.array([1e6, 1e-6]), np.array([1e-6, 1e6])):
        whole = precision[(BY_LAYER - 1).astype(int)]
        half = np.linalg.svd(np.vstack([J, np.diag(np.sqrt(whole))]), full_matrices=False)
        expected = ((J @ half[2].T / half[1])**2).sum(1).reshape(9, 2)
        found = np.diagonal(laplace(NET, X, Y, SQUARE, prior_precision=precision).predict(X)[1], axis1=1, axis2=2)
        np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_a_posterior_is_what_the_package_says_it_is():
    posterior = engine.laplace(NET, X, Y, Cost("squared_error"), prior_precision=[1.0, 2.0], structure="kron")
    assert repr(posterior) == ("LaplacePosterior(Network(3-4-2, (tanh, identity), float64, P = 26), structure = 'kron', "
                               "prior_precision = [2], noise = 1.0, m = 9, squared_error, mean × 9)")
    assert posterior.structure == "kron" and posterior.noise == 1 and posterior.prior_precision.tolist() == [1, 2]
