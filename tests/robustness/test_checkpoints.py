"""Cut and flipped files, and kills at any moment: the same numbers come back, or one clear error; a run goes on bit for bit."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import engine
from engine import CheckpointError, Network
from engine import checkpoint as checkpoints

from ..checkpointed import resumed, same, trained

pytestmark = pytest.mark.robustness
FLIPS, KILLS = 400, int(os.environ.get("GAMMACHAIN_KILLS", 4))


def damages(whole):
    """Every kind of cut, and flips spread over the whole file, ends and middles alike."""
    generator = random.Random(0)
    for length in sorted({*range(0, len(whole), max(1, len(whole) // 60)), *range(len(whole) - 30, len(whole))}):
        yield whole[:length]
    for place in generator.sample(range(len(whole)), min(FLIPS, len(whole))):
        yield whole[:place] + bytes([whole[place] ^ 1 << generator.randrange(8)]) + whole[place + 1:]
    for begin in generator.sample(range(len(whole)), 20):
        yield whole[:begin] + generator.randbytes(min(40, len(whole) - begin)) + whole[begin + 40:]
        yield whole[:begin] + whole[begin + 1:]


def test_a_damaged_network_loads_as_it_was_or_not_at_all(tmp_path):
    path, network = tmp_path / "network.npz", Network.initialize((3, 4, 2), "tanh", seed=1)
    network.save(path)
    refused = 0
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        try:
            found = engine.load(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
            continue
        assert found.widths == network.widths and found.parameters.tobytes() == network.parameters.tobytes()
        assert [g.name for g in found.activations] == ["tanh", "identity"]
    assert refused > 300


def test_a_damaged_checkpoint_goes_on_as_it_was_or_not_at_all(tmp_path):
    path, whole = tmp_path / "run.npz", trained(tmp_path / "whole.npz", 3)
    trained(path, 2)
    refused = 0
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        try:
            found = resumed(path, 3, checkpoint_every=9)
        except CheckpointError as error:
            assert str(path) in str(error)
            refused += 1
            continue
        finally:
            (tmp_path / "run.npz.previous").unlink(missing_ok=True)
        same(found, whole)
    assert refused > 300


def test_a_damaged_journal_is_never_read_as_another(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROWS", 3)
    path = tmp_path / "run.npz"
    rows = trained(path, 9).history.rows
    journal, = tmp_path.glob("*.history-*")
    text, refused = journal.read_bytes(), 0
    for damaged in damages(text):
        journal.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = resumed(path, 9).history.rows
            except CheckpointError as error:
                assert journal.name in str(error)
                refused += 1
                continue
        assert found == rows[:len(found)]
    assert refused > 300


PROGRAM = """
import sys, time
import numpy as np
from engine import Adam, Cost, Network, checkpoint, fit
from schedulers import BatchSchedule
checkpoint.ROWS = 4
def decay(t): return 0.01 / (1 + t / 1000)
X = np.linspace(-1, 1, 64)[:, None]
def begun(row, network):
    if row["epoch"] % 7 == 0: print("going", flush=True)
found = fit(Network.initialize((1, 40, 40, 1), "tanh", seed=0), X, np.sin(3 * X), Cost("squared_error"), Adam(decay),
            BatchSchedule(16), epochs=int(sys.argv[2]), progress=False, callbacks=[begun], checkpoint=sys.argv[1], resume=True)
np.savez(sys.argv[1] + ".end", theta=found.network.parameters, rows=found.state.arrays["rows"],
         cost=found.history.columns()["cost"])
"""


@pytest.mark.compiled
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_at_any_moment_goes_on_bit_for_bit(tmp_path):
    """The kills come at random moments of epochs that are hardly longer than the writing of their checkpoints."""
    generator, epochs, kills, wrong = random.Random(), "400", 0, []
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    subprocess.run([*command, str(tmp_path / "whole"), epochs], check=True, timeout=300, stdout=subprocess.DEVNULL)
    (tmp_path / "killed").mkdir()
    path = tmp_path / "killed" / "run"
    while kills < KILLS:
        run = subprocess.Popen([*command, str(path), epochs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if run.stdout.readline() == "going\n":
            time.sleep(generator.uniform(0, 0.25))
            run.send_signal(signal.SIGKILL)
        _, said = run.communicate()
        if run.returncode == -signal.SIGKILL:
            kills += 1
        elif run.returncode:
            wrong.append(said)
            break
        else:
            compare(path, tmp_path / "whole")
            shutil.rmtree(path.parent)
            path.parent.mkdir()
    assert not wrong, wrong
    subprocess.run([*command, str(path), epochs], check=True, timeout=300, stdout=subprocess.DEVNULL)
    compare(path, tmp_path / "whole")
    names = sorted(name.name for name in path.parent.iterdir())
    assert not any("partial" in name for name in names) and len(names) <= 5, names


def compare(path, whole):
    with np.load(f"{path}.end.npz") as found, np.load(f"{whole}.end.npz") as right:
        assert all(found[name].tobytes() == right[name].tobytes() for name in right.files)
