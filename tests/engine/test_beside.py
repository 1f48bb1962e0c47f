"""Kernels that other processes compile for this one."""

import os
import pathlib
import pickle
import sys

import pytest

from engine import beside
from engine.kernels.linked import Entry, elsewhere
from tests.processes import process

FIT = """
import atexit, sys
import numpy as np
from engine import Adam, Cost, Network, beside, fit, set_num_threads

set_num_threads(2)
{before}
X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
network = Network.initialize((3, 2), "tanh", dtype=np.float32)
from schedulers import BatchSchedule
result = fit(network, X, X[:, :2], Cost("huber"), Adam(), BatchSchedule(4), epochs=2, progress=False, validation=(X, X[:, :2]))
work = beside._beside
print(result.network.parameters.tobytes().hex(), len(work._processes), work._claims is not None, len(work._numbers), sep=",")
if work._claims is not None:
    folder = work._claims.folder
    work.close()
    assert not folder.exists()
"""
FAILING = 'beside.WORKER = "raise SystemExit(1)"'
DENSE = """
import numpy as np
from engine import Network, beside, operators, set_num_threads
set_num_threads(2)
operators.Jacobian(Network.initialize((64, 64, 10), "tanh", dtype=np.float32), np.ones((100, 64))).dense()
print(len(beside._beside._processes), len(beside._beside._numbers), sep=",")
"""


@pytest.fixture
def begun(monkeypatch):
    """What other processes were asked to compile."""
    made = beside._Beside()
    asked = []
    monkeypatch.setattr(made, "begin", lambda entries, count: asked.append((entries, count)))
    monkeypatch.setattr(beside, "_beside", made)
    monkeypatch.setattr(beside.numba.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.11")
    return asked


def entries(count):
    return [Entry("engine.kernels.sums", f"kernel_{i}", "address", (i,)) for i in range(count)]


def test_an_entry_is_taken_once(tmp_path):
    first, second = beside._Claims(tmp_path), beside._Claims(tmp_path)
    assert first.take(3) and not second.take(3) and second.take(4)
    assert not second.is_done(3)
    first.done(3)
    assert second.is_done(3)


def test_a_process_whose_caller_has_ended_compiles_no_more_and_clears_up(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / beside.LIST).write_bytes(pickle.dumps(entries(2)))
    parents = iter((5, 1))
    monkeypatch.setattr(beside.os, "getppid", lambda: next(parents))
    beside.serve(str(tmp_path / "work"))
    assert not (tmp_path / "work").exists()


def test_what_cannot_be_compiled_there_is_left_to_the_caller(tmp_path, monkeypatch):
    monkeypatch.setattr(elsewhere, "alone", False)  # and so again afterwards: this process calls kernels
    (tmp_path / beside.LIST).write_bytes(pickle.dumps(entries(2)))
    claims = beside._Claims(tmp_path)
    claims.take(0)
    beside.serve(str(tmp_path))
    assert claims.is_done(1) and not claims.is_done(0)


def test_what_is_needed_is_looked_up_once(begun):
    for _ in range(2):
        beside.compile_beside("key", 2, lambda: entries(12))
    assert begun == [(entries(12), 1)]
    beside.compile_beside("other", 8, lambda: entries(12))
    assert begun[1:] == [(entries(12), 3)]


def test_none_is_started_for_little_or_where_something_stands_against_it(begun, monkeypatch):
    beside.compile_beside("few", 2, lambda: entries(beside.LEAST - 1))
    beside.compile_beside("one thread", 1, lambda: entries(12))
    with beside.alone():
        beside.compile_beside("alone", 2, lambda: entries(12))
    monkeypatch.setattr(sys, "executable", "/opt/program")
    beside.compile_beside("embedded", 2, lambda: entries(12))
    monkeypatch.setattr(sys, "executable", None)
    beside.compile_beside("unknown", 2, lambda: entries(12))
    assert begun == []


def test_an_error_in_looking_up_is_not_the_callers(begun):
    beside.compile_beside("key", 2, lambda: 1 / 0)
    assert begun == []


def test_a_child_waits_for_nobody(tmp_path):
    made, entry = beside._Beside(), entries(1)[0]
    made._claims, made._numbers, made._pid = beside._Claims(tmp_path), {entry: 0}, os.getpid() + 1
    made._claims.take(0)
    made.ask(test_a_child_waits_for_nobody, entry)
    made.close()
    assert pathlib.Path(tmp_path).exists()


@pytest.mark.compiled
@pytest.mark.timeout(600)
def test_a_first_fit_is_the_same_with_other_processes_and_where_they_fail(tmp_path):
    def run(name, before=""):
        return process(FIT.format(before=before), NUMBA_CACHE_DIR=str(tmp_path / name)).strip().split(",")

    theta, *work = run("beside")
    assert work == ["1", "True", "0"]  # one process, and all that was listed was asked for
    assert run("beside") == [theta, "0", "False", "0"]  # all of it is in the cache
    assert run("failing", FAILING) == [theta, "1", "True", "0"]


@pytest.mark.compiled
@pytest.mark.timeout(400)
def test_a_dense_jacobian_asks_for_all_that_it_listed(tmp_path):
    assert process(DENSE, NUMBA_CACHE_DIR=str(tmp_path)).strip() == "1,0"
