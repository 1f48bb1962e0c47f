"""A store read without its function; errors tried again; versions that stand for the code."""

import functools
import os
import sqlite3

import pytest

from schedulers import load_sweep, sweep
from tests.schedulers import sweep_runs as runs
from tests.schedulers.test_sweeps import same

quiet = functools.partial(sweep, progress=False, executor="threads")
GRID = {"b": [2.5, 1], "a": [3, 1, 2]}


def times(folder):
    return {path.name: runs.times(folder, path.name) for path in folder.iterdir() if path.suffix == ""}


def flaky(a, folder):
    """Fails while the folder holds a file of that name."""
    runs.note(folder, str(a))
    if os.path.exists(os.path.join(folder, f"{a}.fails")):
        raise ValueError(f"{a} fails, {runs.times(folder, str(a))}")
    return {"score": a}


def test_rows_are_those_of_the_sweep(tmp_path):
    path = tmp_path / "sweep.sqlite"
    made = quiet(runs.product, GRID, store=path)
    for _ in range(2):
        found = load_sweep(path)
        same(found.rows, made.rows)
        assert found.settings == made.settings == ["b", "a"] and len(found.failed) == 0
        assert [file.name for file in tmp_path.iterdir()] == ["sweep.sqlite"]
    assert {"score_mean", "score_std", "score_count"} <= set(found.group(over="a").rows[0])
    more = quiet(runs.product, {"b": [1, 7], "a": [9, 3]}, store=path)
    found = load_sweep(str(path))
    same(found.rows[:4], more.rows)
    same(found.rows[4:], [row for row in made.rows if (row["a"], row["b"]) != (3, 1)])


def test_a_sweep_that_is_not_finished(tmp_path):
    path = tmp_path / "sweep.sqlite"
    seen = []

    def run(a):
        if a < 3:
            return {"score": a}
        while a == 3 and not seen:  # until the sweep has stored the run before this one
            seen.extend(load_sweep(path).rows)
        raise ValueError("no")

    quiet(run, {"a": [2, 3, 1]}, store=path, workers=1)
    assert seen == [{"a": 2, "score": 2, "error": None}]
    assert [row["a"] for row in load_sweep(path)] == [2, 3, 1] and [row["a"] for row in load_sweep(path).failed] == [3]


def test_of_several_functions_one_is_named(tmp_path):
    path = tmp_path / "sweep.sqlite"
    quiet(runs.product, {"a": [1]}, store=path)
    quiet(runs.drawn, {"seed": [1]}, store=path)
    with pytest.raises(ValueError, match="function must name one of .*'sweep_runs.product', 'sweep_runs.drawn', but is None"):
        load_sweep(path)
    assert load_sweep(path, function="product")[0]["score"] == 1
    assert "number" in load_sweep(path, function="sweep_runs.drawn")[0]
    with pytest.raises(ValueError, match="but is 'other'"):
        load_sweep(path, function="other")
    with pytest.raises(TypeError, match="function must be the name"):
        load_sweep(path, function=runs.drawn)


def test_of_several_versions_the_last_that_finished_a_run_counts(tmp_path):
    path = tmp_path / "sweep.sqlite"
    for b in (2, 3, 4):
        quiet(functools.partial(runs.product, b=b), {"a": [10]}, store=path)
    quiet(functools.partial(runs.product, b=3), {"a": [10, 11]}, store=path)
    assert [row["score"] for row in load_sweep(path)] == [30, 33]


