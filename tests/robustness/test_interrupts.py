"""Interrupts of fit at random moments, one, two or three in a row, and forked children that are killed while they train."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.robustness, pytest.mark.compiled]

ROOT = pathlib.Path(__file__).parents[2]
BEGIN = """
import os, random, signal, sys, time
import numpy as np
from engine import Adam, Cost, Interrupted, Loss, Network, fit
from schedulers import BatchSchedule
X = np.random.default_rng(0).uniform(-1, 1, (240, 2)); Y = np.sin(2 * X[:, :1])
COSTS = Cost("squared_error"), Cost(Loss(lambda A, y: ((A - y) * (A - y)).sum(1) / 2, lambda A, y: A - y))
NET = Network.initialize((2, 8, 1), "tanh", seed=0)
def run(cost, epochs, **more):
    settings = dict(progress=False, validation=(X[:50], Y[:50]), callbacks=[lambda row, net: False]) | more
    return fit(NET, X, Y, cost, Adam(0.01), BatchSchedule(24), epochs=epochs, **settings)
"""
INTERRUPTS = BEGIN + """
def interrupt(number, frame):  # while fit runs, however late a busy machine lets it begin, and never after it was left
    global left, ticks
    ticks += 1
    while frame is not None and frame.f_code.co_name != ("run_epochs" if left == wanted else "with_result"):
        frame = frame.f_back
    if frame is not None and (left or ticks % 100 == 0):  # again where Python dropped it, as it does in a weak reference's callback
        left = max(left - 1, 0)
        raise KeyboardInterrupt
place, rounds, expected = sys.argv[1], int(sys.argv[2]), {}
for cost in COSTS:
    run(cost, 2, checkpoint=place); os.remove(place)
numbers, bad = random.Random(3), 0
for k in range(rounds):
    cost, saved = COSTS[k % 2], k % 3 > 0
    wanted, ticks = 1 if k % 4 else 3, 0
    left = wanted
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, numbers.uniform(1e-4, 0.08), 0.004)
    stopped, extra = None, 0
    try:
        run(cost, 10**7, **({"checkpoint": place} if saved else {}))
    except KeyboardInterrupt as stop:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        stopped = stop
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    if type(stopped) is not Interrupted:
        bad += 1  # the next of a burst came as fit was left
        if k % 4:
            raise SystemExit(f"round {k}: {stopped!r}")
        if os.path.exists(place): os.remove(place)
        continue
    result, count = stopped.result, len(stopped.result.history)
    if count:
        whole = run(cost, count)
        assert np.array_equal(result.network.parameters, whole.network.parameters), k
        assert [row["cost"] for row in result.history] == [row["cost"] for row in whole.history], k
        assert [row["validation_cost"] for row in result.history] == [row["validation_cost"] for row in whole.history], k
        assert np.array_equal(result.state.arrays["rows"], whole.state.arrays["rows"]), k
    if saved and count and k % 4:
        again = run(cost, count + 2, checkpoint=place, resume=True)
        assert again.history[0]["seconds"] == result.history[0]["seconds"], k
        assert np.array_equal(again.network.parameters, run(cost, count + 2).network.parameters), k
    if os.path.exists(place): os.remove(place)
left = [name for name in os.listdir(os.path.dirname(place)) if name != os.path.basename(place) + ".previous"]
print("whole", bad, left)
"""
FORKS = BEGIN + """
run(COSTS[0], 2)
numbers = random.Random(5)
for k in range(25):
    child = os.fork()
    if child == 0:
        while True:
            run(COSTS[k % 2], 3)
    time.sleep(numbers.uniform(0.001, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run(COSTS[k % 2], 3)
run(COSTS[0], 2, progress=True)
print("whole")
"""


def python(script, *arguments, timeout):
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_interrupts_at_random_moments_lose_no_whole_epoch(tmp_path):
    done = python(INTERRUPTS, str(tmp_path / "run.npz"), "80", timeout=250)
    assert done.returncode == 0 and done.stdout.startswith("whole"), done.stdout + done.stderr
    _, bursts, left = done.stdout.split(maxsplit=2)
    assert int(bursts) <= 10 and left.strip() == "[]", done.stdout


def test_children_killed_while_they_train_stop_nobody():
    done = python(FORKS, timeout=120)
    assert done.returncode == 0 and done.stdout == "whole\n", done.stdout + done.stderr


def test_control_c_from_outside(tmp_path):
    """SIGINT of another process, as a terminal sends it, then the run goes on."""
    script = BEGIN + """
try:
    run(COSTS[0], 10**7, checkpoint=sys.argv[1], callbacks=[lambda row, net: print(row["epoch"], flush=True)])
except KeyboardInterrupt as stop:
    print("stopped", len(stop.result.history), flush=True)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "run.npz")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert process.stdout.readline() == "0\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0].split("\n")
    finally:
        process.kill()
    assert said[-2].startswith("stopped") and int(said[-2].split()[1]) >= 2 and process.returncode == 0
