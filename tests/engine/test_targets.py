"""What targets are taken for, by --task, --loss or themselves; arrays; scaling; how well a run did."""

import numpy as np
import pytest

from engine.command.tables.data import Choices, read_data, read_features
from engine.command.tables.scaling import Scaling
from engine.command.tables.targets import Column, choose

M = 60
X = np.random.default_rng(0).standard_normal((M, 3))


def column(values, name="y"):
    return Column(name, np.asarray(values), lambda row: f"{name}[{row}]")


CHOSEN = {  # values, task, loss: the task, the loss, the outputs
    "text": (np.arange(M) % 3, None, None, "classes", "softmax_cross_entropy", 3),
    "two whole numbers": (np.arange(M) % 2, None, None, "classes", "softmax_cross_entropy", 2),
    "two whole floats": (np.arange(M) % 2 * 1.0, None, None, "classes", "softmax_cross_entropy", 2),
    "two booleans": (np.arange(M) % 2 == 0, None, None, "classes", "softmax_cross_entropy", 2),
    "whole numbers, asked for": (np.arange(M) % 13, "numbers", None, "numbers", "squared_error", 1),
    "whole numbers by their loss": (np.arange(M) % 13, None, "squared_error", "numbers", "squared_error", 1),
    "whole numbers by another loss": (np.arange(M) % 13, None, "huber", "numbers", "huber", 1),
    "counts": (np.arange(M) % 4, None, "poisson", "numbers", "poisson", 1),
    "many whole numbers": (np.arange(M), None, None, "numbers", "squared_error", 1),
    "many whole numbers as classes": (np.arange(M) // 1, "classes", None, "classes", "softmax_cross_entropy", M),
    "parts": (np.arange(M) / 8, None, None, "numbers", "squared_error", 1),
    "two classes, one output": (np.arange(M) % 2, None, "binary_cross_entropy", "classes", "binary_cross_entropy", 1),
    "two numbers, one output": (np.arange(M) % 2 * 4 + 1.5, None, "hinge", "classes", "hinge", 1),
    "shares": (np.arange(M) / M, None, "binary_cross_entropy", "numbers", "binary_cross_entropy", 1),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_what_targets_are_taken_for(name):
    values, task, loss, *expected = CHOSEN[name]
    targets = choose([column(np.array(["u", "v", "w"])[values] if name == "text" else values)], task, loss)
    assert [targets.task, targets.loss, targets.outputs] == expected


def test_the_reading_says_how_else_it_could_be():
    assert choose([column(np.arange(M) % 13)]).reading == "y, read as classes (13 labels); --task numbers predicts it as a number"
    assert choose([column(np.arange(M))]).reading.endswith("numbers (60 different whole ones); --task classes makes a class of "
                                                           "each")
    assert choose([column(np.arange(M) % 13)], loss="squared_error").reading == "y, read as numbers"
    assert "'v' is 1, 'u' is -1" in choose([column(np.array(["u", "v"])[np.arange(M) % 2])], loss="hinge").reading


def test_two_classes_as_each_loss_wants_them():
    text = column(np.array(["no", "yes"])[np.arange(M) % 2])
    assert choose([text]).y.tolist() == (np.arange(M) % 2).tolist()
    assert choose([text], loss="binary_cross_entropy").y[:, 0].tolist() == (np.arange(M) % 2).tolist()
    assert choose([text], loss="hinge").y[:, 0].tolist() == (np.arange(M) % 2 * 2 - 1).tolist()


def test_several_columns():
    pair = [column(X[:, 0], "a"), column(X[:, 1], "b")]
    targets = choose(pair)
    assert targets.outputs == 2 and np.array_equal(targets.y, X[:, :2]) and targets.names == ("a", "b")
    assert choose(pair, loss="cosine").loss == "cosine"
    signs = [column((X[:, j] > 0) * 1.0, "ab"[j]) for j in range(2)]
    assert choose(signs, loss="binary_cross_entropy").task == "classes" and choose(signs, loss="hinge").y.min() == -1
    with pytest.raises(ValueError, match="2 columns"):
        choose(signs, task="classes")


@pytest.mark.parametrize("loss, A, y, expected", [
    ("softmax_cross_entropy", [[2.0, 1], [0, 1], [3, 4]], [0, 0, 1], 2 / 3),
    ("binary_cross_entropy", [[2.0], [-1], [-3], [4]], [1, 1, 0, 1], 3 / 4),
    ("hinge", [[2.0], [-1], [-3], [4]], [1, 1, 0, 1], 3 / 4),
    ("squared_error", [[1.0], [2], [3]], [1, 2, 6.0], 1 - 9 / 14),
    ("poisson", np.log([[1.0], [2], [6]]), [1, 2, 6], 1.0),
    ("poisson", [[1.0], [2], [6]], [1, 2, 6], 1 - sum((np.exp(u) - u) ** 2 for u in (1, 2, 6)) / 14),
])
def test_scores(loss, A, y, expected):
    values = np.array(y)
    task = "classes" if loss in ("softmax_cross_entropy", "hinge", "binary_cross_entropy") else None
    targets = choose([column(values)], task, loss)
    assert targets.score(np.array(A), targets.y) == pytest.approx(expected)


def test_shares_are_scored_as_shares():
    shares = np.array([0.1, 0.5, 0.9])
    targets = choose([column(shares)], loss="binary_cross_entropy")
    assert targets.measure == "R^2" and targets.score(np.log(shares / (1 - shares))[:, None], targets.y) == pytest.approx(1)


def test_scores_of_several_and_of_huge_numbers():
    pair = choose([column(X[:, 0], "a"), column(X[:, 1], "b")])
    assert pair.score(np.stack([X[:, 0], np.full(M, X[:, 1].mean())], 1), pair.y) == pytest.approx(0.5)
    huge = choose([column(X[:, 0] * 1e200)])
    assert huge.score(huge.y, huge.y) == 1
    assert np.isnan(huge.score(np.ones((3, 1)), np.ones((3, 1))))


def save(tmp_path, **arrays):
    np.savez(tmp_path / "samples.npz", **arrays)
    return str(tmp_path / "samples.npz")


def test_arrays_mean_what_the_same_table_means(tmp_path):
    for y in (np.arange(M) % 2, np.arange(M) % 2 * 1.0, np.arange(M), np.arange(M) / 7):
        from_array = read_data(save(tmp_path, X=X, y=y))
        lines = "\n".join(f"{a!r},{b!r},{c!r},{t!r}" for (a, b, c), t in zip(X.tolist(), y.tolist()))
        (tmp_path / "table.csv").write_text(f"a,b,c,y\n{lines}\n")
        from_table = read_data(str(tmp_path / "table.csv"), "y")
        assert from_array.task == from_table.task and np.array_equal(from_array.y, from_table.y)
        assert np.array_equal(from_array.X, from_table.X)


def test_arrays_of_several_columns_and_of_text(tmp_path):
    data = read_data(save(tmp_path, X=X, y=X[:, :2] * 2))
    assert data.outputs == 2 and np.array_equal(data.y, X[:, :2] * 2)
    assert read_data(save(tmp_path, X=X, y=X[:, :1])).y.shape == (M, 1)
    for dtype in (str, "S"):
        data = read_data(save(tmp_path, X=X, z=np.where(X[:, 0] > 0, "up", " down").astype(dtype)), "z")
        assert data.labels == ("down", "up")
    swapped = read_data(save(tmp_path, X=X.astype(">f8"), y=(np.arange(M) % 3).astype(">i4")))
    assert np.array_equal(swapped.X, X) and swapped.X.dtype.isnative and swapped.outputs == 3
    assert np.array_equal(read_features(save(tmp_path, X=np.asfortranarray(X))).X, X)


BROKEN = {
    "no X": (dict(z=X), "X and y.*holds z"),
    "no y": (dict(X=X), "X and y.*holds X"),
    "X of one axis": (dict(X=X[0], y=X[0]), r"X must have shape \[m, n_0\]"),
    "y of another length": (dict(X=X, y=X[:5, 0]), r"y must have shape \[60\]"),
    "y of three axes": (dict(X=X, y=X[:, :, None]), r"y must have shape \[60\]"),
    "a NaN in X": (dict(X=np.where(X == X[7, 1], np.nan, X), y=X[:, 0]), r"X\[7, 1\] is nan"),
    "an infinity in y": (dict(X=X, y=np.where(X[:, 0] == X[7, 0], np.inf, X[:, 0])), r"y\[7\]: the target 'y' must be finite"),
    "a NaN in y's second column": (dict(X=X, y=np.where(X == X[7, 1], np.nan, X)[:, :2]), r"y\[7, 1\]: the target 'y\[:, 1\]'"),
    "an empty label": (dict(X=X, y=np.array(["a", "b"] * 29 + ["", "NA"])), r"y\[58\] must be a label"),
    "complex numbers": (dict(X=X + 1j, y=X[:, 0]), "X must hold real numbers"),
    "dates": (dict(X=X, y=np.arange(M).astype("M8[D]")), "y must hold numbers"),
    "objects": (dict(X=X, y=np.array([None] * M)), "dtype object"),
    "no samples": (dict(X=X[:0], y=X[:0, 0]), "m and n_0 at least 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_arrays_are_refused_by_their_place(tmp_path, name):
    arrays, words = BROKEN[name]
    with pytest.raises(ValueError, match=words) as refusal:
        read_data(save(tmp_path, **arrays))
    assert "samples.npz" in str(refusal.value)


@pytest.mark.parametrize("size", [0, 10, 100, 1000])
def test_a_cut_file_is_one_clear_error(tmp_path, size):
    path = save(tmp_path, X=X, y=X[:, 0])
    with open(path, "r+b") as file:
        file.truncate(size)
    with pytest.raises(ValueError, match="samples.npz"):
        read_data(path)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [14.62, 0.1, 1e200, 1e-200, -7.7, 0.0, 5e-324, 1.7e308])
def test_a_constant_column_has_spread_one(dtype, value):
    values = np.full((1000, 1), value if dtype == np.float64 else 14.62, dtype)
    for columns in (values, np.nextafter(values, np.where(np.arange(1000)[:, None] % 2, np.inf, 0).astype(dtype))):
        if 0 <= value < 1e-300:
            columns = values
        scaling = Scaling.of(columns)
        assert scaling.spread[0] == 1
    assert Scaling.of(values).applied(values)[0, 0] == 0


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200, 1e300, 2.0 ** -1060])
def test_scaling_neither_overflows_nor_vanishes(scale):
    with np.errstate(under="ignore"):
        values = X * scale
    scaling = Scaling.of(values)
    got = scaling.applied(values)
    digits = 1e-12 if scale > 1e-300 else 1e-3
    assert np.allclose(got, (X - X.mean(0)) / X.std(0), rtol=digits, atol=digits) and np.isfinite(got).all()


def test_scaling_has_the_bits_of_the_plain_formula():
    scaling = Scaling.of(X)
    assert np.array_equal(scaling.applied(X), (X - scaling.center) / scaling.spread)
    assert np.allclose(scaling.center, X.mean(0)) and np.allclose(scaling.spread, X.std(0))


def test_one_far_number_keeps_a_spread():
    values = np.concatenate([np.full(999, 14.62), [14.63]])[:, None]
    assert Scaling.of(values).spread[0] == pytest.approx(values.std())


def test_choices_of_the_bundled():
    pytest.importorskip("sklearn")
    assert read_data("iris").outputs == 3 and read_data("diabetes").task == "numbers"
    assert read_data("iris", choices=Choices(task="numbers")).outputs == 1
    assert read_data("breast_cancer", choices=Choices(loss="hinge")).outputs == 1
