"""Objects of the wrong class: every public function refuses them by the argument's name, and says what to give instead."""

import numpy as np
import pytest

import engine
from engine import Cost, GradientDescent, Jacobian, Network, operators
from engine.batch_problem import BatchProblem
from engine.operators import LossJacobian
from schedulers import BatchSchedule, BatchStep, orders, rates
from tests.cases import network

pytestmark = pytest.mark.compiled
NET, SQUARE = network((3, 4, 2)), Cost("squared_error")
X, Y = np.linspace(-1, 1, 15).reshape(5, 3), np.zeros((5, 2))


def identity():
    """A curvature that can be solved with."""
    return operators.kfac(NET, X, Y, SQUARE)


OF_BOTH = {
    "value_and_gradient": lambda net, cost: engine.value_and_gradient(net, X, Y, cost),
    "value_and_gradient in slabs": lambda net, cost: engine.value_and_gradient(net, X, Y, cost, max_bytes=1 << 26),
    "per_sample_gradients": lambda net, cost: engine.per_sample_gradients(net, X, Y, cost),
    "per_sample_gradient_norms": lambda net, cost: engine.per_sample_gradient_norms(net, X, Y, cost),
    "gradient_moments": lambda net, cost: engine.gradient_moments(net, X, Y, cost),
    "gradient_moments in slabs": lambda net, cost: engine.gradient_moments(net, X, Y, cost, max_bytes=1 << 26),
    "per_sample_ggn_diagonals": lambda net, cost: engine.per_sample_ggn_diagonals(net, X, Y, cost),
    "objective": lambda net, cost: engine.objective(net, X, Y, cost),
    "laplace": lambda net, cost: engine.laplace(net, X, Y, cost),
    "check_derivatives": lambda net, cost: engine.check_derivatives(net, X, Y, cost),
    "influence_on_predictions": lambda *of: engine.influence_on_predictions(of[0], X, Y, of[1], X, curvature=identity(), damping=1),
    "influence_on_cost": lambda *of: engine.influence_on_cost(of[0], X, Y, of[1], X, Y, curvature=identity(), damping=1),
    "fit": lambda net, cost: engine.fit(net, X, Y, cost, GradientDescent(0.1), BatchSchedule(5), epochs=1, progress=False),
    "LossJacobian": lambda net, cost: LossJacobian(net, X, Y, cost)}
for made in (operators.ggn, operators.hessian, operators.fisher, operators.empirical_fisher, operators.kfac, operators.ekfac):
    OF_BOTH[made.__name__] = lambda net, cost, of=made: of(net, X, Y, cost)
    OF_BOTH[f"{made.__name__} in slabs"] = lambda net, cost, of=made: of(net, X, Y, cost, max_bytes=1 << 26)
OF_NETWORK = {"ntk": lambda net: operators.ntk(net, X), "Jacobian": lambda net: Jacobian(net, X),
              "ForwardPass": lambda net: engine.ForwardPass(net, X), "ntk_predict": lambda net: operators.ntk_predict(net, X, Y, X)}
OF_OPERATOR = {"leading_eigenvalues": operators.leading_eigenvalues, "leading_singular_values": operators.leading_singular_values,
               "trace_estimate": operators.trace_estimate, "spectral_density": operators.spectral_density,
               "inverse": lambda operator: operators.inverse(operator, damping=1.0),
               "inverse_product": lambda operator: operators.inverse_product(operator, np.ones(3), damping=1.0)}


class Unprintable:
    """Not even its text can be had."""

    def __repr__(self):
        raise KeyError


@pytest.mark.parametrize("wrong", [None, "tanh", X, Network, Unprintable()], ids=["None", "text", "array", "class", "unprintable"])
@pytest.mark.parametrize("name", {**OF_BOTH, **OF_NETWORK})
def test_what_is_no_network_is_refused(name, wrong):
    given = (wrong, SQUARE) if name in OF_BOTH else (wrong,)
    with pytest.raises(TypeError, match="^network must be an engine.Network, but is "):
        {**OF_BOTH, **OF_NETWORK}[name](*given)


@pytest.mark.parametrize("wrong", [None, "hinge", engine.losses.hinge, Unprintable()], ids=["None", "name", "loss", "unprintable"])
@pytest.mark.parametrize("name", OF_BOTH)
def test_what_is_no_cost_is_refused(name, wrong):
    with pytest.raises(TypeError, match="^cost must be an engine.Cost, but is "):
        OF_BOTH[name](NET, wrong)


@pytest.mark.parametrize("wrong", [None, 3, "K", np.ones(3)], ids=["None", "number", "text", "vector"])
@pytest.mark.parametrize("name", OF_OPERATOR)
def test_what_is_no_operator_is_refused(name, wrong):
    with pytest.raises(TypeError, match="^operator must be a LinearOperator or a matrix, but is .*aslinearoperator"):
        OF_OPERATOR[name](wrong)


