"""Sweeps: the same rows by every executor, each run once, whoever dies."""

import functools
import os
import pathlib
import random
import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from schedulers import random_settings, share, sweep
from tests.schedulers import sweep_runs as runs

quiet = functools.partial(sweep, progress=False)
GRID = {"a": [3, 1, 2], "b": [1, 2.5]}


class AnyOrder(Executor):
    """Runs what it was given in an order of its own, when the last has come."""

    def __init__(self, count):
        self.count, self.given = count, []

    def submit(self, function, *arguments):
        """A future that is done later."""
        future = Future()
        self.given.append((future, function, arguments))
        if len(self.given) == self.count:
            random.Random(4).shuffle(self.given)
            for done, call, with_these in self.given:
                done.set_result(call(*with_these))
        return future


def processes():
    return ProcessPoolExecutor(2, get_context("spawn"))


def dask():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")
    client = distributed.Client(cluster)
    executor = client.get_executor()
    shutdown = executor.shutdown
    executor.shutdown = lambda *arguments, **keywords: (shutdown(), client.close(), cluster.close())
    return executor


def loky():
    return pytest.importorskip("loky").ProcessPoolExecutor(2)


def same(ours, theirs):
    """Rows of equal values and types, in the same order of names."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs):
        assert list(one) == list(other)
        for value, wanted in zip(one.values(), other.values()):
            assert type(value) is type(wanted) or isinstance(value, np.generic) or isinstance(wanted, np.generic)
            np.testing.assert_equal(value, wanted)


@pytest.mark.parametrize("executor", [None, "threads", lambda: AnyOrder(6), lambda: ThreadPoolExecutor(3), processes, loky, dask],
                         ids=["processes", "threads", "any order", "given threads", "given processes", "loky", "dask"])
def test_same_rows_by_any_executor(executor, tmp_path):
    wanted = [{"a": a, "b": b, **runs.product(a, b), "error": None} for a in (3, 1, 2) for b in (1, 2.5)]
    path = tmp_path / "sweep.sqlite"
    if not callable(executor):
        for store in (None, path, path):
            same(quiet(runs.product, GRID, executor=executor, store=store).rows, wanted)
        return
    with executor() as given:
        same(quiet(runs.product, GRID, executor=given, store=path).rows, wanted)
        if not isinstance(given, AnyOrder):
            assert [row["number"] for row in quiet(runs.drawn, {"seed": range(9)}, executor=given, workers=2)] == [
                runs.drawn(seed)["number"] for seed in range(9)]
    same(quiet(runs.product, GRID, executor=given, store=path).rows, wanted)  # from the store alone


def test_under_mpi(tmp_path):
    pytest.importorskip("mpi4py")
    beside = pathlib.Path(sys.executable).with_name("mpiexec")
    if not beside.exists():
        pytest.skip("no mpiexec beside this Python")
    script = tmp_path / "script.py"
    script.write_text("""
