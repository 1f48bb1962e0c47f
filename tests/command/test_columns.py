"""The columns of a table: which become features, how missing cells are treated, and another table read in the same way."""

import json

import numpy as np
import pytest

from engine.command.tables.columns import Columns, Encoding
from engine.command.tables.data import Choices, read_data, read_features, read_like
from engine.command.tables.encoding import features_of
from engine.command.tables.read_table import read_table
from engine.command.tables.scaling import Scaling

M = 24
SIZE = np.random.default_rng(0).standard_normal(M).round(3)
COLOURS = ["red", "blue", "green"]


def write(path, names, *columns):
    """A table of some columns; the path as text."""
    lines = [names, *(",".join(map(str, cells)) for cells in zip(*columns))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def houses(tmp_path):
    return write(tmp_path / "houses.csv", "Unnamed: 0,size,colour,new,country,price", range(M), SIZE,
                 [COLOURS[i % 3] for i in range(M)], [i % 2 == 0 for i in range(M)], ["CH"] * M, SIZE * 2)


def test_columns_of_a_training_table(houses):
    data = read_data(houses, "price")
    assert data.columns.names == ("size", "colour=blue", "colour=green", "colour=red", "new")
    assert {one.name: one.reason for one in data.columns.dropped} == {"Unnamed: 0": "counts the lines",
                                                                      "country": "holds one value alone"}
    assert np.array_equal(data.X[:, 0], SIZE) and np.array_equal(data.X[:, 4], np.arange(M) % 2 == 0)
    assert np.array_equal(data.X[:, 1:4].argmax(1), [[2, 0, 1][i % 3] for i in range(M)])
    said = " | ".join(data.notes)
    assert "left out: Unnamed: 0 (counts the lines; --keep 'Unnamed: 0' makes it a feature)" in said and "colour (3)" in said


def test_what_is_left_out_can_be_kept(houses):
    data = read_data(houses, choices=Choices("price", keep="Unnamed: 0,country"))
    assert data.columns.names[0] == "Unnamed: 0" and "country=CH" in data.columns.names and not data.columns.dropped


def test_a_description_is_the_same_after_json(houses):
    data = read_data(houses, "price").split(0.25, seed=1).data
    scaled = data.columns.scaled(Scaling.of(data.X), Scaling.of(data.y))
    again = Columns.from_json(json.loads(json.dumps(scaled.to_json())))
    assert again == scaled and again.means == scaled.means and len(again.means) == again.width == 5
    for one, other in ((again.scaling, scaled.scaling), (again.target_scaling, scaled.target_scaling)):
        assert np.array_equal(one.center, other.center) and np.array_equal(one.spread, other.spread)
    assert (again.targets, again.task, again.classes, again.loss) == (("price",), "numbers", (), "squared_error")


@pytest.mark.parametrize("change, words", [
    (lambda found: found.pop("encodings"), "columns.encodings is 'not there'"),
    (lambda found: found.update(task="guess"), "columns.task is 'guess'"),
    (lambda found: found["encodings"][1].update(kind="odd"), "one of columns.encodings"),
    (lambda found: found["encodings"][1].update(name="Unnamed: 0"), "one of columns.encodings"),
    (lambda found: found["encodings"][1].update(means=[1, 2]), "'size' has 2 means for 1 features"),
    (lambda found: found["encodings"][2].update(categories=["a", "a"]), "one of columns.encodings"),
    (lambda found: found.update(scaling={"center": [0], "spread": [1]}), "columns.scaling must hold"),
    (lambda found: found.update(classes=[[]]), "columns.classes"),
])
def test_a_wrong_description_is_refused(houses, change, words):
    found = read_data(houses, "price").columns.to_json()
    change(found)
    with pytest.raises(ValueError, match=f"here.json must describe the columns of a run.*{words}"):
        Columns.from_json(found, "here.json")


def test_features_of_another_table_by_name(houses, tmp_path):
    columns = read_data(houses, "price").columns
    new = write(tmp_path / "new.csv", "new,colour,size", ["True", "False"], ["red", "blue"], [1.5, 2])
    assert features_of(read_table(new), columns).tolist() == [[1.5, 0, 0, 1, 1], [2, 1, 0, 0, 0]]
    new = write(tmp_path / "new.csv", "new,colour,Size", ["True", "False"], ["red", "blue"], [1.5, 2])
    with pytest.raises(ValueError, match="lacks size; is 'size' named 'Size'"):
        features_of(read_table(new), columns)
    new = write(tmp_path / "new.csv", "new,colour,size,age", ["True"], ["red"], [1.5], [3])
    with pytest.raises(ValueError, match="has age too; .*--drop 'age'"):
        features_of(read_table(new), columns)
    new = write(tmp_path / "new.csv", "new,colour,size", ["True"], ["grean"], [1.5])
    with pytest.raises(ValueError, match="line 2: column 'colour'.*'grean'; did you mean 'green'"):
        features_of(read_table(new), columns)
    new = write(tmp_path / "new.csv", "new,colour,size", ["maybe"], ["green"], [1.5])
    with pytest.raises(ValueError, match="line 2: column 'new' must hold true or false"):
        features_of(read_table(new), columns)


def test_categories_that_look_like_numbers_are_texts(tmp_path):
    path = write(tmp_path / "t.csv", "size,code,price", SIZE, ["007", "b", "c", "d"] * (M // 4), SIZE)
    columns = read_data(path, "price").columns
    new = write(tmp_path / "new.csv", "size,code", [1.5, 2], ["007", "007"])
    assert features_of(read_table(new), columns).tolist() == [[1.5, 1, 0, 0, 0], [2, 1, 0, 0, 0]]


@pytest.fixture
def holes(tmp_path):
    size = [*SIZE[:-2], "", "NA"]
    return write(tmp_path / "holes.csv", "size,colour,price", size, ["", *(COLOURS[i % 3] for i in range(1, M))],
                 [*SIZE[:4], "", *SIZE[5:]])


def test_missing_cells_are_refused_by_name_and_number(holes):
    with pytest.raises(ValueError, match=r"line 2: column 'colour'.*missing \(empty\), as in 3 more cells \(price 1, size 2, "
                                         rf"colour 1\); --missing drop leaves such lines out \({M - 4} of {M} are whole\)"):
        read_data(holes, "price")
    with pytest.raises(ValueError, match="--missing must be drop, mean or refuse, but is 'zero'"):
        read_data(holes, choices=Choices("price", missing="zero"))


def test_lines_with_missing_cells_are_left_out(holes):
    data = read_data(holes, choices=Choices("price", missing="drop"))
    assert np.array_equal(data.X[:, 0], np.delete(SIZE, [0, 4, M - 2, M - 1])) and data.columns.missing == "drop"
    assert any("4 of 24 lines left out" in note for note in data.notes)
    assert data.place(0).endswith("line 3") and data.place(3).endswith("line 7")


def test_missing_cells_are_filled_by_the_means_of_the_training_samples(holes):
    data = read_data(holes, choices=Choices("price", missing="mean"))
    assert len(data.X) == M - 1 and np.isnan(data.X).sum() == 2 + 3
    split = data.split(0.25, seed=3)
    means = np.nanmean(data.X[split.train], axis=0)
    assert np.allclose(split.data.columns.means, means)
    assert np.allclose(split.data.X, np.where(np.isnan(data.X), means, data.X))
    assert any("filled by the column's mean in size, colour" in note for note in data.notes)
    assert any("1 of 24 lines left out, which lack a cell in price" in note for note in data.notes)


def test_missing_cells_of_another_table(holes, houses, tmp_path):
    columns = read_data(holes, choices=Choices("price", missing="mean")).split(0.25).data.columns
    new = write(tmp_path / "new.csv", "size,colour", [1, "", 3], ["red", "blue", ""])
    found = read_features(new, columns)
    assert found.X[1, 0] == columns.means[0] and found.X[2, 1:].tolist() == list(columns.means[1:]) and found.notes
    found = read_features(new, columns, Choices(missing="drop"))
    assert found.rows.tolist() == [0] and found.place(0).endswith("line 2")
    columns = read_data(holes, choices=Choices("price", missing="drop")).columns
    with pytest.raises(ValueError, match="line 3: column 'size'"):
        read_features(new, columns)
    with pytest.raises(ValueError, match="saved no means"):
        read_features(new, columns, Choices(missing="mean"))


def test_row_numbers_of_another_table_tell_its_lines_apart(houses, tmp_path):
    columns = read_data(houses, "price").columns
    new = write(tmp_path / "new.csv", "Unnamed: 0,new,colour,size", ["x7", "x9"], ["True", "False"], ["red", "blue"], [1.5, 2])
    assert read_features(new, columns).identity == {"Unnamed: 0": ["x7", "x9"]}


@pytest.mark.parametrize("cells", [["up", "down"], ["0", "1"], ["2", "-1"], ["True", "False"]])
@pytest.mark.parametrize("loss", [None, "hinge", "binary_cross_entropy"])
def test_classes_of_another_table_keep_their_numbers(tmp_path, cells, loss):
    path = write(tmp_path / "t.csv", "size,y", SIZE, [cells[i % 3 % 2] for i in range(M)])
    data = read_data(path, choices=Choices("y", loss=loss))
    columns = Columns.from_json(json.loads(json.dumps(data.columns.to_json())))
    new = write(tmp_path / "new.csv", "y,size", cells[::-1] + cells[:1] * 2, [1, 2, 3, 4])
    again = read_like(new, columns)
    assert again.targets.class_numbers.tolist() == [sorted(cells).index(cell) for cell in cells[::-1] + cells[:1] * 2]
    assert again.y.shape == (4,) if loss is None else again.y.shape == (4, 1)
    assert again.y.dtype == data.y.dtype and set(again.y.ravel().tolist()) == set(data.y.ravel().tolist())
    alike = write(tmp_path / "new.csv", "y,size", [cells[1]], [1])
    assert read_like(alike, columns).targets.class_numbers.tolist() == [sorted(cells).index(cells[1])]
    with pytest.raises(ValueError, match="line 2: the target 'y' must be a class that the network was trained on"):
        read_like(write(tmp_path / "new.csv", "y,size", ["7"], [1]), columns)
    with pytest.raises(ValueError, match="must have the target y"):
        read_like(write(tmp_path / "new.csv", "size", [1, 2]), columns)
    assert read_features(str(tmp_path / "new.csv"), columns).X.tolist() == [[1], [2]]


def test_weights_and_groups(tmp_path):
    path = write(tmp_path / "t.csv", "size,w,who,y", SIZE, np.arange(M) % 4, [f"p{i % 6}" for i in range(M)], SIZE)
    data = read_data(path, choices=Choices("y", weights="w", groups="who"))
    assert data.columns.names == ("size",) and np.array_equal(data.weights, np.arange(M) % 4)
    assert data.group_names == tuple(f"p{i}" for i in range(6)) and np.array_equal(data.groups, np.arange(M) % 6)
    split = data.split(0.3, seed=2)
    assert not set(data.groups[split.train]) & set(data.groups[split.test])
    assert len(split.train) + len(split.test) == M and len(split.test) == 8
    assert split.notes == ("whole groups: 4 to train on, 2 to test on",)
    with pytest.raises(ValueError, match="--weights must be a column.*did you mean 'who'"):
        read_data(path, choices=Choices("y", weights="whoo"))
    with pytest.raises(ValueError, match="'w' is named by --weights and by --groups"):
        read_data(path, choices=Choices("y", weights="w", groups="w"))
    with pytest.raises(ValueError, match="line 3: the weight 'w' must be at least 0, but is -1"):
        path = write(tmp_path / "t.csv", "size,w,y", SIZE, np.where(np.arange(M) == 1, -1, 1), SIZE)
        read_data(path, choices=Choices("y", weights="w"))


def test_each_class_has_its_share_of_both_parts(tmp_path):
    labels = ["a"] * 15 + ["b"] * 8 + ["c"]
    data = read_data(write(tmp_path / "t.csv", "size,y", SIZE, labels), "y")
    for seed in range(5):
        split = data.split(0.25, seed)
        assert sorted([*split.train, *split.test]) == list(range(M)) and len(split.test) == 6
        assert np.bincount(data.y[split.test], minlength=3).tolist() == [4, 2, 0] and split.notes
        assert np.array_equal(split.test, data.split(0.25, seed).test)


def test_numbers_are_split_by_chance_as_before(houses):
    order = np.random.default_rng(7).permutation(M)
    split = read_data(houses, "price").split(0.25, 7)
    assert np.array_equal(split.test, order[:6]) and np.array_equal(split.train, order[6:])


def test_columns_of_names_and_arrays():
    columns = Columns.of_names(("a", "c"), {"c": ("x", "y")}, ("z",))
    assert columns.names == ("a", "c=x", "c=y") and columns.ignored == ("z",) and columns.width == 3
    assert Columns.of_array(2).columns is None and Columns.of_array(2).names == ("column 0", "column 1")
    assert Encoding("a", "one-hot", ("x",)).features == ("a=x",)
