"""Rows that differ in the seed alone as one: means, spread, the best of them; what failed; tables and text."""

import math
import statistics

import numpy as np
import pytest

from schedulers import SweepResult

SETTINGS = ["rate", "width", "seed"]
ROWS = [{"rate": rate, "width": width, "seed": seed, "cost": rate * width + seed, "right": seed > 0, "name": "x", "error": None}
        for rate in (0.5, 0.1) for width in (4, 8) for seed in range(3)]
FAILED = {"rate": 0.1, "width": 4, "seed": 3, "error": "Traceback\n  File …\nengine.errors.DivergenceError: it\n"}


def test_means_spread_and_count():
    found = SweepResult(ROWS + [FAILED], SETTINGS).group(over="seed")
    assert found.settings == ["rate", "width"] and [(row["rate"], row["width"]) for row in found] == [(0.5, 4), (0.5, 8), (0.1, 4),
                                                                                                    (0.1, 8)]
    for row in found:
        values = [one["cost"] for one in ROWS if one["rate"] == row["rate"] and one["width"] == row["width"]]
        assert list(row) == ["rate", "width", "cost_mean", "cost_std", "cost_count", "right_mean", "right_std", "right_count",
                             "error"]
        assert math.isclose(row["cost_mean"], statistics.mean(values)) and math.isclose(row["cost_std"], statistics.stdev(values))
        assert row["cost_count"] == 3 and math.isclose(row["right_mean"], 2 / 3) and row["error"] is None
    both = SweepResult(ROWS, SETTINGS).group(over=["seed", "width"])
    assert [row["cost_count"] for row in both] == [6, 6] and both.settings == ["rate"]
    assert len(SweepResult(ROWS, SETTINGS).group(over=SETTINGS)) == 1 and len(SweepResult([], []).group(over=[])) == 0


def test_groups_without_numbers():
    rows = [{"rate": 1, "seed": 0, "cost": float("nan"), "error": None}, {"rate": 1, "seed": 1, "cost": 3.0, "error": None},
            {"rate": 2, "seed": 0, "error": "x"}, {"rate": 2, "seed": 1, "error": "y"}]
    one, two = SweepResult(rows, ["rate", "seed"]).group(over="seed")
    assert one["cost_mean"] == 3 and one["cost_count"] == 1 and math.isnan(one["cost_std"]) and one["error"] is None
    assert math.isnan(two["cost_mean"]) and two["cost_count"] == 0 and two["error"] == "x"


def test_settings_of_any_kind_make_groups():
    def rows(values):
        return [{"a": value, "seed": seed, "cost": 1.0, "error": None} for value in values for seed in (0, 1)]

    values = [1, 1.0, True, (1,), [1], None, "1", {"b": 1}]
    assert [row["a"] for row in SweepResult(rows(values), ["a", "seed"]).group(over="seed")] == values
    assert len(SweepResult(rows([len, np.ones(3), np.ones(4)]), ["a", "seed"]).group(over="seed")) == 3
    some_lack = [{"seed": 0, "cost": 1.0, "error": None}, {"a": 1, "seed": 0, "cost": 2.0, "error": None}]
    assert [row["cost_mean"] for row in SweepResult(some_lack, ["a", "seed"]).group(over="seed")] == [1.0, 2.0]


def test_the_best_mean_is_among_complete_groups():
    result = SweepResult(ROWS, SETTINGS)
    best = result.best("cost", over="seed")
    assert (best["rate"], best["width"]) == (0.1, 4) and math.isclose(best["cost_mean"], 1.4)
    assert result.best("cost", largest=True, over="seed")["rate"] == 0.5
    diverged = [{**row, "cost": float("inf")} if row["rate"] == 0.1 and row["seed"] == 2 else row for row in ROWS]
    assert SweepResult(diverged, SETTINGS).best("cost", over="seed")["rate"] == 0.5  # whatever the other seeds of 0.1 gave
    with pytest.raises(ValueError, match="a finite number under 'name' must be left"):
        result.best("name", over="seed")
    with pytest.raises(ValueError, match="'score' must be a column"):
        result.best("score", over="seed")


def test_what_groups_need_to_know():
    with pytest.raises(ValueError, match="which columns are settings; .* SweepResult\\(rows, settings="):
        SweepResult(ROWS).group(over="seed")
    with pytest.raises(ValueError, match="over must name settings of the sweep, which are 'rate', 'width', 'seed', but 'cost'"):
        SweepResult(ROWS, SETTINGS).group(over="cost")
    with pytest.raises(TypeError, match="over must be the name of a setting, or a list of names, but is 3"):
        SweepResult(ROWS, SETTINGS).group(over=3)
    with pytest.raises(TypeError, match="settings must be a list of names, but is 'rate'"):
        SweepResult(ROWS, "rate")
    with pytest.raises(TypeError, match="settings must be names of columns other than 'error', but one is 3"):
        SweepResult(ROWS, ["rate", 3])


def test_what_failed():
    result = SweepResult(ROWS + [FAILED], SETTINGS)
    assert result.failed.rows == [FAILED] and result.failed.settings == SETTINGS and len(SweepResult(ROWS).failed) == 0


def test_a_pivot_is_a_table_of_means():
    pandas = pytest.importorskip("pandas")
    table = SweepResult(ROWS + [FAILED], SETTINGS).pivot("cost", "rate", "width")
    frame = pandas.DataFrame(ROWS)
    pandas.testing.assert_frame_equal(table, frame.pivot_table(index="rate", columns="width", values="cost"))
    gaps = SweepResult([{"a": "u", "b": 1, "cost": 2, "error": None}, {"a": "t", "b": 2, "cost": 3, "error": None},
                        {"a": "t", "b": 3, "error": "x"}]).pivot("cost", "a", "b")
    assert list(gaps.index) == ["u", "t"] and list(gaps) == [1, 2, 3] and gaps.isna().sum().sum() == 4 and gaps[2]["t"] == 3


def test_text_and_html():
    result = SweepResult(ROWS + [FAILED], SETTINGS)
    lines = repr(result).splitlines()
    assert lines[0] == "SweepResult(13 rows, 1 with an error)" and len(lines) == 1 + 1 + 10 + 1
    assert lines[1].split() == ["rate", "width", "seed", "cost", "right", "name", "error"] and set(lines[7]) <= set("… ")
    assert lines[-1].endswith("engine.errors.DivergenceError: it") and "Traceback" not in repr(result)
    assert repr(SweepResult(ROWS[:1])).splitlines() == [
        "SweepResult(1 row, 0 with an error)", "rate  width  seed  cost  right  name", " 0.5      4     0     2  False  x"]
    assert repr(SweepResult([])) == "SweepResult(0 rows, 0 with an error)"
    text = result._repr_html_()
    assert text.count("<tr>") == 12 and "DivergenceError" in text and "<caption>SweepResult(13 rows" in text
    wide = SweepResult([{"a": "x" * 100 + "\n<b>", "error": None}])
    assert "x" * 39 + "…" in repr(wide) and "<b>" not in wide._repr_html_()
