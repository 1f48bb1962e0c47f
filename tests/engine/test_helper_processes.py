"""Kernels that other processes compile for this one."""

import os
import pathlib
import pickle
import sys

import pytest

from engine import helper_processes
from engine.kernels.linked import Entry, elsewhere
from tests.processes import process

FIT = """
import atexit, sys
import numpy as np
from engine import Adam, Cost, Network, fit, helper_processes, set_num_threads

set_num_threads(2)
{before}
{record}
X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
network = Network.initialize((3, 2), "tanh", dtype=np.float32)
from schedulers import BatchSchedule
result = fit(network, X, X[:, :2], Cost("huber"), Adam(), BatchSchedule(4), epochs=2, progress=False, validation=(X, X[:, :2]))
work = helper_processes._helpers
print(result.network.parameters.tobytes().hex(), len(work._processes), work._claims is not None, len(work._numbers), *unlisted(),
      sep=",")
if work._claims is not None:
    folder = work._claims.folder
    work.close()
    assert not folder.exists()
"""
FAILING = 'helper_processes.WORKER = "raise SystemExit(1)"'
DENSE = """
import numpy as np
from engine import Network, helper_processes, operators, set_num_threads
set_num_threads(2)
{record}
operators.Jacobian(Network.initialize((64, 64, 10), "tanh", dtype=np.float32), np.ones((100, 64))).dense()
print(len(helper_processes._helpers._processes), len(helper_processes._helpers._numbers), *unlisted(), sep=",")
"""
# what this process reads from the cache, or compiles, after it asked for helpers, though it is not on their list
RECORD = """
asked, listed, ask, begin = [], set(), helper_processes._Helpers.ask, helper_processes._Helpers.begin
def record_asked(self, function, entry):
    if entry.caller in ("python", "address"):  # others are compiled into a caller
        asked.append(entry)
    ask(self, function, entry)
def record_listed(self, entries, count):
    listed.update(entries)
    begin(self, entries, count)
helper_processes._Helpers.ask, helper_processes._Helpers.begin = record_asked, record_listed
def unlisted():
    return [entry.name for entry in asked if entry not in listed] if listed else []
"""


@pytest.fixture
def begun(monkeypatch):
    """What other processes were asked to compile."""
    made = helper_processes._Helpers()
    asked = []
    monkeypatch.setattr(made, "begin", lambda entries, count: asked.append((entries, count)))
    monkeypatch.setattr(helper_processes, "_helpers", made)
    monkeypatch.setattr(helper_processes.numba.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.11")
    return asked


def entries(count):
    return [Entry("engine.kernels.sums", f"kernel_{i}", "address", (i,)) for i in range(count)]


def test_an_entry_is_taken_once(tmp_path):
    first, second = helper_processes._Claims(tmp_path), helper_processes._Claims(tmp_path)
    assert first.take(3) and not second.take(3) and second.take(4)
    assert not second.is_done(3)
    first.done(3)
    assert second.is_done(3)


def test_a_process_whose_caller_has_ended_compiles_no_more_and_clears_up(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / helper_processes.LIST).write_bytes(pickle.dumps(entries(2)))
    parents = iter((5, 1))
    monkeypatch.setattr(helper_processes.os, "getppid", lambda: next(parents))
    helper_processes.serve(str(tmp_path / "work"))
    assert not (tmp_path / "work").exists()


def test_what_cannot_be_compiled_there_is_left_to_the_caller(tmp_path, monkeypatch):
    monkeypatch.setattr(elsewhere, "alone", False)  # and so again afterwards: this process calls kernels
    (tmp_path / helper_processes.LIST).write_bytes(pickle.dumps(entries(2)))
    claims = helper_processes._Claims(tmp_path)
    claims.take(0)
    helper_processes.serve(str(tmp_path))
    assert claims.is_done(1) and not claims.is_done(0)


def test_what_is_needed_is_looked_up_once(begun):
    for _ in range(2):
        helper_processes.compile_in_helpers("key", 2, lambda: entries(12))
    assert begun == [(entries(12), 1)]
    helper_processes.compile_in_helpers("other", 8, lambda: entries(12))
    assert begun[1:] == [(entries(12), 3)]


def test_none_is_started_for_little_or_where_something_stands_against_it(begun, monkeypatch):
    helper_processes.compile_in_helpers("few", 2, lambda: entries(helper_processes.LEAST - 1))
    helper_processes.compile_in_helpers("one thread", 1, lambda: entries(12))
    with helper_processes.without_helpers():
        helper_processes.compile_in_helpers("alone", 2, lambda: entries(12))
    monkeypatch.setattr(sys, "executable", "/opt/program")
    helper_processes.compile_in_helpers("embedded", 2, lambda: entries(12))
    monkeypatch.setattr(sys, "executable", None)
    helper_processes.compile_in_helpers("unknown", 2, lambda: entries(12))
    assert begun == []


def test_an_error_in_looking_up_is_not_the_callers(begun):
    helper_processes.compile_in_helpers("key", 2, lambda: 1 / 0)
    assert begun == []


def test_a_child_waits_for_nobody(tmp_path):
    made, entry = helper_processes._Helpers(), entries(1)[0]
    made._claims, made._numbers, made._pid = helper_processes._Claims(tmp_path), {entry: 0}, os.getpid() + 1
    made._claims.take(0)
    made.ask(test_a_child_waits_for_nobody, entry)
    made.close()
    assert pathlib.Path(tmp_path).exists()


@pytest.mark.compiled
@pytest.mark.timeout(600)
@pytest.mark.robustness
def test_a_first_fit_is_the_same_with_other_processes_and_where_they_fail(tmp_path):
    def run(name, before=""):
        return process(FIT.format(before=before, record=RECORD), NUMBA_CACHE_DIR=str(tmp_path / name)).strip().split(",")

    theta, *work = run("helped")
    assert work == ["1", "True", "0"]  # one process, all that was listed was asked for, and nothing else
    assert run("helped") == [theta, "0", "False", "0"]  # all of it is in the cache
    assert run("failing", FAILING) == [theta, "1", "True", "0"]


@pytest.mark.compiled
@pytest.mark.timeout(400)
def test_a_dense_jacobian_asks_for_what_it_listed_and_nothing_else(tmp_path):
    assert process(DENSE.format(record=RECORD), NUMBA_CACHE_DIR=str(tmp_path)).strip() == "1,0"
