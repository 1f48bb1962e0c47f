"""`python -m engine compile`, and a session after it that compiles nothing."""

import os
import subprocess
import sys

import pytest

from engine.command.ahead import SESSION
from tests.processes import ROOT

TYPICAL = """
import numpy as np
from engine.command.ahead import compilations
with compilations() as count:
    import engine
    from engine import Cost, reductions, value_and_gradient
    from schedulers import BatchSchedule
    for threads in (1, 3):
        engine.set_num_threads(threads)
        for dtype in (np.float64, np.float32):
            g = np.random.default_rng(0)
            net = engine.Network.initialize((6, 70, 40, 3), ("gelu", "sigmoid", "identity"), dtype=dtype)
            wide = engine.Network.initialize((20, 300, 300, 3), "relu", dtype=dtype)
            X, y, c = g.random((900, 6)), g.random((900, 3)), g.integers(0, 3, 900)
            net(X), net(X[0]), net(np.asfortranarray(X[::2])), wide(g.random((300, 20)))
            passed = net.forward(X)
            passed.z(1), passed.a(2), passed.gamma(1)
            J = net.jacobian(X[:200])
            J.dense(), J.gram(), J.row_norms(), J.chain(1), J @ np.ones(net.size), J.T @ np.ones(600), J.wrt_input()
            for cost in (Cost("softmax_cross_entropy"), Cost("softmax_cross_entropy", reductions.log_sum_exp(1.0))):
                value_and_gradient(net, X, c, cost), value_and_gradient(net, X[:5], c[:5], cost)
                value_and_gradient(wide, g.random((100, 20)), c[:100], cost)
                engine.gradient_moments(net, X, c, cost), engine.per_sample_ggn_diagonals(net, X[:200], c[:200], cost)
                for batch in (16, 300):
                    engine.fit(net, X, c, cost, engine.Adam(), BatchSchedule(batch), epochs=1, progress=False, validation=(X, c))
            value_and_gradient(net, X, y, Cost("squared_error", reductions.group_max(c)))
            small = engine.Network.initialize((6, 9, 3), "tanh", dtype=dtype)
            for update in (engine.LevenbergMarquardt(), engine.GaussNewton()):
                engine.fit(small, X, y, Cost("squared_error"), update, BatchSchedule(900), epochs=2, progress=False)
print(count.names)
"""


WITH_JACOBIANS = """
import numpy as np
from engine.command.ahead import compilations
with compilations() as count:
    import engine
    for threads in (1, 3):
        engine.set_num_threads(threads)
        g = np.random.default_rng(0)
        net = engine.Network.initialize((6, 70, 40, 3), "tanh", dtype=np.float32)
        X = g.random((900, 6))
        net(X), net(X[0]), net(np.asfortranarray(X[::2]))
        passed = net.forward(X)
        passed.z(1), passed.a(2), passed.gamma(1)
        J = net.jacobian(X[:200])
        J.dense(), J.gram(), J.row_norms(), J @ np.ones(net.size), J.wrt_input()
print(count.names)
"""
SHORT = """
from engine.command import ahead
from engine.command.command_line import main
ahead.SESSION = {name: ahead.SESSION[name] for name in ("forward", "Jacobian")}
main()
"""


def said(*arguments):
    """What Python prints in a new process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compiled_ahead(command, parts, dtypes, session):
    """That the command says a line for each part and dtype, finds nothing to compile again, and leaves nothing to a session."""
    lines = said(*command, "compile", "--dtype", *dtypes).splitlines()
    wanted = [[dtype, name] for dtype in dtypes for name in parts]
    assert [line.split()[:2] for line in lines[:len(wanted)]] == wanted
    assert "\n0 functions compiled in" in said(*command, "compile", "--dtype", "float32")
    assert said("-c", session) == "[]\n"


@pytest.mark.compiled
@pytest.mark.timeout(400)
def test_a_session_with_jacobians_compiles_nothing_after_its_part_of_the_command():
    compiled_ahead(("-c", SHORT), ["forward", "Jacobian"], ["float32"], WITH_JACOBIANS)


@pytest.mark.compiled
@pytest.mark.robustness
@pytest.mark.timeout(1200)
def test_a_typical_session_compiles_nothing_after_the_command():
    """The suite's own cache is filled, so that only the first run pays."""
    compiled_ahead(("-m", "engine"), list(SESSION), ["float64", "float32"], TYPICAL)
