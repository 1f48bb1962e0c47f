"""Every class of asv_benches runs: its setup once, and each of its timed methods, on a tiny case."""

import importlib
import inspect
import itertools
import json
import os
import pathlib
import re

import pytest

import engine
from engine.pool import num_threads

pytestmark = pytest.mark.compiled
ROOT = pathlib.Path(__file__).parents[2]
TIMED = re.compile(r"(time|timeraw|track|peakmem|mem)_")
# where the first value of each parameter is not the smallest case
SMALLEST = {"distributed.Step": ("mean", 128), "second_order.Step": ("levenberg_marquardt", "3-10-10-1", "float64", 1),
            "curves.Curves": ("samples 1", "float64")}


def benchmark_classes():
    for path in sorted((ROOT / "asv_benches" / "benchmarks").glob("*.py")):
        module = importlib.import_module(f"asv_benches.benchmarks.{path.stem}")
        for name, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__ and timed_methods(found):
                yield pytest.param(found, id=f"{path.stem}.{name}")


def timed_methods(benchmark):
    return [name for name in dir(benchmark) if TIMED.match(name) and callable(getattr(benchmark, name))]


def first_case(benchmark, name):
    """The values of the parameters that the test takes."""
    params = getattr(benchmark, "params", [])
    axes = params if params and isinstance(params[0], (list, tuple)) else [params] * bool(params)
    return SMALLEST.get(name, tuple(axis[0] for axis in axes)), list(itertools.product(*axes))


@pytest.fixture
def tiny(monkeypatch):
    """Networks of a few neurons and data of a few samples under the names that benchmarks use; threads as they were afterwards."""
    from asv_benches.benchmarks import bounded, memory, sweeps
    from asv_benches.peers import cases

    for name in cases.NETWORKS:
        monkeypatch.setitem(cases.NETWORKS, name, ((2, 3, 3, 1 if name in cases.JETS else 2), 5))
    monkeypatch.setattr(bounded, "SAMPLES", 1000)
    monkeypatch.setattr(memory, "SAMPLES", 4)
    monkeypatch.setattr(sweeps.Overhead, "runs", 4)
    monkeypatch.setattr(sweeps.Busy, "epochs", 1)
    monkeypatch.setattr(sweeps.Loading, "runs", 8)
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))  # as it was, after a cold start has set it
    threads = num_threads()
    yield
    engine.set_num_threads(threads)


def nothing(*values):
    """In place of a setup or a teardown that a class does not have."""


@pytest.mark.parametrize("benchmark", list(benchmark_classes()))
def test_every_benchmark_runs(benchmark, tiny, request):
    values, cases = first_case(benchmark, request.node.callspec.id)
    assert not cases or values in cases
    timed = benchmark()
    getattr(timed, "setup", nothing)(*values)
    try:
        for name in timed_methods(benchmark):
            found = getattr(timed, name)(*values)
            if name.startswith("timeraw_"):
                exec(compile(found, name, "exec"), {})
            elif name.startswith("track_"):
                assert found == found, f"{name} gives NaN"
    finally:
        getattr(timed, "teardown", nothing)(*values)


def test_asv_builds_our_wheel_alone():
    settings = json.loads((ROOT / "asv_benches" / "asv.conf.json").read_text())
    assert all("--no-deps" in command for command in settings["build_command"])


def test_what_asv_writes_is_ignored():
    """Results and pages of one machine are no part of the project."""
    settings = json.loads((ROOT / "asv_benches" / "asv.conf.json").read_text())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {f"asv_benches/{settings[name]}/" for name in ("env_dir", "results_dir", "html_dir")} <= set(ignored)
    assert not any(path.name == "machine.json" for path in (ROOT / "asv_benches").glob("*.json"))
