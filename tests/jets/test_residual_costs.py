"""Costs of residuals: their loss, sets of points, Sobolev training, and who refuses them."""

import pickle

import numpy as np
import pytest

import engine
from engine import Cost, Network, Residual, collocation, losses, object_checks
from engine.drawn import Drawn
from engine.jets import ResidualLoss
from schedulers.described import described


def first(x, u):
    return u.d(0) + u.value


def second(x, u):
    return u.value, u.d(1)


ONE, TWO = Residual(first), Residual(second, outputs=2)
inside, edge = np.linspace(0, 1, 8).reshape(4, 2), np.ones((2, 2))


def test_a_collocations_cost_is_the_weighed_means():
    X, y, cost = collocation((inside, ONE, 3.0), [edge, TWO])
    assert np.array_equal(X, np.concatenate([inside, edge])) and X.flags.c_contiguous and X.dtype == np.float64
    assert y.tolist() == [0, 0, 0, 0, 1, 1] and y.dtype == np.int64
    r = np.random.default_rng(0).standard_normal((6, 2))
    r[:4, 1] = 0
    value = cost.reduction.value((r**2).sum(1) / 2)
    assert np.isclose(value, 0.5 * (3 * (r[:4]**2).sum(1).mean() + (r[4:]**2).sum(1).mean()), rtol=1e-14)
    assert cost.loss == ResidualLoss([ONE, TWO]) and cost.loss.width(2, 1) == 2 and cost.loss.residuals == (ONE, TWO)


def test_float32_points_stay_float32():
    single = inside.astype(np.float32)
    assert collocation((single, ONE), (single, TWO))[0].dtype == np.float32
    assert collocation((single, ONE), (edge, TWO))[0].dtype == np.float64
    assert collocation((np.asfortranarray(single), ONE))[0].flags.c_contiguous
    assert collocation(([[0, 1]], ONE))[0].dtype == np.float64


def test_sets_that_are_drawn_are_drawn_together():
    points = Drawn(lambda generator: generator.uniform(size=(3, 2)), 3, 5, seed=1)
    X, y, cost = collocation((edge, ONE), (points, TWO, 6.0))
    assert X.shape == (25, 2) and X.count == 5 and y.tolist() == [0, 0, 1, 1, 1] * 5
    assert np.array_equal(X[5:10], np.concatenate([edge, points.step(1)])) and not np.array_equal(X[2:5], X[7:10])
    assert cost.at(np.arange(5, 10)).reduction.value(np.array([1.0, 1.0, 2.0, 2.0, 2.0])) == 1 + 6 * 2
    with pytest.raises(ValueError, match="set 0 has 2 and set 1 has 1"):
        collocation((points, ONE), (edge[:, :1], TWO))


def test_sets_are_taken_apart_by_their_numbers():
    loss = ResidualLoss([ONE, TWO, ONE])
    for dtype in (np.float64, np.float32):
        targets = loss.targets([2, 0, 2, 0], (4, 1), np.dtype(dtype))
        again = loss.targets(targets, (4, 1), targets.dtype)
        assert targets.shape == (4, 1) and targets.dtype == dtype and np.array_equal(again, targets)
        assert [(rows.tolist(), residual) for rows, residual in loss.sets(targets)] == [([1, 3], ONE), ([0, 2], ONE)]


@pytest.mark.parametrize("y, message", [
    ([0, 1, 2], r"set numbers 0 … 1, for the cost has 2 residuals, but y\[12\] is 2"), ([0, 0.5, 1], r"y\[11\] is 0.5"),
    ([0, -1, 1], "is -1"), ([[0.0, 1.0]] * 3, r"must have shape \[3\], the number of each point's set, but has shape \[3, 2\]"),
    ([0, 1], r"must have shape \[3\]"), (["a", "b", "c"], "real numbers")])