def test_stores_of_earlier_releases_are_read(tmp_path):
    path = tmp_path / "sweep.sqlite"
    made = quiet(runs.product, {"b": [2], "a": [3, 1]}, store=path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE places")
    connection.close()
    assert [(row["a"], row["b"], row["score"]) for row in load_sweep(path)] == [(3, 2, 6), (1, 2, 2)]
    same(quiet(runs.product, {"b": [2], "a": [3, 1]}, store=path).rows, made.rows)


def test_files_that_are_no_store(tmp_path):
    with pytest.raises(ValueError, match="none.sqlite does not exist"):
        load_sweep(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "notes.txt").write_text("not a database, " * 100)
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
    connection.close()
    for name in ("notes.txt", "other.sqlite"):
        with pytest.raises(ValueError, match=f"{name} is not, or is damaged"):
            load_sweep(tmp_path / name)
    with pytest.raises(TypeError, match="store must be the path"):
        load_sweep(3)
    path = tmp_path / "sweep.sqlite"
    quiet(runs.product, {"a": [1]}, store=path)
    for column, words in (("settings", "holds a run whose settings cannot be read"), ("returned", "whose text cannot be read")):
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE runs SET {column} = 'nothing'")
        connection.close()
        with pytest.raises(ValueError, match=words):
            load_sweep(path)
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE runs SET {column} = '{{}}'")
        connection.close()


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    """SQLite then cannot make the files that it wants beside a store, and says that it cannot open it."""
    path, connect = tmp_path / "sweep.sqlite", sqlite3.connect
    made = quiet(runs.product, {"a": [1]}, store=path)
    monkeypatch.setattr(sqlite3, "connect",
                        lambda address, **how: connect(address.replace("sweep.sqlite?mode=rw", "none?mode=rw"), **how))
    same(load_sweep(path).rows, made.rows)


def test_errors_are_tried_again_where_wanted(tmp_path):
    run, path = functools.partial(flaky, folder=str(tmp_path)), tmp_path / "sweep.sqlite"
    for a in (1, 2):
        (tmp_path / f"{a}.fails").touch()
    assert [row["a"] for row in quiet(run, {"a": range(4)}, store=path).failed] == [1, 2]
    (tmp_path / "1.fails").unlink()
    assert [row["a"] for row in quiet(run, {"a": range(4)}, store=path).failed] == [1, 2]
    rows = quiet(run, {"a": range(4)}, store=path, retry_errors=True)
    assert rows[1] == {"a": 1, "score": 1, "error": None} and "2 fails, 2" in rows[2]["error"]
    assert times(tmp_path) == {"0": 1, "1": 2, "2": 2, "3": 1}
    same(load_sweep(path).rows, [{name: value for name, value in row.items() if name != "folder"} for row in rows])


def test_errors_stay_until_the_new_outcome_is_there(tmp_path):
    path, seen = tmp_path / "sweep.sqlite", []

    def run(a):
        seen.append([row["error"] is None for row in load_sweep(path)] if path.exists() else [])
        return {"score": 1 / a if seen[1:] else 1 // 0}

    for again in (False, True):
        quiet(run, {"a": [1]}, store=path, version=1, retry_errors=again)
    assert seen == [[], [False]] and load_sweep(path).rows == [{"a": 1, "score": 1, "error": None}]


def test_a_version_stands_for_the_code(tmp_path):
    path, begun = tmp_path / "sweep.sqlite", []

    def made(factor):
        def run(a, unit=1):
            begun.append(a)
            return {"score": factor * a * unit}
        return run

    def scores(factor, version, **bound):
        return [row["score"] for row in quiet(functools.partial(made(factor), **bound), {"a": [1, 2]}, store=path, version=version)]

    assert scores(2, "one") == scores(3, "one") == [2, 4] and len(begun) == 2
    assert scores(3, "two") == [3, 6] and scores(3, 2) == [3, 6] and scores(4, None) == [4, 8]
    assert scores(3, "one", unit=10) == [30, 60] and len(begun) == 10  # what partial binds still counts
    assert [row["score"] for row in load_sweep(path)] == [30, 60]


def test_refusals(tmp_path):
    with pytest.raises(TypeError, match="retry_errors must be True or False, but is 'yes'"):
        quiet(runs.product, {"a": [1]}, retry_errors="yes")
    for wrong in (1.5, True, b"x"):
        with pytest.raises(TypeError, match="version must be a text or a whole number"):
            quiet(runs.product, {"a": [1]}, version=wrong)
