"""The plane of a landscape is the cost's, and a sweep's picture is its own."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from engine import Cost, Network, plot
from engine.plot import landscapes
from schedulers import SweepResult
from tests.cases import network

X, y = np.array([[-1.0], [0.5], [2.0]]), np.array([[1.0], [0.0], [-1.0]])
line, cost = Network((1, 1), ("identity",), np.array([1.0, 0.5])), Cost("squared_error")


def drawn(monkeypatch, *arguments, **settings):
    """The sides and values that would be drawn, and the axes."""
    found = []
    original = landscapes._draw
    monkeypatch.setattr(landscapes, "_draw", lambda *given: (found.extend(given[1:]), original(*given)))
    return *found, plot.landscape(*arguments, **settings), found


def test_the_plane_through_two_directions(monkeypatch):
    ax, ((alphas, betas), values) = drawn(monkeypatch, line, X, y, cost, directions=[[1, 0], [0, 2]], points=5, span=2.0)
    assert alphas.tolist() == betas.tolist() == [-2, -1, 0, 1, 2]
    for i, beta in enumerate(betas):
        for j, alpha in enumerate(alphas):
            assert values[i, j] == pytest.approx(cost.value(line.replace([1 + alpha, 0.5 + 2 * beta])(X), y), rel=1e-13)
    assert ax.lines[0].get_xydata().tolist() == [[0, 0]] and ax.lines[0].get_marker() == "*"


def test_a_path_lies_in_its_own_plane():
    net = network((2, 3, 1))
    generator = np.random.default_rng(0)
    u, v = generator.standard_normal((2, net.size))
    path = net.parameters + np.array([2 * u + v, u, 0.2 * v, 0 * u])
    data = generator.uniform(-1, 1, (4, 2))
    ax = plot.landscape(net, data, data[:, :1], cost, path=path, points=4)
    places = ax.lines[0].get_xydata()
    plane = landscapes.plane_of(path - net.parameters)
    np.testing.assert_allclose(net.parameters + places @ plane, path, atol=1e-12)
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    assert (low < places.min(0)).all() and (high > places.max(0)).all()


def test_random_directions_are_as_long_as_the_rows_of_weights():
    net = network((3, 4, 2))
    plane = landscapes.random_plane(net, np.random.default_rng(0))
    layout = net.kernels.layout
    for l in (1, 2):
        for direction in plane:
            rows = direction[layout.weight_slice(l)].reshape(net.weight(l).shape)
            np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.linalg.norm(net.weight(l), axis=1))
            assert not direction[layout.bias_slice(l)].any()


def test_the_same_seed_gives_the_same_picture(monkeypatch):
    values = [drawn(monkeypatch, line, X, y, cost, points=3, seed=seed)[-1][-1] for seed in (1, 1, 2)]
    assert np.array_equal(values[0], values[1]) and not np.array_equal(values[0], values[2])


def test_where_the_cost_is_not_finite_nothing_is_drawn(monkeypatch):
    grow = Network((1, 1), ("exp",), np.array([1.0, 0.0]))
    ax, (_, values) = drawn(monkeypatch, grow, X, y, cost, directions=[[1000.0, 0], [0, 1]], points=3)
    assert values.mask.any() and not values.mask.all()
    ax = plot.landscape(grow, X, y, cost, directions=[[1e300, 0], [0, 1e300]], span=1e10, points=2)
    assert ax.get_title() == "the cost is nowhere finite"


def test_a_constant_cost_and_float32_are_drawn():
    flat = Network((1, 1), ("tanh",), np.zeros(2, np.float32))
    plot.landscape(flat, X, np.zeros((3, 1)), Cost("poisson"), directions=[[1e-30, 0], [0, 1e-30]], points=3)


@pytest.mark.parametrize("settings, words", [
    (dict(points=1), "points"), (dict(span=0.0), "span"), (dict(directions=[[1.0, 0.0]]), r"\[2, 2\], but has shape \[1, 2\]"),
    (dict(directions=[[1.0, 1.0], [2.0, 2.0]]), "not parallel"), (dict(path=[[1.0, 2.0]]), "at least two steps"),
    (dict(path=np.ones((3, 4))), r"path must be \[k, 2\]"), (dict(ax=3), "ax must be a matplotlib Axes"),
    (dict(directions=[[1.0, np.nan], [0.0, 1.0]]), r"directions\[0, 1\] is nan")])
def test_planes_that_do_not_fit_are_refused(settings, words):
    with pytest.raises((ValueError, TypeError), match=words):
        plot.landscape(line, X, y, cost, **settings)


def test_the_sweeps_picture_is_drawn_on_the_axes_given():
    rows = [{"rate": rate, "width": width, "cost": rate * width, "error": None} for rate in (0.1, 0.2) for width in (2, 4)]
    result, ax = SweepResult(rows), Figure().add_subplot()
    assert plot.sweep(result, "cost", "rate", ax=ax) is ax and ax.get_xlabel() == "rate"
    assert plot.sweep(result, "cost", "rate", "width").get_ylabel() == "width"
    with pytest.raises(TypeError, match="schedulers.SweepResult"):
        plot.sweep(rows, "cost", "rate")
    with pytest.raises(ValueError, match="price"):
        plot.sweep(result, "price", "rate")
