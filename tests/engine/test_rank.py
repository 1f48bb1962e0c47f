"""Second-order steps where rank is short: the least-norm solution, no drift, moderate parameters, by every solver."""

import numpy as np
import pytest

from engine import Cost, GaussNewton, LevenbergMarquardt, NaturalGradient, Network, fit, reductions
from engine.updates.levenberg_marquardt import PATIENCE, _idle
from engine.updates.slab_linearised import whole_fits
from engine.updates.solvers import rank
from engine.updates.solvers.choice import SOLVERS
from schedulers import BatchSchedule
from tests.cases import network
from tests.engine.test_second_order import linearised

pytestmark = pytest.mark.compiled

DTYPES = (np.float64, np.float32)
EXACT = ("cholesky", "qr", "kernel", "cg")
KINDS = ("twice", "dependent", "constant", "one-hot", "wide", "scaled", "scaled and twice")


def columns(kind, generator, m, q):
    """X [m, q] that is short of rank beside a bias, or badly scaled."""
    X = generator.standard_normal((m, q))
    if "twice" in kind:
        X[:, 1] = X[:, 0]
    if kind == "dependent":
        X[:, 2] = X[:, 0] - 2 * X[:, 1]
    if kind == "constant":
        X[:, 0] = 3
    if kind == "one-hot":
        X[:, :3] = np.eye(3)[generator.integers(0, 3, m)]
    if "scaled" in kind:
        X *= 10.0 ** (np.linspace(-8, 8, q) if kind == "scaled" else np.array([-3, 3, 2, -4, 0][:q]))
    return X


def whole(net, X, y, update, epochs, cost=None, **settings):
    """A fit whose every batch is all of X."""
    return fit(net, X, y, cost or Cost("squared_error"), update, BatchSchedule(len(X), order="sequential"), epochs=epochs,
               progress=False, **settings)


@pytest.mark.parametrize("solver", [*EXACT, "kfac"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_least_cost_by_moderate_parameters(kind, dtype, solver):
    """|E θ|, E the columns' norms, is at most twice that of the least-norm solution; Levenberg–Marquardt's cost never rises."""
    generator = np.random.default_rng(KINDS.index(kind))
    m, q = (4, 5) if kind == "wide" else (14, 5)
    X = columns(kind, generator, m, q).astype(dtype)
    y = generator.standard_normal((m, 1)).astype(dtype)
    F = np.column_stack([X, np.ones(m)]).astype(np.float64)
    E = np.linalg.norm(F, axis=0)
    best = np.linalg.lstsq(F / E, y[:, 0].astype(np.float64), rcond=1e-5)[0]
    least, start = (np.mean((F / E @ z - y[:, 0])**2) / 2 for z in (best, 0 * best))
    tolerance = (1e-9 if dtype == np.float64 else 1e-4) * start
    for update, epochs in ((GaussNewton(damping=0, solver=solver), 8), (NaturalGradient(damping=1e-30, solver=solver), 8),
                           (LevenbergMarquardt(solver=solver, geodesic="twice" in kind), 60)):
        run = whole(Network((q, 1), ("identity",), np.zeros(q + 1, dtype)), X, y, update, epochs)
        theta, costs = run.network.parameters.astype(np.float64), run.history.columns()["cost"]
        reached = np.mean((F @ theta - y[:, 0])**2) / 2
        assert np.linalg.norm(E * theta) < 2 * np.linalg.norm(best)
        assert reached < (start if solver == "kfac" and "scaled" in kind else least + tolerance)
        if isinstance(update, LevenbergMarquardt):
            assert np.diff(costs).max(initial=0) <= 10 * np.finfo(dtype).eps * start


@pytest.mark.parametrize("solver", ["auto", *EXACT, "kfac"])
def test_a_column_given_twice(solver):
    X, y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.array([1.0, 2.0, 4.0])
    run = whole(Network((2, 1), ("identity",), np.zeros(3)), X, y, GaussNewton(damping=0, solver=solver), 1)
    np.testing.assert_allclose(run.network(X)[:, 0], [5 / 6, 7 / 3, 23 / 6], rtol=1e-10)
    np.testing.assert_allclose(run.network.parameters, [0.75, 0.75, -2 / 3], rtol=1e-8)


@pytest.mark.parametrize("settings", [dict(), dict(geodesic=False), *(dict(solver=name) for name in ("cholesky", "kernel", "cg"))])
@pytest.mark.parametrize("dtype", DTYPES)
def test_levenberg_marquardt_does_not_drift(dtype, settings):
    """300 steps past the minimum of a problem with a residual, where rounding alone would move θ."""
    X, y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]), np.array([1.0, 2.0, 3.0, 5.0])
    run = whole(Network((2, 1), ("identity",), np.zeros(3, dtype)), X, y, LevenbergMarquardt(**settings), 300)
    assert np.abs(run.network.parameters).max() < 2
    assert "solver" not in settings or run.state.arrays["damping"] >= np.finfo(dtype).eps
    np.testing.assert_allclose(run.network(X)[:, 0], [0.8, 2.1, 3.4, 4.7], atol=1e-6 if dtype == np.float64 else 2e-3)


def test_softmax_of_one_hot_columns_and_a_bias():
    """Five directions change nothing: three of the logits', two of the columns'."""
    generator = np.random.default_rng(1)
    X, c = np.c_[np.eye(3)[generator.integers(0, 3, 60)], generator.standard_normal(60)], generator.integers(0, 3, 60)
    costs = []
    for dtype in DTYPES:
        for update, epochs in ((LevenbergMarquardt(), 60), (LevenbergMarquardt(solver="cholesky"), 60),
                               (LevenbergMarquardt(solver="kernel"), 60), (GaussNewton(damping=0), 12)):
            start = Network.initialize((4, 3), "tanh", seed=0, dtype=dtype)
            run = whole(start, X, c, update, epochs, Cost("softmax_cross_entropy"))
            assert np.abs(run.network.parameters).max() < 10
            costs.append(run.history[-1]["cost"])
    assert max(costs) - min(costs) < 1e-5


