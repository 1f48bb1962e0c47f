"""What the kernels of this folder's tests compute in plain Python: one process for all of them."""

import os
import pathlib
import pickle
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def plain_results(tmp_path_factory):
    """{module name: {problem: {name: array}}} under NUMBA_DISABLE_JIT=1."""
    path = tmp_path_factory.mktemp("plain") / "results.pickle"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(pathlib.Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-m", "tests.kernels.plain_results", path], env=environment, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return pickle.loads(path.read_bytes())
