"""A confusion matrix counts, and predictions lie where they should."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from engine import plot
from engine.history import History


def counts(ax):
    """The matrix that the texts of a picture show."""
    rows, columns = len(ax.get_yticks()), len(ax.get_xticks())
    found = np.zeros((rows, columns), int)
    for text in ax.texts:
        j, i = text.get_position()
        found[i, j] = int(text.get_text())
    return found


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_cells_are_counts_and_colours_are_shares_of_the_true_class():
    y, predicted = [0, 0, 0, 0, 2, 2, 1], [0, 0, 0, 2, 2, 1, 1]
    ax = plot.confusion(y, predicted)
    assert counts(ax).tolist() == [[3, 0, 1], [0, 1, 0], [0, 1, 1]] and ax.get_title() == "5 of 7 right (71.4 %)"
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.75, 0, 0.25], [0, 1, 0], [0, 0.5, 0.5]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class") and ticks(ax.xaxis) == ["0", "1", "2"]
    assert ax.yaxis_inverted()  # the first class is the top row


def test_labels_are_numbers_from_anywhere_or_text_in_any_order():
    ax = plot.confusion(np.array([7, -1, 7]), np.array([7.0, 7.0, 7.0]))
    assert ticks(ax.yaxis) == ["-1", "7"] and counts(ax).tolist() == [[0, 1], [0, 2]]
    ax = plot.confusion(["b", "a", "b"], ["b", "b", "a"], names=["b", "a", "c"])
    assert ticks(ax.xaxis) == ["b", "a", "c"] and counts(ax).tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]
    ax = plot.confusion(np.array([[0], [2]]), [True, False], names=["x", "y", "z"])
    assert ticks(ax.xaxis) == ["x", "y", "z"] and counts(ax).tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_many_classes_have_no_numbers_and_fewer_ticks():
    y = np.arange(60).repeat(2)
    ax = plot.confusion(y, y, names=[f"class {k}" for k in range(60)])
    assert not ax.texts and ticks(ax.xaxis)[:2] == ["class 0", "class 3"] and np.diag(ax.images[0].get_array()).min() == 1


@pytest.mark.parametrize("y, predicted, names, words", [
    ([0, 1], [0, 1, 1], None, "y and predicted must have a label for each sample, but have 2 and 3"),
    ([], [], None, "at least one sample"), ([0, 1], np.ones((2, 3)), None, r"outputs.argmax\(1\)"),
    ([0, 1], [0.2, 0.9], None, r"predicted\[0\] is 0.2"), ([0, 1], ["a", "b"], None, "both hold numbers or both text"),
    ([0, 3], [0, 1], ["a", "b", "c"], "a label is 3"), ([0, -1], [0, 1], ["a", "b", "c"], "a label is -1"),
    (["a", "d"], ["a", "a"], ["a", "b"], "'d' is not among 'a', 'b'")])
def test_labels_that_do_not_fit_are_refused(y, predicted, names, words):
    with pytest.raises((ValueError, TypeError), match=words):
        plot.confusion(y, predicted, names=names)


def test_predictions_are_points_beside_the_diagonal():
    y, predicted = np.array([[0.0, 1.0], [2.0, 5.0], [4.0, 3.0]]), np.array([[1.0, 1.0], [2.0, 4.0], [4.0, 3.5]])
    ax = plot.predictions(y, predicted, names=["force", "moment"])
    diagonal, first, second = ax.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [5, 5]]
    np.testing.assert_array_equal(first.get_xydata(), np.stack([y[:, 0], predicted[:, 0]], 1))
    np.testing.assert_array_equal(second.get_xydata(), np.stack([y[:, 1], predicted[:, 1]], 1))
    assert [text.get_text() for text in ax.get_legend().texts] == ["force R² = 0.875", "moment R² = 0.844"]
    assert plot.predictions([1.0, 1.0], [1.0, 2.0]).get_title() == ""  # a constant has no R²
    with pytest.raises(ValueError, match=r"\[2\] and \[3\]"):
        plot.predictions([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="one name for each of the 2 outputs"):
        plot.predictions(y, predicted, names=["force"])


def test_pictures_are_drawn_on_the_axes_given_and_on_no_others():
    ax = Figure().add_subplot()
    history = History([{"epoch": 0, "cost": 1.0, "validation_cost": 2.0}])
    for draw in (lambda ax: plot.confusion([0], [0], ax), lambda ax: plot.predictions([0.0], [0.0], ax),
                 lambda ax: plot.plot_history(history, ax)):
        assert draw(ax) is ax and ax.figure.axes == [ax]
        for wrong in (ax.figure, "ax", 3):
            with pytest.raises(TypeError, match="ax must be a matplotlib Axes"):
                draw(wrong)


def test_new_axes_are_pyplots_where_pyplot_is_used():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    ax = plot.confusion([0], [0])
    assert plt.gcf() is ax.figure and len(plt.get_fignums()) == len(before) + 1
    plt.close(ax.figure)


def test_without_pyplot_a_picture_needs_no_screen_and_is_kept_by_nobody():
    code = ("import sys\nfrom engine import plot\nax = plot.confusion([0], [0])\nassert 'matplotlib.pyplot' not in sys.modules\n"
            "assert ax.figure.canvas.manager is None")
    subprocess.run([sys.executable, "-c", code], check=True)
