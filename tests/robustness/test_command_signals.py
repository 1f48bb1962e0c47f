"""The command, stopped from outside: signals, kills and full disks leave whole files and a run that goes on."""

import os
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import engine
from engine.__main__ import main

pytestmark = pytest.mark.robustness
ROOT = pathlib.Path(__file__).parents[2]
TRAIN = ["train", "iris", "--widths", "6", "--quiet"]


def begin(*arguments, **more):
    """The command, begun in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", "MPLBACKEND": "Agg"}
    return subprocess.Popen([sys.executable, "-m", "engine", *map(str, arguments)], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


def finished(*arguments, **more):
    """Its exit status and its complaint."""
    process = begin(*arguments, **more)
    return process.wait(120), process.communicate()[1]


def wait_for(holds, process):
    """Until `holds()`, while the process lives."""
    while not holds():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def epochs(folder):
    """Whole epochs of a saved run."""
    return len((folder / "history.csv").read_text().splitlines()) - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_run_and_it_goes_on(tmp_path, number):
    folder, whole = tmp_path / "run", tmp_path / "whole"
    finished(*TRAIN, "--epochs", 3, "--run-folder", tmp_path / "first")  # compiles: llvmlite prints a line where it is interrupted
    process = begin(*TRAIN, "--epochs", 100000, "--run-folder", folder)
    wait_for((folder / "checkpoint.npz").exists, process)
    time.sleep(float(np.random.default_rng(number).uniform(0, 0.3)))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number and err.count("\n") == 1 and "Traceback" not in err, err
    made = epochs(folder)
    assert f"{made} of 100000, is saved" in err and not list(folder.glob("*.partial"))
    go_on = shlex.split(err.split("go on by: python -m engine ")[1])
    go_on[go_on.index("100000")] = str(made + 2)
    assert main(go_on) == 0 and epochs(folder) == made + 2
    assert main([*TRAIN, "--epochs", str(made + 2), "--run-folder", str(whole)]) == 0
    assert np.array_equal(*(engine.load(path / "network.npz").parameters for path in (folder, whole)))


def test_a_killed_run_goes_on(tmp_path):
    folder, whole = tmp_path / "run", tmp_path / "whole"
    arguments = [*TRAIN, "--epochs", "300", "--run-folder"]
    for _ in range(2):
        process = begin(*arguments, folder, "--resume")
        wait_for((folder / "checkpoint.npz").exists, process)
        time.sleep(0.1)
        process.kill()
        process.communicate()
    assert main([*arguments, str(folder), "--resume"]) == 0 and epochs(folder) == 300
    assert main([*arguments, str(whole)]) == 0
    assert np.array_equal(*(engine.load(path / "network.npz").parameters for path in (folder, whole)))


def no_large_files():
    """Files of at most 20000 bytes, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


def test_a_full_disk_leaves_the_old_jacobian(tmp_path):
    engine.Network.initialize((4, 20, 3), "tanh").save(tmp_path / "n.npz")
    (tmp_path / "J.npy").write_text("old")
    status, err = finished("jacobian", tmp_path / "n.npz", "iris", "--out", tmp_path / "J.npy", preexec_fn=no_large_files)
    assert status == 2 and err.count("\n") == 1 and "Traceback" not in err, err
    assert (tmp_path / "J.npy").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_ends_a_run_in_one_line(tmp_path):
    status, err = finished("train", "iris", "--epochs", 3, "--quiet", "--run-folder", tmp_path / "run", preexec_fn=no_large_files)
    assert status == 2 and err.count("\n") == 1 and "Traceback" not in err, err
    assert not list(tmp_path.rglob("*.partial"))


def test_an_interrupted_jacobian_leaves_nothing(tmp_path):
    engine.Network.initialize((64, 40, 10), "tanh", dtype=np.float32).save(tmp_path / "n.npz")
    finished("jacobian", tmp_path / "n.npz", "digits", "--out", tmp_path / "first.npy", "--max-bytes", 1 << 18)  # compiles
    (tmp_path / "first.npy").unlink()
    process = begin("jacobian", tmp_path / "n.npz", "digits", "--out", tmp_path / "J.npy", "--max-bytes", 1 << 18)
    wait_for(lambda: list(tmp_path.glob("J.npy*")), process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143 and "J.npy is not written" in err and err.count("\n") == 1, err
    assert [path.name for path in tmp_path.iterdir()] == ["n.npz"]
