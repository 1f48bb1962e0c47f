"""Losses with torch's parameters: smoothed labels, weights of classes and answers, quantiles, means with log variances."""

import pickle

import numpy as np
import pytest

from engine import (
    Adam,
    Cost,
    GaussNewton,
    LevenbergMarquardt,
    NaturalGradient,
    fit,
    losses,
    objective,
    operators,
    per_sample_gradient_norms,
    per_sample_gradients,
    reductions,
    value_and_gradient,
)
from engine.losses import binary_cross_entropy, gaussian_nll, quantile_loss, softmax_cross_entropy
from engine.run_identity import _of_kernels
from schedulers import BatchSchedule
from tests.cases import DTYPES, network
from tests.oracle import losses as plain

M, N = 21, 4
G = np.random.default_rng(0)
CLASSES, ROWS, SHARES, VALUES = G.integers(0, N, M), G.dirichlet(np.ones(N), M), G.random((M, N)), G.standard_normal((M, N))
ANSWERS = (SHARES > 0.5) * 1.0
WEIGHTS, LEVELS, ODDS = np.array([1.0, 2.0, 0.0, 0.25]), np.array([0.05, 0.5, 0.9, 0.99]), np.array([3.0, 0.5, 1.0, 10.0])
# the loss, its plain form of (u, y), its targets, the plain form's
LOSSES = {
    "smoothed": (softmax_cross_entropy(0.1), lambda u, y: plain.weighted_cross_entropy(u, y, 0.1, np.ones(N)), CLASSES, CLASSES),
    "weighted classes": (softmax_cross_entropy(class_weights=WEIGHTS),
                         lambda u, y: plain.weighted_cross_entropy(u, y, 0.0, WEIGHTS), CLASSES, CLASSES),
    "both, on probabilities": (softmax_cross_entropy(0.2, WEIGHTS), lambda u, y: plain.weighted_cross_entropy(u, y, 0.2, WEIGHTS),
                               ROWS, ROWS),
    "pos_weight": (binary_cross_entropy(3.0), lambda u, y: plain.weighted_binary_cross_entropy(u, y, 3.0), SHARES, SHARES),
    "pos_weight of each": (binary_cross_entropy(ODDS), lambda u, y: plain.weighted_binary_cross_entropy(u, y, ODDS), ANSWERS,
                           ANSWERS),
    "gaussian_nll": (gaussian_nll, plain.gaussian_nll, VALUES[:, :2], VALUES[:, :2]),
    "quantile": (quantile_loss(0.9), lambda u, y: plain.quantile_loss(u, y, 0.9), VALUES, VALUES),
    "quantiles": (quantile_loss(LEVELS), lambda u, y: plain.quantile_loss(u, y, LEVELS), VALUES[:, 0], np.tile(VALUES[:, :1], N)),
}
CURVED = [name for name in LOSSES if not name.startswith("quantile")]
WEIGHED = ("weighted classes", "both, on probabilities", "pos_weight", "pos_weight of each")