def trained(update, schedule, **options):
    """A fit of one epoch."""
    return engine.fit(NET, X, Y, SQUARE, update, schedule, epochs=1, **options)


STEP, STEPS = GradientDescent(0.1), BatchSchedule(5)


@pytest.mark.parametrize("call, expected", [
    (lambda: engine.influence_on_cost(NET, X, Y, SQUARE, X, Y, curvature=None, damping=1), "curvature must be a LinearOperator"),
    (lambda: engine.influence_on_predictions(NET, X, Y, SQUARE, X, curvature=3, damping=1), "curvature must be a LinearOperator"),
    (lambda: engine.influence_on_cost(NET, X, Y, SQUARE, X, Y, curvature=identity(), damping=1, test_cost=1), "test_cost must be"),
    (lambda: Cost(None), "loss must be a name or an engine.Loss, but is None"),
    (lambda: Cost("hinge", 3), "reduction must be a name or an engine.Reduction, but is 3"),
    (lambda: engine.losses.hinge.value([[1.0]], None), "y must be an array"),
    (lambda: trained(STEP, STEPS, callbacks=None), "callbacks must be a sequence"),
    (lambda: trained(None, STEPS), "update must be an update"),
    (lambda: trained(STEP, None), "schedule must be a schedulers.BatchSchedule"),
    (lambda: trained(STEP, STEPS, validation=X), "validation must be a pair"),
    (lambda: Network((3, 2), None, np.zeros(8)), "activations must be a tuple"),
    (lambda: Network((3, 2), (None,), np.zeros(8)), "an activation must be a name or an engine.Activation"),
], ids=range(12))
def test_other_objects_are_refused_by_name(call, expected):
    with pytest.raises(TypeError, match=f"^{expected}"):
        call()


@pytest.mark.parametrize("of", ["dense of J", "gram of J", "dense of losses"])
def test_out_that_shares_memory_with_what_is_read_is_refused(of):
    held = np.zeros(10 * NET.size)
    samples = held[:15].reshape(5, 3)
    J, G = NET.jacobian(samples), LossJacobian(NET, samples, Y, SQUARE)
    J @ np.ones(NET.size)
    J._passes.X = samples  # as where many samples are left where they lie
    out, call = {"dense of J": (held.reshape(10, -1), J.dense),
                 "gram of J": (held[:100].reshape(10, 10), lambda out: J.gram(out=out)),
                 "dense of losses": (held[:5 * NET.size].reshape(5, -1), G.dense)}[of]
    with pytest.raises(ValueError, match="out must not share memory with X or the network"):
        call(out)


def test_an_objective_keeps_copies_of_its_samples_and_truths():
    samples, truths = X.copy(), Y + 0.5
    aim, v, theta = engine.objective(NET, samples, truths, SQUARE), np.ones(NET.size), NET.parameters
    expected = aim.hessp(theta, v), aim.residual(theta)
    fresh = engine.objective(NET, samples, truths, SQUARE)
    samples[:], truths[:] = 7.0, np.nan
    assert np.array_equal(fresh.hessp(theta, v), expected[0]) and np.array_equal(fresh.residual(theta), expected[1])


def test_a_batch_problem_refuses_a_step_beyond_its_samples():
    with pytest.raises(ValueError, match="the batch step's indices must be from 0 to 4, a sample of 5, but \\[1\\] is 5"):
        BatchProblem(NET, X, Y, SQUARE, BatchStep(0, 0, [0, 5]))


class Stubborn:
    """An object whose every conversion fails in its own way."""

    def __len__(self):
        raise KeyError

    def __float__(self):
        raise RuntimeError

    __index__ = __getitem__ = __array__ = __float__


@pytest.mark.parametrize("call, expected", [
    (lambda value: NET(value), "X must be a rectangular array"), (NET.jacobian, "X must be an array with one entry a sample"),
    (NET.weight, "l must be a whole number"), (lambda value: Network.initialize(value, "tanh"), "widths must be a"),
    (BatchSchedule, "batch_size must be a whole number"), (orders.importance, "w must be a rectangular array"),
    (rates.constant, "rate must be a number above 0"), (GradientDescent, "rate must be a finite number above 0"),
    (lambda value: NET.jacobian(X).matvec(np.ones((26, 2))), r"v must have shape \[26\] or \[26, 1\], but has shape \[26, 2\]"),
    (lambda value: NET.jacobian(X).rmatvec(True), r"u must have shape \[10\] or \[10, 1\], but has shape \[\]"),
    (lambda value: NET.jacobian(X).matmat(np.ones(26)), r"V must have shape \[26, r\], but has shape \[26\]"),
    (lambda value: GradientDescent([[1], [2, 3]]), "rate must be .* but has shape .2.; give one number"),
], ids=range(12))
def test_objects_whose_conversions_raise_are_refused_by_name(call, expected):
    with pytest.raises((ValueError, TypeError), match=f"^{expected}"):
        call(Stubborn())
