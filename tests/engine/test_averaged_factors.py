"""NaturalGradient with factors averaged over batches and a damping that adapts: against NumPy, checkpoints, and kfac-jax."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import block_diag

from engine import Cost, NaturalGradient, fit, value_and_gradient
from engine.penalties import ridge
from engine.updates.averaged_factors import adapted
from schedulers import BatchSchedule
from tests.cases import DTYPES, network, targets
from tests.oracle import kronecker as plain

pytestmark = pytest.mark.compiled
WIDTHS, M, LOSS = (3, 5, 3), 24, "softmax_cross_entropy"


def set_up(dtype=np.float64):
    generator, net = np.random.default_rng(0), network(WIDTHS, dtype=dtype)
    return net, generator.standard_normal((M, 3)).astype(dtype), targets(LOSS, generator, M, 3)


def literal_run(net, X, y, batches, decay, damping, form, rate, adaptive=False, strength=0.0):
    """θ and λ after the batches, by dense formulas."""
    theta, total, weight = net.parameters.astype(float), None, 0.0
    penalised, names, eye = net.mask(biases=False) * strength, ["tanh", "identity"], np.eye(net.size)
    for step, rows in enumerate(batches, 1):
        arguments = (theta, WIDTHS, names, X[rows].astype(float), y[rows], LOSS)
        shares = np.full(len(rows), 1 / len(rows))
        found = plain.factors(*arguments, shares)
        weight = decay * weight + 1
        total = total or found
        total = [tuple(old + (new - old) / weight for old, new in zip(*pair)) for pair in zip(total, found)]
        cost, double = Cost(LOSS, penalty=ridge(strength) if strength else None), net.astype(np.float64)
        value, gradient = value_and_gradient(double.replace(theta), X[rows].astype(float), y[rows], cost)
        delta, first = np.empty_like(theta), 0
        for (A, B), (W, b) in zip(total, net.unflatten(gradient.astype(float))):
            size = len(B) * len(A)
            if form == "factored":
                both = plain.factored_solve(A, B, damping, np.column_stack([W, b]))
                delta[first:first + size] = np.concatenate([both[:, :-1].reshape(-1), both[:, -1]])
            else:
                block = plain.in_order(np.kron(B, A), len(B)) + np.diag(penalised[first:first + size] + damping)
                delta[first:first + size] = np.linalg.solve(block, gradient[first:first + size])
            first += size
        delta = -rate * delta
        if adaptive and step % 5 == 0:
            F = plain.ggn(*arguments, shares) + np.diag(penalised) + damping * eye
            change = value_and_gradient(double.replace(theta + delta), X[rows], y[rows], cost)[0] - value
            ratio = change / (gradient @ delta + 0.5 * delta @ F @ delta)
            damping *= 0.95**5 if ratio > 0.75 else 0.95**-5 if ratio < 0.25 else 1
        theta = theta + delta
    return theta, damping


def batches_of(schedule, epochs):
    return [step.indices for epoch in range(epochs) for step in schedule.epoch(M, epoch)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["exact", "factored"])
def test_against_numpy(form, dtype):
    net, X, y = set_up(dtype)
    schedule = BatchSchedule(8, seed=1)
    update = NaturalGradient(0.3, damping=0.1, solver="kfac", decay=0.8, form=form)
    run = fit(net, X, y, Cost(LOSS), update, schedule, epochs=2, progress=False)
    theta, _ = literal_run(net, X, y, batches_of(schedule, 2), 0.8, 0.1, form, 0.3)
    close = dict(rtol=1e-7, atol=1e-8) if dtype == np.float64 else dict(rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(run.network.parameters, theta, **close)
    np.testing.assert_allclose(run.state.arrays["weight"], sum(0.8**i for i in range(6)))


@pytest.mark.parametrize("rate", [0.3, 20.0], ids=["falls", "grows"])
def test_damping_follows_the_ratio_of_the_decrease(rate):
    net, X, y = set_up()
    schedule = BatchSchedule(8, seed=1)
    update = NaturalGradient(rate, damping=0.3, solver="kfac", decay=0.8, adaptive=True)
    run = fit(net, X, y, Cost(LOSS), update, schedule, epochs=2, progress=False)
    theta, damping = literal_run(net, X, y, batches_of(schedule, 2), 0.8, 0.3, "exact", rate, adaptive=True)
    np.testing.assert_allclose(run.network.parameters, theta, rtol=1e-5, atol=1e-6)
    assert run.state.arrays["damping"] == damping and (damping > 0.3) == (rate > 1) and run.state.arrays["steps"] == 6
    other = fit(net, X, y, Cost(LOSS), NaturalGradient(0.3, damping=0.3, adaptive=True), schedule, epochs=2, progress=False)
    assert set(other.state.arrays) == {"damping", "steps"} and other.state.arrays["damping"] < 0.3


@pytest.mark.parametrize("share, factor", [(3.0, 0.95**5), (0.8, 0.95**5), (0.5, 1), (0.1, 0.95**-5), (-1.0, 0.95**-5)])
def test_damping_by_the_share_of_what_the_model_says(share, factor):
    step, g, F = np.array([0.5, -1.0]), np.array([-3.0, 2.0]), np.diag([2.0, 1.0])
    decrease = g @ step + 0.5 * step @ (F + 0.4 * np.eye(2)) @ step
    here = SimpleNamespace(gradient=g, pushed=lambda v: v, half_square=lambda v: 0.5 * v @ F @ v, value=1.0,
                           value_at=lambda v: 1 + share * decrease)
    np.testing.assert_allclose(adapted(0.4, here, step), 0.4 * factor)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss, information", [("absolute_error", 1.0), ("log_cosh", 0.5)])
def test_the_factors_are_those_of_fishers_information(loss, information, dtype):
    """Of these losses it is a constant, while ∇²L is 0, or depends on the targets."""
    net, X, _ = set_up(dtype)
    y, theta = np.random.default_rng(1).standard_normal((M, 3)).astype(dtype), net.parameters.astype(float)
    factors = plain.factors(theta, WIDTHS, ["tanh", "identity"], X.astype(float), y, "squared_error", np.full(M, information / M))
    K = block_diag(*(plain.in_order(np.kron(B, A), len(B)) for A, B in factors)) + 0.1 * np.eye(net.size)
    step = np.linalg.solve(K, value_and_gradient(net, X, y, Cost(loss))[1])
    update = NaturalGradient(0.3, damping=0.1, solver="kfac")
    run = fit(net, X, y, Cost(loss), update, BatchSchedule(M, order="sequential"), epochs=1, progress=False)
    np.testing.assert_allclose(run.network.parameters, theta - 0.3 * step, rtol=0, atol=1e-9 if dtype == np.float64 else 1e-4)


def test_a_penalty_takes_part():
    net, X, y = set_up()
    schedule = BatchSchedule(8, seed=1)
    update = NaturalGradient(0.3, damping=0.1, solver="kfac", decay=0.8)
    run = fit(net, X, y, Cost(LOSS, penalty=ridge(0.05)), update, schedule, epochs=2, progress=False)
    theta, _ = literal_run(net, X, y, batches_of(schedule, 2), 0.8, 0.1, "exact", 0.3, strength=0.05)
    np.testing.assert_allclose(run.network.parameters, theta, rtol=1e-7, atol=1e-8)


def test_a_checkpoint_goes_on_with_the_same_bits(tmp_path):
    net, X, y = set_up()
    update = NaturalGradient(0.3, damping=0.1, solver="kfac", decay=0.9, adaptive=True)
    given, kept = (net, X, y, Cost(LOSS), update, BatchSchedule(8)), dict(progress=False, checkpoint=tmp_path / "run.npz")
    whole = fit(*given, epochs=4, progress=False)
    fit(*given, epochs=2, **kept)
    resumed = fit(*given, epochs=4, resume=True, **kept)
    np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)
    assert resumed.state == whole.state


def test_frozen_numbers_stay_and_plain_settings_carry_nothing():
    net, X, y = set_up()
    update, top = NaturalGradient(0.3, damping=0.1, solver="kfac", decay=0.9), net.mask(layers=[2])
    run = fit(net, X, y, Cost(LOSS), update, BatchSchedule(8), epochs=2, trainable=top, progress=False)
    assert np.array_equal(run.network.parameters[~top], net.parameters[~top])
    assert (run.network.parameters[top] != net.parameters[top]).all()
    assert not NaturalGradient(solver="kfac").begin(net).arrays
    update, schedule = NaturalGradient(0.3, damping=0.1, solver="kfac", form="factored"), BatchSchedule(8)
    run = fit(net, X, y, Cost(LOSS), update, schedule, epochs=1, progress=False)
    theta, _ = literal_run(net, X, y, batches_of(schedule, 1), 0.0, 0.1, "factored", 0.3)
    np.testing.assert_allclose(run.network.parameters, theta, rtol=1e-7, atol=1e-8)
    assert not run.state.arrays


@pytest.mark.parametrize("settings, message", [
    (dict(decay=1.0, solver="kfac"), r"decay must be a number in \[0, 1\)"), (dict(decay=0.9), "decay is for solver='kfac'"),
    (dict(form="factored", solver="qr"), "form is for solver='kfac', but solver is 'qr'"),
    (dict(adaptive=1), "adaptive must be True or False, but is 1"), (dict(form="pi"), "form must be one of exact, factored"),
    (dict(adaptive=True, damping=0), "adaptive needs a damping above 0")])
def test_refusals(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        NaturalGradient(**settings)


def test_against_kfac_jax():
    """Fixed rate and damping, factored, exact expectation, factors averaged with decay 0.95 over six batches."""
    jax, kfac_jax = pytest.importorskip("jax"), pytest.importorskip("kfac_jax")
    jax.config.update("jax_enable_x64", True)
    net, X, y = set_up()
    schedule = BatchSchedule(8, seed=1)

    def loss(parameters, batch):
        inputs, labels = batch
        hidden = jax.numpy.tanh(inputs @ parameters[0][0] + parameters[0][1])
        logits = hidden @ parameters[1][0] + parameters[1][1]
        kfac_jax.register_softmax_cross_entropy_loss(logits, labels)
        return -jax.numpy.mean(jax.nn.log_softmax(logits)[jax.numpy.arange(len(labels)), labels])

    optimizer = kfac_jax.Optimizer(
        jax.value_and_grad(loss), l2_reg=0.0, value_func_has_aux=False, estimation_mode="fisher_exact", num_burnin_steps=0,
        curvature_ema=0.95, inverse_update_period=1, learning_rate_schedule=lambda step: 0.3, momentum_schedule=lambda step: 0.0,
        damping_schedule=lambda step: 0.1, min_damping=1e-12)
    parameters = [(jax.numpy.array(W.T), jax.numpy.array(b)) for W, b in net.unflatten(net.parameters)]
    key = jax.random.PRNGKey(0)
    batches = [(jax.numpy.array(X[rows]), jax.numpy.array(y[rows])) for rows in batches_of(schedule, 2)]
    try:
        state = optimizer.init(parameters, key, batches[0])
    except ValueError as error:  # kfac-jax 0.0.8 traces under jax 0.6, not under 0.10
        pytest.skip(f"kfac-jax does not trace under jax {jax.__version__}: {error}")
    for batch in batches:
        parameters, state, _ = optimizer.step(parameters, state, key, batch=batch)
    theirs = np.concatenate([np.concatenate([np.asarray(W).T.reshape(-1), np.asarray(b)]) for W, b in parameters])
    update = NaturalGradient(0.3, damping=0.1, solver="kfac", decay=0.95, form="factored")
    ours = fit(net, X, y, Cost(LOSS), update, schedule, epochs=2, progress=False).network.parameters
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