def expected_hessian(name, A, H):
    """What curvature takes for ∇²L: the mean under the model of gaussian_nll, diag(e^-s, 1/2)."""
    if name != "gaussian_nll":
        return H
    return np.stack([np.diag(np.concatenate([np.exp(-u[2:]), [0.5, 0.5]])) for u in A.astype(float)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_value_gradient_and_hessian_are_those_of_the_formula(name, dtype):
    loss, form, y, plain_y = LOSSES[name]
    A = np.random.default_rng(1).standard_normal((M, N)).astype(dtype)
    close = dict(rtol=1e-13, atol=1e-13) if dtype == np.float64 else dict(rtol=2e-5, atol=2e-5)
    gradient, H = plain.derivatives(form, A.astype(float), plain_y)
    value = loss.value(A, y)
    assert value.dtype == dtype and not np.isnan(value).any()
    np.testing.assert_allclose(value, [form(u, t) for u, t in zip(A.astype(float), plain_y)], **close)
    np.testing.assert_allclose(loss.gradient(A, y), gradient, **close)
    off = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(loss.hessian(A, y), H, rtol=off, atol=off)


def test_class_numbers_and_their_rows_are_the_same():
    A, loss = G.standard_normal((M, N)), softmax_cross_entropy(0.3, WEIGHTS)
    assert np.array_equal(loss.gradient(A, CLASSES), loss.gradient(A, np.eye(N)[CLASSES]))
    t = np.array([0.1, 1.5, 0.2, 0.6])  # any weights of rows are what the loss of kernels takes
    np.testing.assert_allclose(Cost(loss.encoded).losses(A, np.tile(t, (M, 1))), [plain.softmax_cross_entropy(u, t) for u in A])


@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_far_out(dtype):
    far = 80.0 if dtype == np.float32 else 700.0
    A = np.array([[far, -far, 0.0, 1.0], [-far, far, 0.0, 1.0]], dtype)
    for name, (loss, _, y, _) in LOSSES.items():
        if name != "gaussian_nll":
            y = y[:2]
            found = loss.value(A, y), loss.gradient(A, y), loss.hessian(A, y)
            assert all(np.isfinite(part).all() for part in found), name
    yes, no = (np.full((1, 1), value) for value in (1.0, 0.0))
    u, loss, eps = np.array([[far]], dtype), binary_cross_entropy(3.0), np.finfo(dtype).eps
    for side, y, right in ((u, yes, 3 * np.exp(-far)), (u, no, far), (-u, yes, 3 * far), (-u, no, np.exp(-far))):
        np.testing.assert_allclose(loss.value(side, y), right, rtol=8 * eps)
    s = np.array([[0.0, -60.0], [0.0, 60.0], [3.0, 30.0]], dtype)
    np.testing.assert_allclose(gaussian_nll.value(s, [0.0, 0.0, 1.0]), [-30, 30, 15 + 2 * np.exp(-30.0)], rtol=8 * eps)
    np.testing.assert_allclose(gaussian_nll.gradient(s, [0.0, 0.0, 1.0])[:, 1], [0.5, 0.5, 0.5 - 2 * np.exp(-30.0)], rtol=8 * eps)


def test_without_parameters_they_are_the_plain_losses():
    assert softmax_cross_entropy() is softmax_cross_entropy and binary_cross_entropy(pos_weight=1) is binary_cross_entropy
    assert Cost("quantile_loss") == Cost(quantile_loss(0.5)) and Cost("gaussian_nll").loss is gaussian_nll
    A = G.standard_normal((M, N))
    np.testing.assert_allclose(quantile_loss().value(A, VALUES), losses.absolute_error.value(A, VALUES) / 2)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_everything_that_takes_a_loss_takes_them(name, dtype, tmp_path):
    loss, form, y, plain_y = LOSSES[name]
    net = network((3, 5, N), "tanh", dtype)
    X = np.random.default_rng(1).standard_normal((M, 3)).astype(dtype)  # the same after any tests: quantiles have a kink
    A, J, w = net(X).astype(float), net.jacobian(X).dense().reshape(M, N, -1).astype(float), np.linspace(0.5, 2, M)
    gradients, H = plain.derivatives(form, A, plain_y)
    G_, each = expected_hessian(name, A, H), np.einsum("ki,kip->kp", gradients, J)
    cost = Cost(loss, reductions.weighted(w))
    close = dict(rtol=0, atol=1e-10 if dtype == np.float64 else 2e-3)
    value, gradient = value_and_gradient(net, X, y, cost)
    np.testing.assert_allclose(gradient, w @ each, **close)
    np.testing.assert_allclose(value, w @ [form(u, t) for u, t in zip(A, plain_y)], rtol=1e-10 if dtype == np.float64 else 1e-4)
    np.save(tmp_path / "y.npy", y)
    for given in (y, np.load(tmp_path / "y.npy", mmap_mode="r")):
        bounded = value_and_gradient(net, X, given, cost, max_bytes=1 << 21)
        assert bounded[0] == value and np.array_equal(bounded[1], gradient)
    np.testing.assert_allclose(per_sample_gradients(net, X, y, cost), each, **close)
    np.testing.assert_allclose(per_sample_gradient_norms(net, X, y, cost), np.linalg.norm(each, axis=1), **close)
    for build, inner in ((operators.ggn, G_), (operators.empirical_fisher, gradients[:, :, None] * gradients[:, None, :])):
        expected = np.einsum("k,kip,kij,kjq->pq", w, J, inner, J)
        np.testing.assert_allclose(build(net, X, y, cost).dense(), expected, **close)
    slabs = operators.ggn(net, X, y, cost, max_bytes=1 << 22)
    np.testing.assert_allclose(slabs @ np.ones(net.size, dtype), operators.ggn(net, X, y, cost) @ np.ones(net.size, dtype), **close)
    v = np.linspace(-1, 1, net.size).astype(dtype)
    product = operators.hessian(net, X, y, cost) @ v
    assert np.array_equal(objective(net, X, y, cost).hessp(net.parameters, v), product.astype(float))
    if name in WEIGHED or name.startswith("quantile"):
        with pytest.raises(ValueError, match="fisher needs a loss that implies a model"):
            operators.fisher(net, X, y, cost)
    else:
        np.testing.assert_allclose(operators.fisher(net, X, y, cost).dense(), operators.ggn(net, X, y, cost).dense(), **close)


@pytest.mark.compiled
def test_hessian_is_exact_and_draws_have_fishers_matrix_as_their_mean():
    net, X, y = network((2, 4, 2)), G.standard_normal((9, 2)), G.standard_normal(9)
    cost = Cost("gaussian_nll")
    step = 1e-5 * np.eye(net.size)
    difference = [(value_and_gradient(net.replace(net.parameters + e), X, y, cost)[1]
                   - value_and_gradient(net.replace(net.parameters - e), X, y, cost)[1]) / 2e-5 for e in step]
    np.testing.assert_allclose(operators.hessian(net, X, y, cost).dense(), difference, atol=1e-8)
    assert np.linalg.eigvalsh(gaussian_nll.hessian(net(X), y)).min() < 0
    assert np.linalg.eigvalsh(operators.ggn(net, X, y, cost).dense()).min() > -1e-12
    exact = operators.fisher(net, X, y, cost).dense()
    drawn = operators.fisher(net, X, y, cost, samples=4000, seed=1).dense()
    assert np.abs(drawn - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.compiled
def test_fits_and_their_updates():
    net, X = network((3, 5, N)), G.standard_normal((M, 3))
    for name, (loss, _, y, _) in LOSSES.items():
        cost, settings = Cost(loss), dict(epochs=3, progress=False)
        ours = fit(net, X, y, cost, Adam(0.01), BatchSchedule(8, seed=1), **settings)
        slabs = fit(net, X, y, cost, Adam(0.01), BatchSchedule(8, seed=1), max_bytes=1 << 21, **settings)
        assert np.array_equal(ours.network.parameters, slabs.network.parameters)
        for update in (GaussNewton(damping=1.0), LevenbergMarquardt(), NaturalGradient(damping=1.0)):
            if isinstance(update, NaturalGradient) and name in WEIGHED:
                with pytest.raises(ValueError, match="NaturalGradient needs a loss that is a negative log-likelihood"):
                    fit(net, X, y, cost, update, BatchSchedule(M), **settings)
                continue
            after = fit(net, X, y, cost, update, BatchSchedule(M), **settings).network
            before, now = (value_and_gradient(one, X, y, cost)[0] for one in (net, after))
            assert now < before, (name, update)
    loss, _, y, _ = LOSSES["gaussian_nll"]
    S = operators.kfac(net, X, y, Cost(loss))
    assert np.isfinite(S.solve(np.ones(net.size), damping=0.1)).all()


@pytest.mark.compiled
def test_natural_gradients_of_quantiles_divide_by_q_times_1_less_q():
    from engine.updates.output_hessians import expected_output_hessian

    A = np.zeros((3, N))
    loss = quantile_loss(LEVELS)
    found = expected_output_hessian(loss, A, loss.targets(VALUES[:3], (3, N), A.dtype), np.ones(3)).diagonal
    np.testing.assert_allclose(found, np.tile(LEVELS * (1 - LEVELS), (3, 1)))


TOLD = {"softmax_cross_entropy(label_smoothing=0.1)": softmax_cross_entropy(0.1),
        "softmax_cross_entropy(label_smoothing=0.1, class_weights=[1.0, 2.0])": softmax_cross_entropy(0.1, [1, 2]),
        "binary_cross_entropy(pos_weight=3.0)": binary_cross_entropy(3), "quantile_loss(0.5)": quantile_loss(),
        "binary_cross_entropy(pos_weight=[3.0, 2.0])": binary_cross_entropy([3, 2]), "gaussian_nll": gaussian_nll,
        "quantile_loss([0.1, 0.9])": quantile_loss([0.1, 0.9]), "softmax_cross_entropy": softmax_cross_entropy,
        "quantile_loss(0.9, of encoded targets)": quantile_loss(0.9).encoded}


def test_they_are_told_apart():
    for told, loss in TOLD.items():
        assert repr(loss) == told and pickle.loads(pickle.dumps(loss)) == loss and _of_kernels(loss) == told
        assert [other for other in TOLD.values() if other == loss] == [loss]
        assert loss.encoded.encoded == loss.encoded


REFUSED = {
    "label_smoothing must be a number from 0 to 1, but is 1.5": lambda: softmax_cross_entropy(1.5),
    r"class_weights must hold numbers of at least 0, but class_weights\[1\] is -1": lambda: softmax_cross_entropy(0, [1, -1]),
    "class_weights must hold a number above 0, but all 2 are 0": lambda: softmax_cross_entropy(0, [0, 0]),
    r"class_weights must hold one number for each class, shape \[n\], but has shape \[1, 1\]": lambda: softmax_cross_entropy(
        0, [[1]]),
    "pos_weight must be a finite number above 0, but is 0": lambda: binary_cross_entropy(0),
    r"pos_weight must hold numbers above 0, but pos_weight\[1\] is 0": lambda: binary_cross_entropy([1, 0]),
    "q must be a number between 0 and 1, or one for each output, but is 1": lambda: quantile_loss(1),
    r"q must hold numbers between 0 and 1, but q\[0\] is 0": lambda: quantile_loss([0, 0.5]),
    "class_weights must hold one number for each of the 2 outputs, but holds 3": lambda: softmax_cross_entropy(
        0, [1, 2, 3]).value(np.ones((1, 2)), [0]),
    "q must hold one number for each of the 2 outputs, but holds 1": lambda: quantile_loss([0.5]).value(np.ones((1, 2)), [[1, 2]]),
    "gaussian_nll needs an even number of outputs": lambda: gaussian_nll.value(np.ones((1, 3)), [[1]]),
    "an even number of outputs, .* but there are 1": lambda: gaussian_nll.inverse_link(np.ones((1, 1))),
    r"y must have shape \[2, 2\], but has shape \[2, 4\]": lambda: gaussian_nll.value(np.ones((2, 4)), np.ones((2, 4))),
    r"y must be in \[0, 1\]": lambda: binary_cross_entropy(2.0).value(np.ones((1, 1)), [2.0]),
    r"y must hold class numbers 0 … 1": lambda: softmax_cross_entropy(0.1).value(np.ones((1, 2)), [2]),
    "pos_weight must hold numbers that float32 can hold": lambda: binary_cross_entropy(1e-60).value(np.ones((1, 1), "f4"), [1.0]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_gradients_are_torchs(dtype):
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    A = G.standard_normal((M, N)).astype(dtype)
    tensor = lambda array: torch.from_numpy(np.asarray(array, dtype))  # noqa: E731
    whole = torch.from_numpy(CLASSES)

    def gaussian(u):
        return functional.gaussian_nll_loss(u[:, :2], tensor(VALUES[:, :2]), torch.exp(u[:, 2:]), reduction="none").sum(1)

    theirs = {
        "smoothed": lambda u: functional.cross_entropy(u, whole, label_smoothing=0.1, reduction="none"),
        "weighted classes": lambda u: functional.cross_entropy(u, whole, tensor(WEIGHTS), reduction="none"),
        "both, on probabilities": lambda u: functional.cross_entropy(u, tensor(ROWS), tensor(WEIGHTS), label_smoothing=0.2,
                                                                     reduction="none"),
        "pos_weight": lambda u: functional.binary_cross_entropy_with_logits(u, tensor(SHARES), pos_weight=torch.tensor(3.0),
                                                                            reduction="none").sum(1),
        "pos_weight of each": lambda u: functional.binary_cross_entropy_with_logits(u, tensor(ANSWERS), pos_weight=tensor(ODDS),
                                                                                    reduction="none").sum(1),
        "gaussian_nll": gaussian,
    }
    close = dict(rtol=1e-12, atol=1e-12) if dtype == np.float64 else dict(rtol=1e-5, atol=1e-5)
    for name, form in theirs.items():
        loss, _, y, _ = LOSSES[name]
        u = tensor(A).requires_grad_()
        values = form(u)
        values.sum().backward()
        np.testing.assert_allclose(loss.value(A, y), values.detach().numpy(), **close, err_msg=name)
        np.testing.assert_allclose(loss.gradient(A, y), u.grad.numpy(), **close, err_msg=name)
    smoothed = functional.cross_entropy(tensor(A), whole, tensor(WEIGHTS), label_smoothing=0.2)
    ours = Cost(softmax_cross_entropy(0.2, WEIGHTS), "sum").value(A, CLASSES) / WEIGHTS[CLASSES].sum()
    np.testing.assert_allclose(ours, smoothed.numpy(), rtol=1e-5)
