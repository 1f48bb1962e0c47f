"""C and D_θ C: differences, one-sided kinks, SciPy's optimisers, users' own functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares, minimize

import engine
from engine import (
    Activation,
    Cost,
    Loss,
    Network,
    Reduction,
    backward,
    check_derivatives,
    losses,
    objective,
    reductions,
    value_and_gradient,
)
from tests.cases import DTYPES, LOSSES, REDUCTIONS, SMOOTH, network, targets


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=7).map(tuple), st.sampled_from([1, 2, 15, 16, 127, 128, 129, 300]),
       st.sampled_from(["mean", "sum", "log_sum_exp", "mean_variance", "cvar"]), st.sampled_from(SMOOTH), st.integers(0, 10**6))
def test_gradient_is_the_difference_of_costs(widths, m, reduction, activation, seed):
    generator = np.random.default_rng(seed)
    net = network(widths, activation, seed=seed % 97)
    net = net.replace(0.5 * net.parameters)
    X, y = generator.uniform(-1, 1, (m, widths[0])), generator.uniform(-1, 1, (m, widths[-1]))
    cost = Cost("log_cosh", REDUCTIONS[reduction][1](m))
    value, gradient = value_and_gradient(net, X, y, cost)
    assert value == float(cost.value(net(X), y))
    np.testing.assert_allclose(gradient, net.jacobian(X).T @ cost.output_gradient(net(X), y), atol=1e-10 * m)
    v = generator.standard_normal(net.size)
    h = 1e-6
    up, down = (value_and_gradient(net.replace(net.parameters + e * v), X, y, cost)[0] for e in (h, -h))
    assert abs((up - down) / (2 * h) - gradient @ v) <= 1e-5 * (1 + abs(gradient @ v) + abs(value))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_and_blocks_are_two_roads_to_the_same_bits(dtype, monkeypatch):
    generator = np.random.default_rng(7)
    for _ in range(25):
        widths = tuple(generator.integers(1, 40, generator.integers(2, 6)).tolist())
        m = int(generator.choice([1, 15, 17, 128, 300]))
        net = network(widths, dtype=dtype)
        X, y = generator.uniform(-1, 1, (m, widths[0])), generator.uniform(-1, 1, (m, widths[-1]))
        results = []
        for by_rows in (True, False):
            monkeypatch.setattr(backward, "rows_shared", lambda *_, chosen=by_rows: chosen)
            results.append(value_and_gradient(net, X, y, Cost("squared_error")))
        assert results[0][0] == results[1][0] and results[0][1].tobytes() == results[1][1].tobytes(), (widths, m)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_gradients_and_hessians_against_differences(loss, dtype):
    generator = np.random.default_rng(3)
    A, y = generator.standard_normal((37, 4)), targets(loss, generator, 37, 4)
    cost, h = Cost(LOSSES[loss]), 1e-6
    gradients = cost.loss_gradients(A, y)
    numeric = np.stack([(cost.losses(A + h * e, y) - cost.losses(A - h * e, y)) / (2 * h) for e in np.eye(4)], 1)
    np.testing.assert_allclose(gradients, numeric, atol=1e-8)
    hessian = LOSSES[loss].hessian(A, y)
    numeric = np.stack([(cost.loss_gradients(A + h * e, y) - cost.loss_gradients(A - h * e, y)) / (2 * h) for e in np.eye(4)], 2)
    np.testing.assert_allclose(hessian, numeric, atol=1e-7)
    narrow = cost.loss_gradients(A.astype(dtype), y)
    assert narrow.dtype == dtype
    np.testing.assert_allclose(narrow, gradients, atol=1e-5)


@pytest.mark.parametrize("m", [1, 2, 30, pytest.param(300, marks=pytest.mark.compiled)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_gradients_against_differences(name, m):
    if m == 1 and name == "trimmed_mean":
        assert reductions.trimmed_mean(0.2).value([2.0]) == 2.0
    L = np.random.default_rng(4).uniform(0.5, 3.0, m)
    reduction, h = REDUCTIONS[name][1](m), 1e-6
    gradient = reduction.gradient(L)
    numeric = np.array([(reduction.value(L + h * e) - reduction.value(L - h * e)) / (2 * h) for e in np.eye(m)])
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)
    v = np.random.default_rng(5).standard_normal(m)
    numeric = (reduction.gradient(L + h * v) - reduction.gradient(L - h * v)) / (2 * h)
    np.testing.assert_allclose(reduction.hessian_product(L, v), numeric, atol=1e-6)
    narrow = reduction.gradient(L.astype(np.float32))
    assert narrow.dtype == np.float32 and reduction.value(L.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(narrow, gradient, rtol=1e-3, atol=1e-5)


def test_ties_go_to_the_first_in_sample_order():
    L = np.array([1.0, 3.0, 2.0, 3.0])
    assert reductions.max.gradient(L).tolist() == [0, 1, 0, 0]
    assert reductions.cvar(0.25).gradient(L).tolist() == [0, 1, 0, 0]
    assert reductions.quantile(1.0).gradient(np.array([2.0, 2.0])).sum() == 1
    assert reductions.quantile(0.0).gradient(np.array([2.0, 2.0])).tolist() == [1, 0]
    assert reductions.group_max([0, 1]).gradient(np.array([2.0, 2.0])).tolist() == [1, 0]
    np.testing.assert_allclose(reductions.cvar(0.625).gradient(L), np.array([0, 1, 0.5, 1]) / 2.5)


def test_the_largest_group_is_found_among_many():
    rng = np.random.default_rng(6)
    groups, L = rng.integers(0, 300, 900), rng.random(900)
    reduction = reductions.group_max(groups)
    means = {group: L[groups == group].mean() for group in groups}
    chosen = groups == max(means, key=means.get)
    assert reduction.value(L) == pytest.approx(max(means.values()), rel=1e-12)
    np.testing.assert_allclose(reduction.gradient(L), chosen / chosen.sum(), rtol=1e-12)


def test_kinks_have_the_stated_subgradient():
    z = np.array([0.0])
    named = engine.activations.NAMED
    assert named["relu"].derivative(z)[0] == 0 and named["leaky_relu"].derivative(z)[0] == 0.01
    assert named["hard_tanh"].derivative(np.array([-1.0, 1.0])).tolist() == [0, 0]
    assert losses.absolute_error.gradient(np.zeros((1, 1)), np.zeros((1, 1)))[0, 0] == 0
    assert losses.hinge.gradient(np.ones((1, 1)), np.ones((1, 1)))[0, 0] == 0
    assert losses.cosine.value(np.zeros((1, 2)), np.ones((1, 2)))[0] == 1
    assert losses.cosine.gradient(np.zeros((1, 2)), np.ones((1, 2))).tolist() == [[0, 0]]
    assert reductions.power_mean(3.0).gradient(np.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_cosh_keeps_its_digits_and_is_never_negative(dtype):
    d = np.concatenate([np.linspace(-3, 3, 2001), np.logspace(-12, 2, 200), [0, 1e30]]).astype(dtype)[:, None]
    losses, x = Cost("log_cosh").losses(d, np.zeros_like(d)), np.abs(d[:, 0].astype(np.float64))
    near = np.log1p(2 * np.sinh(np.minimum(x, 1) / 2)**2)
    expected = np.where(x < 1, near, x + np.log1p(np.exp(-2 * x)) - np.log(2))
    assert losses.dtype == dtype and (losses >= 0).all()
    np.testing.assert_allclose(losses, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


def test_huber_takes_its_delta():
    assert losses.huber(delta=0.5).value([[2.0]], [[0.0]])[0] == 0.5 * (2.0 - 0.25)


def test_users_own_functions_through_every_road():
    cube = Activation("cube", lambda z: z**3 + z, lambda z: 3 * z**2 + 1, lambda z: 6 * z)
    quartic = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)
    root = Reduction(lambda L: np.sqrt((L**2).sum()), lambda L: L / np.sqrt((L**2).sum()))
    net = Network.initialize((2, 4, 3, 2), (cube, "tanh", cube), seed=1)
    X, y = np.random.default_rng(6).standard_normal((2, 9, 2)) * 0.5
    cost = Cost(quartic, root)
    report = check_derivatives(net, X, y, cost)
    assert report.holds, str(report)
    value, gradient = value_and_gradient(net, X, y, cost)
    np.testing.assert_allclose(gradient, net.jacobian(X).T @ cost.output_gradient(net(X), y), atol=1e-12)
    assert value == pytest.approx(np.sqrt((((net(X) - y)**4).sum(1)**2).sum()))


def test_check_derivatives_finds_what_is_wrong():
    wrong = Activation("wrong", np.sin, lambda z: np.cos(z) + 1e-4)
    net = Network.initialize((2, 3, 1), (wrong, "identity"))
    report = check_derivatives(net, np.ones((3, 2)), np.zeros((3, 1)), Cost("squared_error"))
    bad = [row.name for row in report.rows if not row.holds]
    assert "layer 1: wrong, first derivative" in bad and "WRONG" in str(report)
    wrong_loss = Loss(lambda A, y: (A**2).sum(1), lambda A, y: A)
    assert not check_derivatives(net, np.ones((3, 2)), np.zeros((3, 1)), Cost(wrong_loss)).holds
    wrong_reduction = Reduction(lambda L: L.sum(), lambda L: 2 * np.ones_like(L))
    assert not check_derivatives(net, np.ones((3, 2)), np.zeros((3, 1)), Cost("squared_error", wrong_reduction)).holds


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_objective_serves_scipy(reduction):
    generator = np.random.default_rng(7)
    net = network((1, 6, 1))
    X = np.linspace(-1, 1, 30)[:, None]
    y = np.sin(2 * X) + 0.01 * generator.standard_normal(X.shape)
    aim = objective(net, X, y, Cost("squared_error", reduction))
    value, gradient = value_and_gradient(net, X, y, Cost("squared_error", reduction))
    assert aim.fun(net.parameters) == value and np.array_equal(aim.jac(net.parameters), gradient)
    r = aim.residual(net.parameters)
    assert 0.5 * r @ r == pytest.approx(value)
    np.testing.assert_allclose(aim.residual_jac(net.parameters).T @ r, gradient, atol=1e-12)
    found = minimize(aim.fun, net.parameters, jac=aim.jac, method="L-BFGS-B", options={"maxiter": 50})
    assert found.fun < 0.1 * value
    found = least_squares(aim.residual, net.parameters, jac=aim.residual_jac, max_nfev=30)
    assert found.cost < 0.1 * value
    with pytest.raises(ValueError, match="squared_error.*huber"):
        objective(net, X, y, Cost("huber")).residual(net.parameters)
    with pytest.raises(ValueError, match="sum, mean, weighted or weighted_mean.*max"):
        objective(net, X, y, Cost("squared_error", "max")).residual(net.parameters)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["sum", "mean", reductions.weighted(np.linspace(0.5, 2, 30))])
def test_every_method_of_least_squares_takes_the_residual(reduction, dtype):
    """MINPACK, and scales from the columns of J, want every number of it."""
    generator = np.random.default_rng(0)
    net, X = network((2, 4, 1), dtype=dtype), generator.standard_normal((30, 2))
    aim = objective(net, X, np.sin(X[:, :1]), Cost("squared_error", reduction))
    J, r = aim.residual_jac(net.parameters), aim.residual(net.parameters)
    assert J.dtype == J.dense().dtype == r.dtype == np.float64 and J.dense().shape == J.shape
    close = dict(atol=1e-12) if dtype == np.float64 else dict(atol=1e-5)
    v, u = generator.standard_normal(net.size), generator.standard_normal(30)
    np.testing.assert_allclose(J @ v, J.dense() @ v, **close)
    np.testing.assert_allclose(J.T @ u, J.dense().T @ u, **close)
    costs = {}
    for method, scale, jac in (("lm", 1.0, "dense"), ("lm", "jac", "dense"), ("trf", "jac", "dense"), ("dogbox", 1.0, "dense"),
                               ("trf", 1.0, "operator")):
        def rows(theta, dense=jac == "dense"):
            found = aim.residual_jac(theta)
            return found.dense() if dense else found
        found = least_squares(aim.residual, net.parameters, rows, method=method, x_scale=scale, max_nfev=100)
        costs[method, scale, jac] = found.cost
    assert max(costs.values()) < 0.01 * aim.fun(net.parameters), costs
