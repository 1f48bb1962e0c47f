"""A sweep that is killed, interrupted, or whose script cannot be imported, in a process of its own."""

import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.schedulers import sweep_runs as runs

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="no such signals here")


def python(*arguments, **keywords):
    """A process in a session of its own."""
    return subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=ENVIRONMENT, start_new_session=True, **keywords)


def stored(path):
    """Settings' numbers that a store has."""
    if not path.exists():
        return []
    connection = sqlite3.connect(path, timeout=60)
    try:
        return [a for a, in connection.execute("SELECT json_extract(settings, '$.a') FROM runs")]
    except sqlite3.OperationalError:  # killed before there was a table
        return []
    finally:
        connection.close()


def begun(folder):
    """How often each run began, and the processes in which they did."""
    files = [path for path in folder.iterdir() if path.name.isdigit()]
    return ({int(path.name): len(path.read_text().splitlines()) for path in files},
            {int(line) for path in files for line in path.read_text().splitlines()})


def alive(process):
    """Whether a process runs."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=20):
    """True as soon as it holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.mark.parametrize("executor", [(), ("threads",)], ids=["processes", "threads"])
def test_killed_anywhere_and_begun_again(executor, tmp_path):
    path, generator, kept = tmp_path / "sweep.sqlite", random.Random(5), {}
    moments = [0, 1, 5, 6, 13, 25, len(runs.SLOW) - 1]
    for moment in [*moments, None]:
        process = python("-m", "tests.schedulers.sweep_runs", tmp_path, path, *executor)
        if moment is None:
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0, said
        else:
            assert wait_until(lambda: len(stored(path)) >= moment)  # noqa: B023
            time.sleep(0.02 * generator.random())
            process.kill() if moment % 2 else os.killpg(process.pid, signal.SIGKILL)  # alone, or its workers too
            process.communicate()
        assert wait_until(lambda: not any(map(alive, begun(tmp_path)[1])), 5)  # workers end with their parent
        counts = begun(tmp_path)[0]
        assert len(stored(path)) == len(set(stored(path))) and set(kept) <= set(stored(path))  # none is lost
        assert all(counts[a] == count for a, count in kept.items())  # none is run twice
        kept = {a: counts[a] for a in stored(path)}
    assert set(kept) == set(runs.SLOW) and sum(counts.values()) <= len(runs.SLOW) + 4 * len(moments)  # only what was in flight
    rows = runs.sweep(runs.slow, [{"a": a, "folder": str(tmp_path)} for a in runs.SLOW], store=path, progress=False,
                      executor="threads").rows
    assert [row["score"] for row in rows] == [a * a for a in runs.SLOW] and begun(tmp_path)[0] == counts


@pytest.mark.parametrize("executor", [(), ("threads",)], ids=["processes", "threads"])
def test_an_interrupt_keeps_what_finished(executor, tmp_path):
    path = tmp_path / "sweep.sqlite"
    process = python("-m", "tests.schedulers.sweep_runs", tmp_path, path, *executor)
    assert wait_until(lambda: len(stored(path)) >= 4)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT and said.count("Traceback") == 1
    assert re.search(rf"KeyboardInterrupt: \d+ of 40 runs are finished and kept in {path}; call sweep again", said)
    counts, processes = begun(tmp_path)
    assert 4 <= len(stored(path)) < len(runs.SLOW) and not any(map(alive, processes))
    if executor:
        assert sorted(stored(path)) == sorted(counts)  # threads finish what they began
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM runs WHERE error IS NOT NULL").fetchone() == (0,)
    connection.close()


def test_killed_workers_charge_nobody(tmp_path):
    path = tmp_path / "sweep.sqlite"
    process = python("-m", "tests.schedulers.sweep_runs", tmp_path, path)
    for moment in (5, 15, 25):
        assert wait_until(lambda: len(stored(path)) >= moment)  # noqa: B023
        for worker in sorted(begun(tmp_path)[1]):
            if alive(worker):
                os.kill(worker, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    rows = runs.sweep(runs.slow, [{"a": a, "folder": str(tmp_path)} for a in runs.SLOW], store=path, progress=False,
                      executor="threads").rows
    assert [row.get("score") for row in rows] == [a * a for a in runs.SLOW]


def test_sweeps_on_one_store_share_the_work(tmp_path):
    path = tmp_path / "sweep.sqlite"
    sweeps = [python("-m", "tests.schedulers.sweep_runs", tmp_path, path, "threads") for _ in range(3)]
    for process in sweeps:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert sorted(stored(path)) == list(runs.SLOW)
    assert set(begun(tmp_path)[0].values()) == {1}  # each was run by one of them alone


def test_a_sweep_takes_over_from_one_that_is_killed(tmp_path):
    path = tmp_path / "sweep.sqlite"
    killed, other = (python("-m", "tests.schedulers.sweep_runs", tmp_path, path, "threads") for _ in range(2))
    assert wait_until(lambda: len(stored(path)) >= 8)
    killed.kill()
    killed.communicate()
    _, said = other.communicate(timeout=60)
    assert other.returncode == 0, said
    counts = begun(tmp_path)[0]
    assert sorted(stored(path)) == list(runs.SLOW) and set(counts.values()) <= {1, 2}


def test_a_script_without_a_guard_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("""
from schedulers import sweep
def run(a):
    return {"a2": a * a}
print(sweep(run, {"a": [1, 2]}, progress=False).rows)
""")
    _, said = python(script).communicate(timeout=60)
    assert 'RuntimeError: the worker processes end before they can run anything' in said and '__name__ == "__main__"' in said


def test_functions_of_a_notebook_travel_by_value():
    pytest.importorskip("cloudpickle")
    process = python("-c", """
from schedulers import sweep
step = 3
def run(a):
    return {"next": a + step}
print([row["next"] for row in sweep(run, {"a": [1, 2]}, progress=False)], sweep(lambda a: {"b": a}, {"a": [7]}, progress=False)[0])
""")
    said = process.communicate(timeout=60)
    assert said[0] == "[4, 5] {'a': 7, 'b': 7, 'error': None}\n", said


def test_without_cloudpickle_they_are_refused():
    process = python("-c", """
import sys
sys.modules["cloudpickle"] = None
from schedulers import sweep
def run(a):
    return {}
for function in (run, lambda a: {}):
    try:
        sweep(function, {"a": [1]}, progress=False)
    except TypeError as error:
        print("install cloudpickle" in str(error), 'executor="threads"' in str(error))
""")
    assert process.communicate(timeout=60)[0] == "True True\n" * 2
