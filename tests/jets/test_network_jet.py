"""Network.jet: shapes, second derivatives of every kind, and what is refused."""

import numpy as np
import pytest

from engine import Activation, Network
from tests.oracle import jets as plain

NETWORK = Network.initialize((3, 4, 2), "tanh", seed=2, output="sin")
X = np.random.default_rng(0).uniform(-1, 1, (5, 3))
PAIRS = tuple(((i, j, 1.0),) for i in range(3) for j in range(i, 3))


def test_the_full_jet_is_the_nested_sums():
    exact, _ = plain.jets(NETWORK.parameters, (3, 4, 2), ("tanh", "sin"), X, (0, 1, 2), PAIRS)
    jet = NETWORK.jet(X, second="full")
    assert np.abs(jet.value - exact[:, 0]).max() < 1e-14
    assert np.abs(jet.gradient - exact[:, 1:4].transpose(0, 2, 1)).max() < 1e-14
    for s, ((i, j, _),) in enumerate(PAIRS):
        for hessian in (jet.hessian[:, :, i, j], jet.hessian[:, :, j, i]):
            assert np.abs(hessian - exact[:, 4 + s]).max() < 1e-14
    assert (jet.diagonal == np.einsum("knii->kni", jet.hessian)).all()


def test_every_kind_of_second_derivative_is_part_of_the_full_one():
    full = NETWORK.jet(X, second="full")
    assert np.abs(NETWORK.jet(X, second="diagonal").diagonal - full.diagonal).max() < 1e-15
    for second in ("laplacian", "diagonal", "full"):
        assert np.abs(NETWORK.jet(X, second=second).laplacian - full.diagonal.sum(2)).max() < 1e-14
    assert (NETWORK.jet(X).gradient == full.gradient).all()


def test_float32_and_no_points():
    jet = NETWORK.astype(np.float32).jet(X[:0], second="full")
    assert jet.value.shape == (0, 2) and jet.hessian.shape == (0, 2, 3, 3) and jet.hessian.dtype == np.float32


def test_what_was_not_propagated_is_refused():
    with pytest.raises(ValueError, match="laplacian was not propagated.*second='laplacian' or 'diagonal' or 'full'"):
        assert NETWORK.jet(X).laplacian
    with pytest.raises(ValueError, match="hessian was not propagated"):
        assert NETWORK.jet(X, second="diagonal").hessian
    with pytest.raises(ValueError, match="second must be one of laplacian, diagonal, full"):
        NETWORK.jet(X, second="hessian")


def test_activations_without_the_derivatives_are_refused():
    kinked = Network.initialize((3, 4, 1), "relu")
    assert kinked.jet(X).gradient.shape == (5, 1, 3)
    with pytest.raises(ValueError, match="layer 1's is relu, whose slope jumps.*tanh"):
        kinked.jet(X, second="laplacian")
    own = Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    with pytest.raises(ValueError, match="layer 1's is Activation\\('cube'\\), whose g‴ is not known"):
        Network((3, 1), (own,), np.ones(4)).jet(X)
