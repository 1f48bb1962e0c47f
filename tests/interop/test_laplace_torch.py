"""Laplace's posterior beside laplace-torch: evidence, covariances and class probabilities of the same network."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("laplace")

from engine import Cost, laplace  # noqa: E402
from engine.interop.torch import from_torch  # noqa: E402

pytestmark = pytest.mark.compiled

LOSS = {"regression": "squared_error", "classification": "softmax_cross_entropy"}
NOISE = {"regression": 0.3, "classification": 1.0}


@pytest.fixture(autouse=True)
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def problem(likelihood, biases):
    """A module, X, y, and X of a test."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 5, biases), torch.nn.Tanh(), torch.nn.Linear(5, 3, biases))
    X, X_test = torch.randn(20, 3), torch.randn(7, 3)
    return module, X, torch.randn(20, 3) if likelihood == "regression" else torch.randint(0, 3, (20,)), X_test


@pytest.mark.parametrize("part", ["all", "last_layer"])
@pytest.mark.parametrize("structure", ["full", "kron", "diagonal"])
@pytest.mark.parametrize("likelihood", LOSS)
def test_evidence_covariance_and_classes_are_laplace_torchs(likelihood, structure, part):
    """With Kronecker factors without biases, which laplace-torch factors apart from the weights."""
    module, X, y, X_test = problem(likelihood, structure != "kron")
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=20)
    settings = dict(sigma_noise=NOISE[likelihood]**0.5) if likelihood == "regression" else {}
    peer = theirs.Laplace(module, likelihood, subset_of_weights=part, prior_precision=0.7,
                          hessian_structure={"diagonal": "diag"}.get(structure, structure), **settings)
    peer.fit(loader)
    network = from_torch(module)
    layers = [network.depth] if part == "last_layer" else None
    trainable = network.mask(biases=structure != "kron", layers=layers)
    posterior = laplace(network, X.numpy(), y.numpy(), Cost(LOSS[likelihood], "mean"), prior_precision=0.7, structure=structure,
                        noise=NOISE[likelihood], trainable=trainable)
    assert posterior.log_marginal_likelihood() == pytest.approx(float(peer.log_marginal_likelihood()), rel=1e-9)
    if likelihood == "regression":
        mean, covariance = peer(X_test)
        found = posterior.predict(X_test.numpy())
        np.testing.assert_allclose(found[0], mean.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(found[1], covariance.detach().numpy(), rtol=1e-8, atol=1e-10)
    else:
        expected = peer(X_test, link_approx="probit").detach().numpy()
        np.testing.assert_allclose(posterior.predict_classes(X_test.numpy()), expected, rtol=1e-8)
        expected = peer(X_test, link_approx="mc", n_samples=20000).detach().numpy()
        found = posterior.predict_classes(X_test.numpy(), "monte_carlo", samples=20000)
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_its_optimum_is_not_above_ours():
    module, X, y, _ = problem("regression", True)
    peer = theirs.Laplace(module, "regression", subset_of_weights="all", hessian_structure="full", sigma_noise=0.5)
    peer.fit(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=20))
    peer.optimize_prior_precision(pred_type="glm", method="marglik", n_steps=300, prior_structure="scalar")
    best = laplace(from_torch(module), X.numpy(), y.numpy(), Cost("squared_error", "sum"), noise=0.25).optimize(noise=False)
    assert best.log_marginal_likelihood() > float(peer.log_marginal_likelihood()) - 1e-9
    assert best.prior_precision == pytest.approx(float(peer.prior_precision), rel=1e-2)
