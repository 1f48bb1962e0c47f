"""What a fit says of compiling, and the seconds of its epochs without it."""

import time

import numpy as np
import pytest

from engine import Cost, GradientDescent, Loss, Network, fit
from engine.preparation import SAID, Compiling
from schedulers import BatchSchedule
from tests.processes import process

FIRST = """
import io, sys
import numpy as np
from engine import Adam, Cost, Network, fit
from engine.kernels.numba_internals import compilations
from schedulers import BatchSchedule

X, said = np.ones((3, 2), np.float32), io.StringIO()
network, sys.stderr = Network.initialize((2, 1), "tanh", dtype=np.float32), said
with compilations() as found:
    result = fit(network, X, X[:, :1], Cost("huber"), Adam(), BatchSchedule(2), epochs=2)
sys.stderr = sys.__stderr__
names, seconds = set(said.getvalue().replace("\\r", "\\n").split("\\n")), result.history.columns()["seconds"].sum()
counts = sorted({line.split("machine): ")[1].split(":")[0].split("|")[0].strip() for line in names if "machine): " in line})
print(len(found.names), seconds < found.seconds / 4, *sorted(counts, key=lambda count: int(count.split()[0])), sep=",")
"""


class _Bar:
    def __init__(self):
        self.said = []

    def set_description_str(self, text, refresh):
        self.said.append(text)


def counted(**environment):
    """How many kernels a first fit compiles, which are those that it counts, and whether its epochs leave out their seconds."""
    compiled, quick, *counts = process(FIRST, **environment).strip().split(",")
    assert counts == [f"{k} of {compiled}" for k in range(1, int(compiled) + 1)]
    return int(compiled), quick == "True"


@pytest.mark.compiled
def test_a_fit_counts_what_no_other_test_has_compiled():
    """Which may be all, some or nothing."""
    counted()


@pytest.mark.compiled
@pytest.mark.robustness
@pytest.mark.timeout(400)
def test_a_first_fit_counts_what_it_compiles_and_a_second_says_nothing(tmp_path):
    compiled, quick = counted(NUMBA_CACHE_DIR=str(tmp_path))
    assert compiled and quick
    assert counted(NUMBA_CACHE_DIR=str(tmp_path)) == (0, False)


def test_the_seconds_of_an_epoch_leave_out_what_is_compiled_in_it(monkeypatch):
    """Here by a loss of one's own, which stands for the compiler."""
    def value(A, y):
        Compiling.seconds = 1.0
        return ((A - y) ** 2).sum(1)

    monkeypatch.setattr(Compiling, "seconds", 0.0)
    X = np.ones((2, 1))
    loss = Loss(value, lambda A, y: 2 * (A - y))
    began = time.perf_counter()
    result = fit(Network.initialize((1, 1), "tanh"), X, X, Cost(loss), GradientDescent(0.1), BatchSchedule(2), epochs=1,
                 progress=False)
    assert result.history.columns()["seconds"][0] <= time.perf_counter() - began - 1.0


def test_the_count_goes_on_where_more_is_compiled_than_was_known():
    def known(x):
        return x

    def other(x):
        return x

    bar = _Bar()
    compiling = Compiling(bar, lambda: {known, other})
    for function in (known, None, other, None, test_the_count_goes_on_where_more_is_compiled_than_was_known, None):
        if function is not None:
            compiling._found.names.append(function.__qualname__)
        compiling._say(function)
    compiling.close()
    assert bar.said == [f"{SAID}: 1 of 2", "", f"{SAID}: 2 of 2", "", f"{SAID}: 3", ""]
