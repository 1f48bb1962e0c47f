"""Spectra, kernels and chain norms are those of the Jacobian."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from engine import Network, operators, plot
from tests.cases import network

X = np.random.default_rng(0).uniform(-1, 1, (6, 4))
net = network((4, 5, 3))
J = net.jacobian(X)


def test_a_spectrum_shows_every_singular_value_and_the_rank():
    ax = plot.jacobian_spectrum(J)
    values = np.linalg.svd(J.dense(), compute_uv=False)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, 19))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), values)
    assert ax.get_title() == f"rank {np.linalg.matrix_rank(J.dense())} of 18" and ax.get_yscale() == "log"


def test_rounding_lies_below_a_dashed_line():
    twice = np.concatenate([X, X])
    ax = plot.jacobian_spectrum(net.jacobian(twice))
    values, dashed = ax.lines[0].get_ydata(), ax.lines[1].get_ydata()[0]
    assert ax.get_title() == "rank 18 of 36" and (values > dashed).sum() == 18 and ax.lines[1].get_linestyle() == "--"
    assert len(plot.jacobian_spectrum(np.diag([2.0, 1.0])).lines) == 1
    ax = plot.jacobian_spectrum(np.zeros((2, 3)))
    assert ax.get_title() == "rank 0 of 2" and ax.lines[0].get_ydata().size == 0 and ax.get_yscale() == "linear"


def test_spectra_are_compared_on_the_same_axes():
    ax = Figure().add_subplot()
    plot.jacobian_spectrum(J, ax, count=4, label="the four largest")
    assert plot.jacobian_spectrum(net.jacobian(X[:2]).dense(), ax, label="two samples") is ax
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.linalg.svd(J.dense(), compute_uv=False)[:4], rtol=1e-6)
    assert [text.get_text() for text in ax.get_legend().texts] == ["the four largest", "two samples: rank 6 of 6"]
    assert ax.get_title() == ""


def test_a_kernel_is_drawn_sample_by_sample():
    kernel = operators.ntk(net, X, X[:4])
    ax = plot.ntk(kernel)
    np.testing.assert_array_equal(ax.images[0].get_array(), kernel.contracted())
    assert len(ax.figure.axes) == 2  # and its colour bar


def test_groups_stand_together_and_angles_are_between_minus_one_and_one():
    kernel, groups = operators.ntk(net, X), np.array(["b", "a", "b", "a", "c", "b"])
    ax = plot.ntk(kernel, groups=groups, normalized=True)
    order = np.argsort(groups, kind="stable")
    K = kernel.contracted()[np.ix_(order, order)]
    np.testing.assert_allclose(ax.images[0].get_array(), K / np.sqrt(np.outer(K.diagonal(), K.diagonal())))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"] and ax.get_xticks().tolist() == [0.5, 3, 5]
    assert sorted({line.get_ydata()[0] for line in ax.lines if np.ptp(line.get_ydata()) == 0}) == [1.5, 4.5]


def test_a_kernel_with_both_signs_is_white_at_zero():
    assert plot.ntk([[2.0, -1.0], [-1.0, 1.0]]).images[0].get_clim() == (-2.0, 2.0)
    assert plot.ntk([[2.0, 1.0], [1.0, 1.0]]).images[0].get_clim() == (1.0, 2.0)


def test_chain_norms_are_medians_over_samples_within_a_band():
    ax = plot.chain_norms(J, label="start")
    norms = np.array([[np.linalg.norm(chain) for chain in J.chain(l)] for l in (1, 2)])
    np.testing.assert_allclose(ax.lines[0].get_xydata(), np.stack([[1, 2], np.median(norms, 1)], 1))
    vertices = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose([vertices[:, 1].min(), vertices[:, 1].max()],
                               [np.quantile(norms, 0.1, axis=1).min(), np.quantile(norms, 0.9, axis=1).max()])
    assert ax.get_legend().texts[0].get_text() == "start"


@pytest.mark.parametrize("draw, words", [
    (lambda: plot.jacobian_spectrum(np.ones(3)), "jacobian must be a matrix"),
    (lambda: plot.jacobian_spectrum(net.jacobian(X[:0])), "at least one row"),
    (lambda: plot.jacobian_spectrum([[1.0, np.nan]]), r"jacobian\[0, 1\] is nan"),
    (lambda: plot.jacobian_spectrum(J, count=0), "count"),
    (lambda: plot.ntk(np.ones((2, 3)), groups=[0, 1]), "one label for each sample of a square kernel"),
    (lambda: plot.ntk(np.ones((2, 3)), normalized=True), "the kernel of one X with itself"),
    (lambda: plot.ntk([[1.0, 0.0], [0.0, 0.0]], normalized=True), r"kernel\[1, 1\] is 0.0: sample 1 has no gradient"),
    (lambda: plot.chain_norms(J.dense()), r"network.jacobian\(X\) makes one"),
    (lambda: plot.chain_norms(net.jacobian(X[:0])), "at least one row"),
    (lambda: plot.chain_norms(J, J), "ax must be a matplotlib Axes")])
def test_what_cannot_be_drawn_is_refused(draw, words):
    with pytest.raises((ValueError, TypeError), match=words):
        draw()


def test_float32_is_drawn_as_it_is():
    small = Network.initialize((2, 3, 1), "tanh", dtype=np.float32)
    ax = plot.jacobian_spectrum(small.jacobian(np.repeat([[1.0, 0.5]], 3, 0)))
    assert ax.get_title() == "rank 1 of 3"  # by the precision of float32
    assert plot.chain_norms(small.jacobian(np.ones((2, 2)))).lines[0].get_ydata().shape == (2,)