def test_targets_that_are_no_sets_are_refused(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ResidualLoss([ONE, TWO]).targets(y, (3, 1), np.dtype(np.float64), np.array([10, 11, 12]))


def test_a_cost_of_residuals_is_a_value():
    cost = collocation((inside, ONE, 3.0), (edge, TWO))[2]
    assert cost == pickle.loads(pickle.dumps(cost)) == collocation((inside, ONE, 3.0), (edge, TWO))[2] and hash(cost)
    assert cost != collocation((inside, TWO, 3.0), (edge, ONE))[2] and cost.loss != losses.sobolev() and cost.encoded is cost
    assert repr(cost) == "Cost(ResidualLoss(Residual(first), Residual(second, outputs=2)), weighted(6 samples))"
    assert losses.sobolev(2) == losses.sobolev(2.0) != losses.sobolev(1.0) and repr(losses.sobolev(2)) == "sobolev(2.0)"
    sobolev = losses.sobolev(2)
    assert sobolev == pickle.loads(pickle.dumps(sobolev)) and hash(sobolev) == hash(losses.sobolev(2.0))


def test_a_checkpoint_knows_residuals_by_name_and_code():
    def made(scale):
        return described(ResidualLoss([Residual(lambda x, u: scale * u.value)]))

    told = described(ResidualLoss([ONE]))
    assert "first (code #" in told and "0x" not in told and told == described(pickle.loads(pickle.dumps(ResidualLoss([ONE]))))
    assert made(1.0) == made(1.0) != made(2.0)
    assert told != described(ResidualLoss([Residual(first, unknowns={"k": 1.0})])) != described(ResidualLoss([TWO]))
    ran = Residual(first)
    ran.components(inside, 2, 1)
    assert described(ResidualLoss([ran])) == told and described(losses.sobolev(1)) != described(losses.sobolev(2))


def test_a_cost_of_residuals_has_no_value_by_outputs():
    for cost in (collocation((inside, ONE))[2], Cost(ResidualLoss(ONE))):
        for method in (cost.losses, cost.value, cost.output_gradient):
            with pytest.raises(ValueError, match="from outputs A alone.*value_and_gradient"):
                method(np.ones((4, 1)), np.zeros(4))
    with pytest.raises(ValueError, match="from outputs A alone"):
        losses.sobolev().gradient(np.ones((4, 1)), np.ones((4, 3)))


def test_who_knows_no_residuals_refuses_them():
    X, y, cost = collocation((inside, ONE))
    network = Network.initialize((2, 3, 1), "tanh")
    for call in (engine.laplace, engine.operators.kfac, engine.operators.ggn, engine.per_sample_gradients, engine.gradient_moments):
        with pytest.raises(ValueError, match="cost must be a cost of outputs here, but is one of residuals, Cost.*Levenberg.*kfac"):
            call(network, X, y, cost)
    assert object_checks.cost(cost, Cost, residuals=True) is cost and object_checks.cost(Cost("huber"), Cost, residuals=True)


@pytest.mark.parametrize("sets, message", [
    ((), "one set of points or more"), ((3,), r"set 0 is 3"), (((inside, ONE, 1.0, 2),), "must each be"),
    (((inside, first),), r"set 0's residual must be an engine.Residual, but is .*engine.Residual\(first\) makes one"),
    (((inside, ONE, 0.0),), "set 0's weight must be a finite number above 0, but is 0.0"),
    (((inside, ONE, "a"),), "set 0's weight"),
    (((inside[:, 0], ONE),), r"have shape \[m, n_0\].*points\[:, None\]"), (((inside[:0], ONE),), "m at least 1"),
    (((inside, ONE), (edge[:, :1], ONE)), "set 0 has 2 and set 1 has 1"),
    (((np.full((2, 2), np.nan), ONE),), "set 0's points must be f"),
    (((inside.astype(complex), ONE),), "real numbers")])
def test_wrong_sets_are_refused(sets, message):
    with pytest.raises((TypeError, ValueError), match=message):
        collocation(*sets)


@pytest.mark.parametrize("value, message", [
    ([], "one engine.Residual or more"), ([ONE, first], r"residuals\[1\] must be"), (3, "is 3"),
    ([Residual(first, unknowns={"k": 1}), Residual(second, unknowns={"k": 2})], "'k' begins at 1.0 and at 2.0")])
def test_a_loss_of_something_else_is_refused(value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ResidualLoss(value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_0, n", [(1, 1), (3, 1), (2, 2)])
def test_sobolev_is_the_error_of_values_and_gradients(n_0, n, dtype):
    generator = np.random.default_rng(n_0)
    x, u, gradient = (generator.standard_normal(shape).astype(dtype) for shape in ((5, n_0), (5, n), (5, n, n_0)))
    jets = generator.standard_normal((5, 1 + n_0, n)).astype(dtype)
    loss = losses.sobolev(0.3)
    targets = loss.targets(np.concatenate([u, gradient.reshape(5, -1)], 1), (5, n), np.dtype(dtype))
    (rows, residual), = loss.sets(targets)
    components = residual.components(x, n_0, n)
    assert rows.tolist() == list(range(5)) and components.axes == tuple(range(n_0)) and loss.width(n_0, n) == n * (1 + n_0)
    r, D, E = residual.values_and_slopes(x, jets, components, targets)
    wanted = [((jets[k, 0] - u[k])**2).sum() / 2 + 0.15 * sum((jets[k, 1 + i, j] - gradient[k, j, i])**2 for j in range(n)
                                                               for i in range(n_0)) for k in range(5)]
    np.testing.assert_allclose((r**2).sum(1) / 2, wanted, rtol=1e-13 if dtype == np.float64 else 1e-5)
    assert r.dtype == D.dtype == dtype and E.shape == (5, n * (1 + n_0), 0) and D.flags.c_contiguous
    moved = jets + generator.standard_normal(jets.shape).astype(dtype)
    step = np.einsum("mqkn, mkn -> mq", D, moved - jets)
    change = residual.values(x, moved, components, targets) - r
    np.testing.assert_allclose(change, step, atol=1e-13 if dtype == np.float64 else 1e-5)


def test_sobolev_says_what_its_targets_are():
    with pytest.raises(ValueError, match=r"shape \[5, n \(1 [+] n_0\)\] for sobolev.*np.concatenate"):
        losses.sobolev().targets(np.ones((5, 1)), (5, 1), np.dtype(float))
    with pytest.raises(ValueError, match=r"y must be finite, but y\[0, 2\] is nan"):
        losses.sobolev().targets(np.array([[1.0, 1.0, np.nan]]), (1, 1), np.dtype(float))
    with pytest.raises(ValueError, match="weight must be a finite number above 0"):
        losses.sobolev(0)
    (_, residual), = losses.sobolev().sets(np.ones((5, 3)))
    with pytest.raises(ValueError, match="must have 4 columns for sobolev"):
        residual.values(np.ones((5, 3)), np.ones((5, 4, 1)), residual.components(np.ones((5, 3)), 3, 1), np.ones((5, 3)))
