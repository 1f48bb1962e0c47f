"""Sweeps that end early: a function that returns no results, Ctrl-C. And the bars of fits inside, which are not drawn."""

import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from schedulers import load_sweep, sweep
from schedulers.first_return import FirstReturn
from schedulers.outcome import NoDict
from schedulers.progress import progress_bar, without_bars
from tests.schedulers import sweep_runs as runs

quiet = functools.partial(sweep, progress=False)


@pytest.mark.parametrize("executor", [None, "threads"])
def test_a_function_that_returns_no_dict_stops_the_sweep(executor, tmp_path):
    path = tmp_path / "sweep.sqlite"
    words = r"run must return a dict of results, but returned None, for a=0, folder='.*'; the sweep has stopped, .* return \{'cost'"
    with pytest.raises(TypeError, match=words):
        quiet(runs.nothing, {"a": range(200), "folder": [str(tmp_path)]}, executor=executor, store=path, workers=2)
    assert sum(runs.times(tmp_path, str(a)) for a in range(200)) < 50
    assert load_sweep(path).rows == []


def test_runs_that_raise_are_no_return(tmp_path):
    path = tmp_path / "sweep.sqlite"

    def run(a):
        if a < 3:
            raise ValueError(a)
        return 0.5

    with pytest.raises(TypeError, match="returned 0.5, for a=3;"):
        quiet(run, {"a": range(6)}, executor="threads", store=path)
    assert {row["a"] for row in load_sweep(path)} <= {0, 1, 2} and len(quiet(run, {"a": range(3)}, executor="threads").failed) == 3


def test_one_dict_is_enough(tmp_path):
    path = tmp_path / "sweep.sqlite"

    def run(a):
        return {"a²": a * a} if a == 2 else None

    for settings in ([2, 1, 3], [1, 3, 2], [1]):  # what the store has counts
        rows = quiet(run, {"a": settings}, executor="threads", store=path).rows
        assert [row["a"] for row in rows if row["error"]] == [a for a in settings if a != 2]
    assert len(load_sweep(path).failed) == 2


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
@pytest.mark.parametrize("first, stops", [(None, False), (NoDict("TypeError: run must …"), True)])
def test_the_order_of_finishing_plays_no_part(order, first, stops):
    errors, kept = ["raised", first, NoDict("late"), None], []
    judge = FirstReturn(range(4), [{"a": a} for a in range(4)], lambda task, error: kept.append(task))
    stopped = False
    for task in order:
        try:
            judge.see(task, errors[task])
        except TypeError as error:
            stopped = True
            assert "for a=1;" in str(error)
    assert stopped == stops and kept == ([] if stops else [2])


SCRIPT = """
import sys, time
from schedulers import sweep

def run(a):
    if a >= 3:
        print("third", flush=True)
        time.sleep(100)
    return {"score": a}

if __name__ == "__main__":
    try:
        sweep(run, {"a": range(9)}, store=sys.argv[1] if sys.argv[1:] else None, workers=1, progress=False)
    except KeyboardInterrupt as ended:
        print([row["score"] for row in ended.result], flush=True)
        raise
"""


@pytest.mark.parametrize("stored", [True, False])
def test_ctrl_c_says_what_is_kept(stored, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    child = subprocess.Popen([sys.executable, "script.py", *["sweep.sqlite"] * stored], cwd=tmp_path, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert child.stdout.readline() == "third\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    said, errors = child.communicate(timeout=60)
    assert said == "[0, 1, 2]\n", errors
    last = errors.strip().splitlines()[-1]
    assert child.returncode == -signal.SIGINT and "KeyboardInterrupt: 3 of 9 runs are finished" in last
    where = f"kept in {tmp_path / 'sweep.sqlite'}; call sweep again" if stored else "they are in this exception's .result alone"
    assert where in last
    if stored:
        assert [row["score"] for row in load_sweep(tmp_path / "sweep.sqlite")] == [0, 1, 2]


def test_an_interrupt_is_a_keyboard_interrupt():
    def interrupt(a):
        if a == 1:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(0.5)
        return {"score": a}

    with pytest.raises(KeyboardInterrupt, match="of 3 runs are finished") as ended:
        quiet(interrupt, {"a": range(3)}, executor="threads", workers=1)
    assert ended.value.result[0] == {"a": 0, "score": 0, "error": None}


def test_bars_of_runs_are_not_drawn(capfd):
    for executor in (None, "threads"):
        rows = sweep(runs.with_a_bar, {"a": range(3)}, executor=executor, workers=1).rows
        assert [row["score"] for row in rows] == [0, 1, 2]
        said = capfd.readouterr().err
        assert "3/3" in said and "inner" not in said, said
    runs.with_a_bar(1)
    assert "inner" in capfd.readouterr().err


def test_bars_come_back(capsys):
    with without_bars():
        with without_bars():
            pass
        with progress_bar(total=1) as bar:
            bar.update()
    with progress_bar(total=7) as bar:
        bar.update()
    assert re.findall(r"\d/\d", capsys.readouterr().err)[-1] == "1/7"
