"""The options that are parameters of a loss."""

import json
import re

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_iris
from sklearn.utils.class_weight import compute_class_weight

import engine
from engine import losses
from engine.command.problem import Problem
from engine.command.sweep_runs import options_of

from .running import done, run, saved, write

UNEVEN = "a,kind\n" + "".join(f"{i * i % 11},{'down' if i % 4 else 'up'}\n" for i in range(40))


@pytest.mark.parametrize("settings, expected", [
    (dict(label_smoothing=0.1), losses.softmax_cross_entropy(label_smoothing=0.1)),
    (dict(class_weights=["2=3", "0=0.5"]), losses.softmax_cross_entropy(class_weights=[0.5, 1, 3])),
    (dict(class_weights="1=2", label_smoothing=0.2), losses.softmax_cross_entropy(0.2, [1, 2, 1])),
    (dict(label_smoothing=0), losses.softmax_cross_entropy)])
def test_the_loss_is_the_one_that_options_say(settings, expected):
    problem = Problem.of(options_of("iris", settings))
    assert problem.cost.loss == problem.test_cost.loss == expected


def test_answers_are_weighed_one_by_one_or_together(tmp_path):
    table = write(tmp_path / "d.csv", "a,y,z\n" + "".join(f"{i * i % 11},{i % 2},{i // 2 % 2}\n" for i in range(20)))
    for weights, expected in (([2.5], 2.5), ([2.0, 3.0], [2.0, 3.0])):
        settings = dict(target="y,z", loss="binary_cross_entropy", pos_weight=weights)
        assert Problem.of(options_of(str(table), settings)).cost.loss == losses.binary_cross_entropy(pos_weight=expected)


def test_balanced_is_scikit_learns(tmp_path):
    options = options_of(str(write(tmp_path / "d.csv", UNEVEN)), dict(target="kind", class_weights="balanced", test_fraction=0.3))
    problem = Problem.of(options)
    y = problem.data.targets.y[problem.train]
    expected = compute_class_weight("balanced", classes=np.arange(2), y=y)
    np.testing.assert_allclose(problem.loss_settings["class_weights"], expected, rtol=1e-15)
    assert problem.cost.loss == problem.test_cost.loss


def test_a_run_keeps_them_for_evaluate_and_like(capsys, tmp_path):
    arguments = ["--epochs", 1, "--widths", 3, "--class-weights", "1=2", "2=4", "--label-smoothing", 0.1, "--quiet"]
    status, out, err = run(capsys, "train", "iris", *arguments, "--run-folder", tmp_path / "run")
    assert status == 0 and "softmax_cross_entropy(label_smoothing=0.1, class_weights=[1.0, 2.0, 4.0])" in out, err
    found = saved(tmp_path / "run")
    assert found["targets"]["loss_settings"] == {"label_smoothing": 0.1, "class_weights": [1.0, 2.0, 4.0]}
    X, y = load_iris(return_X_y=True)
    logs = log_softmax(engine.load(tmp_path / "run" / "network.npz")(X), axis=1)
    truth = np.array([1, 2, 4]) * (0.9 * np.eye(3)[y] + 0.1 / 3)
    assert done(capsys, "evaluate", tmp_path / "run", "iris")["cost"] == pytest.approx(-(truth * logs).sum(1).mean(), rel=1e-9)
    assert run(capsys, "train", "--like", tmp_path / "run", "--run-folder", tmp_path / "again", "--quiet")[0] == 0
    first, second = (engine.load(tmp_path / name / "trained.npz").parameters for name in ("run", "again"))
    assert np.array_equal(first, second) and json.dumps(saved(tmp_path / "again")["options"]["class_weights"]) == '["1=2", "2=4"]'


@pytest.mark.parametrize("arguments, words", [
    (["--pos-weight", "2"], "--pos-weight is for --loss binary_cross_entropy, but the loss is softmax.*or use --class-weights"),
    (["--loss", "hinge", "--label-smoothing", "0.1"], "--label-smoothing is for --loss softmax_cross_entropy, but .* is hinge"),
    (["--loss", "binary_cross_entropy", "--class-weights", "up=2"], "but the loss is binary_cross_entropy.*or use --pos-weight"),
    (["--label-smoothing", "2"], "label_smoothing must be a number from 0 to 1, but is 2"),
    (["--class-weights", "doun=2"], "must name classes of the target, down, up, but names 'doun'; did you mean down"),
    (["--class-weights", "up"], "must be balanced, or LABEL=NUMBER for one or more of the classes down, up, but is 'up'"),
    (["--class-weights", "up=x"], "LABEL=NUMBER .*but is 'up=x'"),
    (["--class-weights", "up=1", "up=2"], "name a class once, but names 'up' again"),
    (["--class-weights", "up=-1"], r"class_weights must hold numbers of at least 0, but class_weights\[1\] is -1"),
    (["--loss", "binary_cross_entropy", "--pos-weight", "0"], "pos_weight must be a finite number above 0, but is 0"),
    (["--loss", "binary_cross_entropy", "--pos-weight", "1", "2"], r"one for each of the 1 targets \(kind\), but holds 2")])
def test_what_does_not_fit_is_refused(capsys, tmp_path, arguments, words):
    status, _, err = run(capsys, "train", write(tmp_path / "d.csv", UNEVEN), "--target", "kind", "--quiet", *arguments)
    assert status == 2 and re.search(words, err), err
