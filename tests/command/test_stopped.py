"""Runs of the command that are interrupted, diverge or fail: what was trained is kept, and goes on."""

import csv
import re
import shlex
import signal

import numpy as np
import pytest

import engine
from engine.__main__ import main

from .running import run, saved


@pytest.mark.compiled
def test_a_run_goes_on_where_it_stopped(capsys, tmp_path):
    arguments = ["train", "iris", "--widths", 4, "--quiet", "--run-folder"]
    assert run(capsys, *arguments, tmp_path / "whole", "--epochs", 6)[0] == 0
    assert run(capsys, *arguments, tmp_path / "parts", "--epochs", 2)[0] == 0
    status, _, err = run(capsys, *arguments, tmp_path / "parts", "--epochs", 6)
    assert status == 2 and "already holds" in err and "--overwrite" in err and "--resume" in err
    status, _, err = run(capsys, *arguments, tmp_path / "parts", "--epochs", 6, "--resume", "--seed", 1)
    assert status == 2 and "another run" in err
    assert len(engine.load(tmp_path / "parts" / "network.npz").parameters) > 0
    assert run(capsys, *arguments, tmp_path / "parts", "--epochs", 6, "--resume")[0] == 0
    whole, parts = (engine.load(tmp_path / name / "network.npz").parameters for name in ("whole", "parts"))
    assert np.array_equal(whole, parts)
    assert run(capsys, *arguments, tmp_path / "parts", "--epochs", 1, "--overwrite")[0] == 0
    with open(tmp_path / "parts" / "history.csv") as file:
        assert len(list(csv.reader(file))) == 2


class Stop:
    """A fit that ends after two epochs as if something had stopped it."""

    def __init__(self, monkeypatch, error):
        self.error, self.fit = error, engine.fit
        monkeypatch.setattr("engine.command.train.fit", self)

    def __call__(self, *inputs, epochs, **more):
        result = self.fit(*inputs, epochs=2, **more)
        self.error.result = result
        raise self.error


@pytest.mark.compiled
@pytest.mark.parametrize("error, status, words", [
    (KeyboardInterrupt(), 130, "interrupted.*2 of 9, is saved in .*; go on by: python -m engine train iris .*--resume$"),
    (engine.DivergenceError("the cost is nan; lower the rate. The run up to x"), 2, "lower the rate.*2 of 9, is saved in")])
def test_what_was_trained_is_saved_whatever_ends_the_run(capsys, tmp_path, monkeypatch, error, status, words):
    arguments = ["train", "iris", "--widths", 4, "--quiet", "--epochs", 9, "--run-folder", tmp_path / "run's"]
    with monkeypatch.context() as patch:
        Stop(patch, error)
        found, _, err = run(capsys, *arguments)
    assert found == status and re.search(words, err.strip()) and err.count("\n") == 1, err
    assert {"network.npz", "scaling.npz", "run.json", "history.csv"} <= {path.name for path in (tmp_path / "run's").iterdir()}
    assert saved(tmp_path / "run's")["status"] == ("interrupted" if status == 130 else "diverged")
    if status == 130:
        assert main(shlex.split(err.strip().split("python -m engine ")[-1])) == 0
        assert run(capsys, *arguments[:-1], tmp_path / "whole")[0] == 0
        whole, parts = (engine.load(tmp_path / name / "network.npz").parameters for name in ("whole", "run's"))
        assert np.array_equal(whole, parts)


def test_a_run_without_a_whole_epoch_leaves_nothing(capsys, tmp_path, monkeypatch):
    def stopped(*inputs, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.command.train.fit", stopped)
    status, _, err = run(capsys, "train", "iris", "--quiet", "--run-folder", tmp_path / "run")
    assert status == 130 and "nothing is saved" in err and not (tmp_path / "run").exists()


def test_an_interrupt_while_a_run_is_saved_waits(capsys, tmp_path, monkeypatch):
    save = engine.Network.save

    def interrupted(network, path):
        signal.raise_signal(signal.SIGINT)
        save(network, path)

    monkeypatch.setattr("engine.Network.save", interrupted)
    status, _, err = run(capsys, "train", "iris", "--epochs", 1, "--quiet", "--run-folder", tmp_path / "run")
    assert status == 130 and "all of it is saved" in err and err.count("\n") == 1
    assert engine.load(tmp_path / "run" / "network.npz").size and (tmp_path / "run" / "history.csv").exists()


def test_a_full_disk_leaves_the_old_file(capsys, tmp_path, monkeypatch):
    network = engine.Network.initialize((4, 2), "tanh")
    network.save(tmp_path / "n.npz")
    (tmp_path / "J.npy").write_text("old")

    def slabs(self, most):
        yield slice(0, 1), np.ones((1, network.size))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.operators.Jacobian.slabs", slabs)
    status, _, err = run(capsys, "jacobian", tmp_path / "n.npz", "iris", "--out", tmp_path / "J.npy")
    assert status == 2 and "No space left" in err and err.count("\n") == 1
    assert (tmp_path / "J.npy").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_errors_that_nobody_expects_are_one_line(capsys, tmp_path, monkeypatch):
    def broken(*inputs, **more):
        raise KeyError("what")

    monkeypatch.setattr("engine.command.train.fit", broken)
    status, _, err = run(capsys, "train", "iris", "--run-folder", tmp_path / "run")
    assert status == 2 and err.startswith("python -m engine train: ") and "KeyError" in err and err.count("\n") == 1
    with pytest.raises(SystemExit) as end:
        main(["train", "iris", "--epochs", "many"])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("python -m engine train: argument --epochs: invalid int value: 'many'")


