"""A folder of awkward tables: each trains on the columns that it should, or is refused with a remedy."""

import json
import re

import numpy as np
import pytest

from engine.__main__ import main
from engine.command.tables.columns import Columns
from engine.command.tables.data import Choices, read_data, read_features, read_like
from engine.command.tables.table import Reading

from .awkward_tables import AWKWARD, Trains

READING = ("separator", "decimal", "encoding", "thousands", "header", "sheet", "marks")


def outcome(folder, name):
    """The data set and what is said, or the words of the refusal."""
    table = AWKWARD[name]
    path = folder / table.file
    path.write_bytes(table.content if isinstance(table.content, bytes) else table.content.encode())
    said = {"target": "y", **table.options}
    reading = Reading(**{key: said.pop(key) for key in READING if key in said})
    try:
        data = read_data(str(path), choices=Choices(**said, reading=reading))
        return data, data.split(0.25, seed=1)
    except ValueError as error:
        return str(error), None


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_table_trains_or_is_refused_with_a_remedy(name, tmp_path):
    expected = AWKWARD[name].expected
    data, split = outcome(tmp_path, name)
    if split is None:
        assert not isinstance(expected, Trains), data
        assert re.search(expected.words, data, re.DOTALL) and "\n" not in data and len(data) < 600, data
        return
    assert isinstance(expected, Trains), f"read, with {data.columns.names}"
    assert data.columns.names == expected.features and data.labels == expected.labels
    assert len(data.X) == expected.samples == len(split.train) + len(split.test)
    assert np.isfinite(split.data.X).all() and split.data.X.shape[1] == data.columns.width
    if expected.first:
        assert data.X[0].tolist() == list(expected.first)
    assert re.search(expected.said, " | ".join([data.targets.reading, data.described, *data.notes]))


def test_there_are_enough_of_them():
    assert len(AWKWARD) >= 40


@pytest.mark.parametrize("name", ["excel in german", "colours", "missing cells, filled", "pandas' index", "true and false"])
def test_the_command_trains_on_them(name, tmp_path, capsys):
    outcome(tmp_path, name)
    options = [f"--{key}={value}" for key, value in AWKWARD[name].options.items()]
    status = main(["train", str(tmp_path / AWKWARD[name].file), "--target", "y", "--epochs", "2", "--widths", "3", "--quiet",
                   "--run-folder", str(tmp_path / "run"), *options])
    printed = capsys.readouterr().out
    assert status == 0 and re.search(AWKWARD[name].expected.said, printed), printed


@pytest.mark.parametrize("name", [name for name, table in AWKWARD.items() if isinstance(table.expected, Trains)])
def test_what_was_trained_on_is_read_in_the_same_way_again(name, tmp_path):
    data = outcome(tmp_path, name)[1].data
    said = AWKWARD[name].options
    choices = Choices(missing=said.get("missing"), reading=Reading(**{key: said[key] for key in READING if key in said}))
    path, columns = str(tmp_path / AWKWARD[name].file), Columns.from_json(json.loads(json.dumps(data.columns.to_json())))
    again = read_like(path, columns, choices)
    assert np.array_equal(again.X, data.X) and np.array_equal(again.y, data.y) and again.outputs == data.outputs
    found = read_features(path, columns, choices)
    assert len(found.X) != len(data.X) or np.array_equal(found.X, data.X)
    assert set(found.identity) <= {one.name for one in columns.dropped}