import sys
from mpi4py.futures import MPIPoolExecutor
from schedulers import sweep
def run(a):
    return {"inverse": 12 // a}
if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        result = sweep(run, {"a": [3, 0, 4]}, executor=executor, store=sys.argv[1], progress=False)
    print([row.get("inverse") for row in result], result[1]["error"].splitlines()[-1])
""")
    done = subprocess.run([beside, "-n", "3", sys.executable, "-m", "mpi4py.futures", script, tmp_path / "sweep.sqlite"],
                          capture_output=True, text=True, timeout=100, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout == "[4, None, 3] ZeroDivisionError: integer division or modulo by zero\n", done.stderr


@pytest.mark.parametrize("executor", [None, "threads"])
def test_what_raises_is_a_row(executor, tmp_path):
    for _ in range(2):
        rows = quiet(runs.fragile, {"a": range(8)}, executor=executor, store=tmp_path / "sweep.sqlite").rows
        assert [row["a"] for row in rows] == list(range(8)) and rows[0] == {"a": 0, "score": 0, "error": None}
        for a, end in ((1, "ZeroDivisionError: a is 1"), (2, "SystemExit: a is 2"), (7, None),
                       (3, "TypeError: run must return a dict of results, but returned [3]"),
                       (4, "ValueError: run must not return the key 'a', which its row has already"),
                       (5, "ValueError: run must not return the key 'error', which its row has already"),
                       (6, "TypeError: run must return a dict with text for keys, but one is 6")):
            assert (rows[a]["error"] or "").strip().splitlines()[-1:] == ([end] if end else []), a
            assert list(rows[a]) == (["a", "score", "error"] if end is None else ["a", "error"])
        assert rows[1]["error"].startswith("Traceback (most recent call last):\n  File") and "in fragile" in rows[1]["error"]
        assert "outcome.py" not in rows[1]["error"]


def test_a_run_that_ends_its_process_is_tried_again_and_then_recorded(tmp_path):
    deaths = {2: 9, 3: 1, 4: 1, 7: 9}
    rows = quiet(functools.partial(runs.deadly, folder=str(tmp_path), deaths=deaths), {"a": range(9)}, workers=2, retries=1,
                 store=tmp_path / "sweep.sqlite").rows
    for a, row in enumerate(rows):
        if deaths.get(a) == 9:
            assert row["error"].startswith("WorkerDied: ") and f"exit code {-9 if a % 2 else a})" in row["error"]
        else:
            assert row == {"a": a, "score": a, "error": None}
    begun = [runs.times(tmp_path, str(a)) for a in range(9)]
    assert begun[2] in (2, 3) and begun[7] in (2, 3) and begun[3] == begun[4] == 2
    assert quiet(functools.partial(runs.deadly, folder=str(tmp_path), deaths=deaths), {"a": range(9)},
                 store=tmp_path / "sweep.sqlite").rows == rows
    assert begun == [runs.times(tmp_path, str(a)) for a in range(9)]


def test_as_many_tries_as_are_wanted(tmp_path):
    for retries, deaths, tries in ((0, 9, 1), (2, 9, 3), (2, 2, 3)):
        folder = tmp_path / f"{retries}-{deaths}"
        folder.mkdir()
        row, = quiet(functools.partial(runs.deadly, folder=str(folder), deaths={2: deaths}), {"a": [2]}, retries=retries).rows
        assert runs.times(folder, "2") == tries
        assert row.get("score") == 2 if deaths == retries else row["error"].endswith(f"{tries} times (exit code 2)\n")


def test_a_given_executor_that_breaks_is_said_and_what_finished_is_kept(tmp_path):
    run = functools.partial(runs.deadly, folder=str(tmp_path), deaths={3: 1})
    with processes() as executor, pytest.raises(RuntimeError, match="call again with a new executor"):
        quiet(run, {"a": range(6)}, executor=executor, workers=1, store=tmp_path / "sweep.sqlite")
    with processes() as executor:
        rows = quiet(run, {"a": range(6)}, executor=executor, store=tmp_path / "sweep.sqlite").rows
    assert [row["score"] for row in rows] == list(range(6))
    assert [runs.times(tmp_path, str(a)) for a in range(6)] == [1, 1, 1, 2, 1, 1]


def test_what_cannot_travel_is_a_row_and_others_go_on():
    rows = quiet(runs.closed, [{"x": 1}, {"x": lambda: 2}]).rows
    assert all("pickle" in row["error"] for row in rows)
    rows = quiet(runs.closed, {"x": [lambda: 2]}, executor="threads").rows
    assert rows[0]["error"] is None and rows[0]["function"]()() == 2


def test_equal_settings_in_a_store_are_one_run(tmp_path):
    run = functools.partial(runs.slow, folder=str(tmp_path))
    rows = quiet(run, [{"a": 2}, {"a": 2.0}, {"a": np.int64(2)}, {"a": True}, {"a": 2}], executor="threads",
                 store=tmp_path / "sweep.sqlite").rows
    assert [row["score"] for row in rows] == [4, 4.0, 4, 1, 4] and type(rows[2]["a"]) is int
    assert [runs.times(tmp_path, name) for name in ("2", "2.0", "True")] == [1, 1, 1]


def test_workers_use_their_share():
    cores = share.machine()
    for workers in (1, 2, cores + 1):
        rows = quiet(runs.shares, [{}] * (cores + 1), workers=workers).rows
        mine = max(1, cores // workers)
        assert all(row["cores"] == mine for row in rows)
        assert all(row["numba"] == os.environ.get("NUMBA_NUM_THREADS", str(mine)) for row in rows)
    assert share.cores() >= 1 << 30
    for executor in (None, "threads"):
        rows = quiet(runs.engine_threads, {"i": range(2 * cores)}, executor=executor).rows
        assert [row["threads"] for row in rows] == [1] * 2 * cores


def test_the_environment_is_given_back():
    before = dict(os.environ)
    quiet(runs.shares, [{}] * 3)
    assert dict(os.environ) == before


def test_a_random_sample():
    stats = pytest.importorskip("scipy.stats")
    given = {"rate": stats.loguniform(1e-3, 1), "width": [8, 16, 32], "steps": stats.randint(1, 5),
             "mean": stats.multivariate_normal([0, 0])}
    sample = random_settings(given, 200, seed=3)
    assert sample == random_settings(given, 200, seed=3) != random_settings(given, 200, seed=4)
    assert sample[:7] == random_settings(given, 7, seed=3)
    alone = random_settings({"rate": given["rate"]}, 200, seed=3)
    assert [one["rate"] for one in sample] == [one["rate"] for one in alone]
    assert all(type(one["rate"]) is float and type(one["steps"]) is int and len(one["mean"]) == 2 for one in sample)
    assert {one["width"] for one in sample} == {8, 16, 32} and {one["steps"] for one in sample} == {1, 2, 3, 4}
    assert 0.05 < stats.kstest([one["rate"] for one in sample], given["rate"].cdf).pvalue


def test_grids():
    assert [(row["a"], row["b"]) for row in quiet(runs.product, GRID, executor="threads")] == [
        (3, 1), (3, 2.5), (1, 1), (1, 2.5), (2, 1), (2, 2.5)]
    rows = quiet(runs.product, ({"a": a} if a else {"b": 2, "a": a} for a in np.arange(2)), executor="threads").rows
    assert list(rows[0])[:2] == ["b", "a"] and list(rows[1])[:1] == ["a"] and type(rows[1]["a"]) is int
    assert quiet(runs.product, []).rows == [] and quiet(runs.product, {"a": []}).rows == []
    assert len(quiet(runs.shares, {}).rows) == 1


def test_the_bar_shows_the_best_so_far(capsys, tmp_path):
    for _ in range(2):
        sweep(runs.fragile, {"a": range(9)}, executor="threads", key="score", largest=True, store=tmp_path / "sweep.sqlite")
        said = capsys.readouterr().err
        assert "9/9" in said and "errors=6" in said and "best score=8" in said
    sweep(runs.fragile, {"a": range(7, 9)}, executor="threads", key="score")
    assert "best score=7" in capsys.readouterr().err


@pytest.mark.parametrize("wrong, words", [
    (lambda: quiet(3, {}), ["run", "3"]),
    (lambda: quiet(runs.product, {"b": [1]}), ["run must take the settings b", "'a'"]),
    (lambda: quiet(runs.product, {"a": [1], "c": [2]}), ["run must take the settings a, c", "'c'"]),
    (lambda: quiet(runs.product, 5), ["grid", "5", "random_settings"]),
    (lambda: quiet(runs.product, {"a": 0.5}), ["grid['a']", "0.5", "list"]),
    (lambda: quiet(runs.product, {"a": "tanh"}), ["grid['a']", "tanh", "list"]),
    (lambda: quiet(runs.product, {"error": [1]}), ["error"]),
    (lambda: quiet(runs.product, {1: [1]}), ["str", "1"]),
    (lambda: quiet(runs.product, [{"a": 1}, 7]), ["item 1", "7"]),
    (lambda: quiet(runs.product, GRID, executor="dask"), ["executor", "dask", "threads"]),
    (lambda: quiet(runs.product, GRID, retries=-1), ["retries", "-1"]),
    (lambda: quiet(runs.product, GRID, workers=0), ["workers", "0"]),
    (lambda: quiet(runs.product, GRID, key=3), ["key", "3"]),
    (lambda: random_settings({"a": 0.5}, 3), ["distributions['a']", "rvs", "0.5"]),
    (lambda: random_settings({"a": []}, 3), ["distributions['a']", "empty"]),
    (lambda: random_settings([1], 3), ["distributions", "[1]"]),
    (lambda: random_settings({"a": [1]}, -1), ["count", "-1"])])
def test_refusals(wrong, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        wrong()
    assert all(word in str(caught.value) for word in words), caught.value
