"""What a sweep's rows become: the best, a table, a file, a picture."""

import csv

import numpy as np
import pytest

from schedulers import SweepResult

ROWS = [{"rate": rate, "kind": kind, "cost": rate + 10 * (kind == "b"), "error": None} for rate in (1, 0.1, 10.0) for kind in "ab"]
BAD = [{"rate": 3, "kind": "c", "cost": float("nan"), "error": None},
       {"rate": 3, "kind": "a", "error": "Traceback\nValueError: x\n"},
       {"rate": 0.01, "kind": "a", "cost": -float("inf"), "error": None}, {"rate": 0.01, "kind": "a", "cost": "low", "error": None}]


def test_the_best_is_the_first_of_the_finite():
    result = SweepResult(BAD + ROWS + ROWS)
    assert result.best("cost") is ROWS[2] and result.best("cost", largest=True) is ROWS[5] and result.best("rate") is BAD[2]
    assert len(result) == 16 and list(result) == result.rows and result[1] is BAD[1] and "16 rows, 1 with" in repr(result)


def test_where_no_best_is_left():
    with pytest.raises(ValueError, match="of 4 runs 1 have an error and the others no such number; the first ends: ValueError: x"):
        SweepResult(BAD).best("cost")
    with pytest.raises(ValueError, match="'score' must be a column of the rows, which have 'rate', 'kind', 'cost', 'error'; 1 of"):
        SweepResult(BAD).best("score")
    with pytest.raises(ValueError, match="which have none"):
        SweepResult([]).best("score")


def test_tables(tmp_path):
    result = SweepResult(ROWS + BAD)
    assert result.columns() == ["rate", "kind", "cost", "error"]
    result.save_csv(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["cost"]) for row in rows[:6]] == [row["cost"] for row in ROWS] and rows[7]["error"] == BAD[1]["error"]
    assert rows[0]["error"] == "" and rows[7]["cost"] == ""
    table = pytest.importorskip("pandas") and result.to_pandas()
    assert list(table) == result.columns() and len(table) == 10 and table["cost"].isna().sum() == 2
    assert len(SweepResult([]).to_pandas()) == 0


def test_lines_have_their_points_means_and_spread():
    pytest.importorskip("matplotlib")
    result = SweepResult(ROWS + BAD)
    line = result.plot("cost", "rate")
    assert line.get_xscale() == "log" and line.get_yscale() == "log" and line.get_xlabel() == "rate" and line.get_ylabel() == "cost"
    assert line.lines[0].get_xdata().tolist() == [1, 1, 0.1, 0.1, 10, 10] and line.lines[1].get_ydata().tolist() == [5.1, 6.0, 15.0]
    assert [label.get_text() for label in line.get_xticklabels()] == ["0.1", "1", "10"]
    band, = line.collections
    assert band.get_paths()[0].get_extents().ymin == 0.1 and band.get_paths()[0].get_extents().ymax == 20
    kinds = result.plot("cost", "kind")
    assert [label.get_text() for label in kinds.get_xticklabels()] == ["a", "b"] and kinds.get_xscale() == "linear"
    assert kinds.lines[1].get_linestyle() == "None"  # nothing lies between a and b
    both = result.plot("cost", "rate", "kind", kind="lines")
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["a", "b"]
    assert both.lines[1].get_ydata().tolist() == [0.1, 1, 10] and both.lines[3].get_ydata().tolist() == [10.1, 11, 20]
    near = SweepResult([{"rate": rate, "cost": 2.0 + rate, "error": None} for rate in (1, 2, 3)]).plot("cost", "rate")
    assert near.get_xscale() == near.get_yscale() == "linear" and not near.collections
    assert result.plot("cost", "rate", axes=line) is line


def test_a_heat_map_has_numbers_the_best_framed_and_what_failed():
    pytest.importorskip("matplotlib")
    heat = SweepResult(ROWS).plot("cost", "rate", "kind")
    image, = heat.images
    assert np.allclose(image.get_array(), [[0.1, 1, 10], [10.1, 11, 20]]) and type(image.norm).__name__ == "LogNorm"
    assert [label.get_text() for label in heat.get_xticklabels()] == ["0.1", "1", "10"]
    assert [label.get_text() for label in heat.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in heat.texts] == ["0.1", "1", "10", "10.1", "11", "20"]
    assert heat.patches[0].get_xy() == (-0.5, -0.5)
    assert SweepResult(ROWS).plot("cost", "rate", "kind", largest=True).patches[0].get_xy() == (1.5, 0.5)
    doubled = SweepResult([{**row, "seed": seed, "cost": row["cost"] + 2 * seed} for seed in (0, 1) for row in ROWS],
                          settings=["rate", "kind", "seed"])
    means = doubled.plot("cost", "rate", "kind")
    assert np.allclose(means.images[0].get_array(), np.array([[0.1, 1, 10], [10.1, 11, 20]]) + 1)
    assert means.figure.axes[1].get_ylabel() == "cost, mean over seed"
    failed = SweepResult(doubled.rows[:-1] + [{**doubled.rows[-1], "cost": float("nan")},
                                              {"rate": 99, "kind": "a", "error": "Traceback\nValueError: x\n"}])
    heat = failed.plot("cost", "rate", "kind", largest=True)
    assert [text.get_text() for text in heat.texts] == ["1.1", "2", "11", "failed", "11.1", "12", "20\n1 of 2"]
    assert heat.patches[0].get_xy() == (0.5, 0.5)  # not the cell of which one run failed


def test_a_sample_is_points_in_the_plane(tmp_path):
    pytest.importorskip("matplotlib")
    generator = np.random.default_rng(0)
    sample = SweepResult([{"x": x, "y": y, "cost": x + y, "error": None} for x, y in generator.uniform(0.001, 1, (30, 2))])
    points = sample.plot("cost", "x", "y")
    assert points.collections[0].get_array().tolist() == [row["cost"] for row in sample] and points.get_yscale() == "log"
    best = sample.best("cost")
    assert points.lines[0].get_xdata() == best["x"] and points.lines[0].get_ydata() == best["y"]
    points.figure.savefig(tmp_path / "points.png")
    assert len(sample.plot("cost", "x", "y", kind="map").images) == 1


def test_pictures_that_cannot_be_drawn():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="'size' must be a column"):
        SweepResult(ROWS).plot("cost", "size")
    with pytest.raises(ValueError, match="a finite number under 'cost'"):
        SweepResult(BAD).plot("cost", "rate")
    with pytest.raises(ValueError, match='kind must be "lines", "map", "points" or None, but is \'bars\''):
        SweepResult(ROWS).plot("cost", "rate", kind="bars")
    with pytest.raises(ValueError, match="kind must be .lines. where there is one setting, but is 'map'"):
        SweepResult(ROWS).plot("cost", "rate", kind="map")
