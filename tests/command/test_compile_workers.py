"""Processes that compile side by side: their order, and their end."""

import os
import signal

from engine.command import compile_workers
from engine.command.ahead import AFTER, SESSION
from engine.command.compile_workers import Workers

ECHO = """
import json, sys
for line in sys.stdin:
    print(json.dumps([len(line), 0.5]), flush=True)
"""
TASKS = [(dtype, name) for dtype in ("float64", "float32") for name in SESSION]


def test_every_part_is_compiled_and_said_in_order(monkeypatch):
    monkeypatch.setattr(compile_workers, "WORKER", ECHO)
    said = []
    with Workers(3) as workers:
        assert workers.compile(TASKS, AFTER, lambda task, answer: said.append((task, answer[1])))
    assert said == [(task, 0.5) for task in TASKS]


def test_a_part_comes_after_parts_that_there_are():
    assert set(AFTER) <= set(SESSION)
    for names in AFTER.values():
        assert set(names) <= set(SESSION)
    order = list(SESSION)
    assert all(order.index(before) < order.index(name) for name, names in AFTER.items() for before in names)


def test_a_process_that_ends_is_told_of(monkeypatch):
    monkeypatch.setattr(compile_workers, "WORKER", "pass")
    with Workers(2) as workers:
        assert not workers.compile(TASKS, AFTER, lambda task, answer: None)


def test_all_processes_end_with_the_caller(monkeypatch):
    monkeypatch.setattr(compile_workers, "WORKER", "import time; time.sleep(60)")
    try:
        with Workers(2) as workers:
            found = list(workers._processes)
            os.kill(os.getpid(), signal.SIGINT)
            workers.compile(TASKS, AFTER, lambda task, answer: None)
    except KeyboardInterrupt:
        pass
    assert all(process.returncode is not None for process in found)
