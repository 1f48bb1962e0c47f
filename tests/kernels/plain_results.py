"""`python -m tests.kernels.plain_results FILE`: what every test file of this folder computes, as a pickle."""

import importlib
import pathlib
import pickle
import sys

from .cases import PROBLEMS, Problem

MODULES = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("test_*.py")
                 if "\ndef computed(problem):" in path.read_text(encoding="utf-8"))


def results(name):
    """{problem: {name: array}} of one test file."""
    module = importlib.import_module(f"tests.kernels.{name}")
    return {str(problem): module.computed(problem) for problem in (Problem(*given) for given in PROBLEMS)}


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_bytes(pickle.dumps({name: results(name) for name in MODULES}))
