"""What users' own functions may do with their arguments and give back, and what nobody may write to."""

import copy
import pickle

import numpy as np
import pytest

from engine import Activation, Cost, Loss, Network, Reduction, operators, reductions, value_and_gradient

X = np.random.default_rng(0).uniform(-1, 1, (40, 2))
Y = X[:, :1] * 2 - X[:, 1:]


def overwriting(function):
    """The same function, which leaves NaN in all its arguments."""
    def call(*arguments):
        result = np.array(function(*arguments))
        for argument in arguments:
            argument[...] = np.nan
        return result

    return call


def network(*functions):
    theta = np.random.default_rng(1).standard_normal(13)
    return Network((2, 3, 1), (Activation("mine", *functions), "identity"), theta)


SINE = (np.sin, np.cos, lambda z: -np.sin(z))


@pytest.mark.parametrize("form", ["activation", "loss", "reduction"])
def test_functions_that_write_into_their_arguments_change_nothing_else(form):
    value, gradient = lambda A, y: ((A - y)**2).sum(1), lambda A, y: 2 * (A - y)
    root, slope = lambda L: (L @ L)**0.5, lambda L: L / (L @ L)**0.5
    plain = network(*SINE), Cost(Loss(value, gradient), Reduction(root, slope))
    wild = network(*map(overwriting, SINE)) if form == "activation" else plain[0]
    cost = {"loss": Cost(Loss(overwriting(value), overwriting(gradient)), Reduction(root, slope)),
            "reduction": Cost(Loss(value, gradient), Reduction(overwriting(root), overwriting(slope)))}.get(form, plain[1])
    A, y = plain[0](X), Y.copy()
    assert np.array_equal(wild(X), A)
    assert np.array_equal(cost.losses(A, y), plain[1].losses(A, y)) and np.array_equal(y, Y) and np.isfinite(A).all()
    for got, expected in zip(value_and_gradient(wild, X, y, cost), value_and_gradient(*plain[:1], X, Y, plain[1])):
        assert np.array_equal(got, expected)


def test_second_derivatives_that_write_into_their_arguments():
    cost, v = Cost("squared_error"), np.ones(13)
    plain, wild = (operators.hessian(network(*functions), X, Y, cost) @ v for functions in (SINE, map(overwriting, SINE)))
    assert np.array_equal(plain, wild)


@pytest.mark.parametrize("wrong, words", [
    (lambda z: z[:, :1], r"'mine' must return shape \[40, 3\], but returned \[40, 1\]"),
    (lambda z: z * 1j, "'mine' must return real numbers, but returned dtype complex128"),
    (lambda z: None, r"'mine' must return shape \[40, 3\]"),
    (lambda z: z.astype(object), "'mine' must return real numbers, but returned dtype object"),
])
def test_activations_that_give_something_else_are_refused(wrong, words):
    for functions in ((wrong, np.cos), (np.sin, wrong)):
        with pytest.raises((ValueError, TypeError), match=words):
            network(*functions)(X)
    narrow = network(lambda z: np.sin(z).astype(np.float16), lambda z: np.asfortranarray(np.cos(z)))
    assert narrow.forward(X).gamma(1).dtype == narrow(X).dtype == np.float64


@pytest.mark.parametrize("made", [lambda reduction: reduction, lambda reduction: reduction.at(np.arange(4)), copy.deepcopy,
                                  lambda reduction: pickle.loads(pickle.dumps(reduction)),
                                  lambda reduction: Cost("squared_error", reduction).reduction])
def test_per_sample_data_cannot_be_written_to(made):
    for reduction in (reductions.group_max([0, 1, 0, 1]), reductions.weighted([1.0, 2, 3, 4])):
        found = made(reduction)
        for data in (found.data, found.value.data, found.gradient.data):
            with pytest.raises(ValueError, match="read-only"):
                data[:] = -5
            with pytest.raises(ValueError, match="WRITEABLE"):
                data.flags.writeable = True
        A, y = np.arange(4.0)[:, None], np.zeros(4)
        assert Cost("squared_error", found).value(A, y) == Cost("squared_error", reduction).value(A, y)


def test_a_users_own_reduction_can_be_copied():
    made = copy.deepcopy(Reduction(np.max, np.sign))
    assert made.value is np.max and made.gradient is np.sign and made.hessian_product is None


ROOT, SLOPE = lambda L: (L @ L)**0.5, lambda L: L / (L @ L)**0.5
SQUARE, TWICE = lambda A, y: ((A - y)**2).sum(1), lambda A, y: 2 * (A - y)


def test_what_losses_and_reductions_give_is_cast_to_the_outputs_dtype():
    def wide(function):
        return lambda *arguments: np.asarray(function(*arguments), float)

    A, y = np.linspace(1, 2, 6, dtype=np.float32).reshape(3, 2), np.zeros((3, 2), np.float32)
    cost = Cost(Loss(wide(SQUARE), wide(TWICE)), Reduction(wide(ROOT), wide(SLOPE)))
    plain = Cost(Loss(SQUARE, TWICE), Reduction(ROOT, SLOPE))
    for name in ("losses", "loss_gradients", "value", "reduction_gradient", "output_gradient"):
        found = getattr(cost, name)(A, y)
        assert found.dtype == np.float32 and np.array_equal(found, getattr(plain, name)(A, y))


@pytest.mark.parametrize("cost, words", [
    (Cost(Loss(lambda A, y: A, TWICE)), "the loss's value must return shape"),
    (Cost(Loss(SQUARE, lambda A, y: A[:, 0])), "the loss's gradient must return shape"),
    (Cost("squared_error", Reduction(lambda L: L, SLOPE)), "the reduction's value must return shape"),
    (Cost("squared_error", Reduction(ROOT, lambda L: 1.0)), "the reduction's gradient must return shape")])
def test_losses_and_reductions_that_give_something_else_are_refused(cost, words):
    with pytest.raises(ValueError, match=words):
        cost.value(np.ones((3, 2)), np.zeros((3, 2)))