@pytest.mark.parametrize("case", ["dead units", "more parameters than rows", "mask", "weights of 0", "slabs"])
def test_every_solver_takes_the_step_of_the_pseudo_inverse(case, monkeypatch):
    """M⁺ w for λ = 0 and for a λ below rounding; of cg, whose norm is another, M δ."""
    generator = np.random.default_rng(3)
    m = 5 if case == "more parameters than rows" else 30
    net = network((3, 6, 2), "relu" if case == "dead units" else "tanh", np.float64)
    if case == "dead units":
        theta = net.parameters.copy()
        theta[net.kernels.layout.bias_slice(1)][:3] = -100
        net = net.replace(theta)
    X = generator.standard_normal((m, 3))
    X[:, 2] = X[:, 1]
    mask = np.arange(net.size) % 4 > 0 if case == "mask" else None
    cost = Cost("squared_error", reductions.cvar(0.3) if case == "weights of 0" else "mean")
    if case == "slabs":
        monkeypatch.setattr("engine.updates.kept_linearised.SUMS", 0)
        monkeypatch.setattr("engine.updates.kept_linearised.SLAB", 4 * 2 * net.size * 8)
    here = linearised(net, X, generator.standard_normal((m, 2)), cost, mask)
    M, steepest = np.vstack([slab.copy() for slab in here.rows()]), here.steepest()
    right = np.linalg.pinv(M, rcond=1e-12) @ steepest.image
    for name in EXACT:
        solver = SOLVERS[name](here, steepest)
        for damping in (0.0, 1e-30):
            assert solver.damp(damping, np.ones(len(right)))
            step = solver.solve(steepest)
            if name == "cg":
                assert np.linalg.norm(M @ (step - right)) < 1e-4 * np.linalg.norm(M @ right)
            else:
                tolerance = 1e-3 if name == "cholesky" else 1e-6
                assert np.linalg.norm(step - right) < tolerance * np.linalg.norm(right), name


def test_bounded_memory_takes_the_same_steps():
    X = columns("twice", np.random.default_rng(0), 600, 5)
    y, net, most = np.sin(X[:, :1] + X[:, 2:3]), Network.initialize((5, 4, 1), "tanh", seed=1), 4 << 20
    assert not whole_fits(net, len(X), most)
    for solver in ("qr", "cholesky", "kernel"):
        for update in (GaussNewton(0.1, damping=0, solver=solver), LevenbergMarquardt(solver=solver)):
            runs = [whole(net, X, y, update, 3, max_bytes=bound).network.parameters for bound in (None, most)]
            np.testing.assert_allclose(runs[1], runs[0], rtol=1e-7, atol=1e-10)
            assert np.abs(runs[0]).max() < 20


def test_nothing_to_gain_moves_nothing():
    """Every unit is dead: J is 0."""
    net = Network((3, 4, 1), ("relu", "relu"), -np.ones(21))
    X = np.random.default_rng(0).uniform(0, 1, (9, 3))
    for solver in (*EXACT, "kfac"):
        for update in (GaussNewton(damping=0, solver=solver), LevenbergMarquardt(solver=solver)):
            assert np.array_equal(whole(net, X, np.ones(9), update, 3).network.parameters, net.parameters)


def test_a_gradient_that_no_curvature_reaches_needs_damping():
    """Outside of δ the losses of huber are straight: λ = 0 has no solution there, and λ grows until there is one."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    y = np.array([100.0, 0.1, 0.2])
    for solver in EXACT:
        run = whole(Network((2, 1), ("identity",), np.zeros(3)), X, y, GaussNewton(1e-6, damping=0, solver=solver), 1,
                    Cost("huber"), trainable=np.array([True, True, False]))
        w = run.network.parameters
        assert np.isfinite(w).all() and w[0] > 0 and w[1] == pytest.approx(1e-7, rel=1e-3)


def test_the_least_norm_is_that_of_d():
    """w₁ + 2 w₂ = 5: (1, 2) is the least in Euclid's norm, and D = (1, 10) leaves nearly all to w₁."""
    V, s = np.array([[1.0], [2.0]]) / np.sqrt(5), np.array([np.sqrt(5)])
    for E in (np.ones(2), np.array([1.0, 1e-3])):
        solver = rank.LeastNorm(E, (V / E[:, None]) / np.linalg.norm(V / E[:, None]), s * np.linalg.norm(V / E[:, None]))
        for squares, right in ((np.ones(2), [1.0, 2.0]), (np.array([1.0, 100.0]), [125 / 26, 5 / 52])):
            for damping in (0.0, 1e-14):
                solver.damp(damping, squares)
                np.testing.assert_allclose(solver.solve(solver.projected(np.array([5.0, 10.0]))), right, rtol=1e-9)


def test_steps_that_rounding_hides_come_to_an_end():
    seen = np.array([np.inf, np.inf, 0.0])
    assert [_idle(seen, True, *pair) for pair in ((1, 1), (0.3, 3), (0.1, 9), (0.1, 0.5), (0.1, 0.49))] == [0, 0, 0, 0, 1]
    assert [_idle(seen, True, 0.2, 0.48) for _ in range(20)][-1] > PATIENCE
    assert _idle(seen, False, 0.1, 1.0) == 0 and _idle(seen, True, 5.0, 5.0) == 0
