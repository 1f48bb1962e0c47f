"""python -m engine: what it trains, writes and refuses."""

import csv

import numpy as np
import pytest

import engine
from engine.__main__ import main


def run(capsys, *arguments):
    """Exit status, what was printed, what was complained of."""
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_train_saves_a_run_and_sums_it_up(capsys, tmp_path):
    status, out, _ = run(capsys, "train", "iris", "--epochs", 30, "--widths", 8, "--run-folder", tmp_path / "run")
    assert status == 0
    for word in ("cost", "train accuracy", "test accuracy", "batch steps", "sample steps", "seconds", "saved"):
        assert word in out
    network = engine.load(tmp_path / "run" / "network.npz")
    assert network.widths == (4, 8, 3)
    with open(tmp_path / "run" / "history.csv") as file:
        assert len(list(csv.reader(file))) == 31
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert "  sample steps    3600" in out


@pytest.mark.compiled
def test_digits_are_learnt_at_the_defaults(capsys, tmp_path):
    status, out, _ = run(capsys, "train", "digits", "--quiet", "--run-folder", tmp_path)
    assert status == 0
    assert float(next(line.split()[-1] for line in out.splitlines() if "test accuracy" in line)) >= 0.96


@pytest.mark.compiled
@pytest.mark.parametrize("options", [
    ["--update", "gradient_descent", "--rate", "0.1"], ["--update", "rmsprop"],
    ["--reduction", "cvar:0.5", "--order", "sequential"],
    ["--dtype", "float32", "--activation", "gelu", "--update", "adamw"], ["--widths"], ["--reduction", "max", "--batch-size", "8"],
])
def test_options(capsys, tmp_path, options):
    status, _, err = run(capsys, "train", "wine", "--epochs", 3, "--quiet", "--run-folder", tmp_path, *options)
    assert status == 0, err


@pytest.mark.compiled
def test_numbers_are_predicted(capsys, tmp_path):
    status, out, _ = run(capsys, "train", "diabetes", "--epochs", 20, "--widths", 8, "--quiet", "--run-folder", tmp_path)
    assert status == 0 and "test R^2" in out
    assert float(next(line.split()[-1] for line in out.splitlines() if "train R^2" in line)) > 0.4


@pytest.mark.compiled
def test_files_of_users(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMACHAIN_RUNS", str(tmp_path / "runs"))
    generator = np.random.default_rng(0)
    X = generator.standard_normal((60, 2))
    kind = np.where(X[:, 0] > 0, "up", "down")
    with open(tmp_path / "d.csv", "w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "kind"], *zip(X[:, 0], X[:, 1], kind)])
    status, out, err = run(capsys, "train", tmp_path / "d.csv", "--target", "kind", "--epochs", 40, "--quiet")
    assert status == 0 and "test accuracy" in out, err
    assert list((tmp_path / "runs").glob("d-*/network.npz"))
    np.savez(tmp_path / "d.npz", X=X, y=X.sum(1))
    status, out, err = run(capsys, "train", tmp_path / "d.npz", "--epochs", 5, "--quiet")
    assert status == 0 and "test R^2" in out, err


def test_jacobian_is_written_slab_by_slab(capsys, tmp_path):
    assert run(capsys, "train", "iris", "--epochs", 2, "--widths", 5, "--quiet", "--run-folder", tmp_path)[0] == 0
    network = engine.load(tmp_path / "network.npz")
    from sklearn.datasets import load_iris

    X = load_iris().data
    scaling = np.load(tmp_path / "scaling.npz")
    for extra, inputs in ((["--raw"], X), ([], (X - scaling["center"]) / scaling["spread"])):
        status, out, err = run(capsys, "jacobian", tmp_path / "network.npz", "iris", "--out", tmp_path / "J.npy",
                               "--max-bytes", 5000, *extra)
        assert status == 0, err
        assert np.array_equal(np.load(tmp_path / "J.npy"), network.jacobian(inputs).dense())
    assert "[450, 43]" in out


def test_info(capsys):
    status, out, _ = run(capsys, "info")
    assert status == 0 and "numba" in out and "threads" in out


def write(path, text):
    path.write_text(text)
    return path


REFUSALS = {
    "no such data": (lambda p: ["train", "mnist"], "DATA must be one of digits.*'mnist'"),
    "a file that is not there": (lambda p: ["train", p / "none.csv", "--target", "y"], "No such file"),
    "no target named": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n")], "--target must name.*x, y"),
    "a missing column": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n"), "--target", "z"], "x, y, but is 'z'"),
    "a cell that is no number": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\nred,3\n"), "--target", "y"],
                                 "line 3: column 'x'.*'red'"),
    "a cell that is not finite": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\nnan,3\n"), "--target", "y"],
                                  "line 3: column 'x' must be finite"),
    "a line too short": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n1\n"), "--target", "y"], "line 3: expected 2 cells.*1"),
    "an empty file": (lambda p: ["train", write(p / "a.csv", ""), "--target", "y"], "--target must be a column"),
    "a header alone": (lambda p: ["train", write(p / "a.csv", "x,y\n"), "--target", "y"], "at least one line of data"),
    "one sample": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n"), "--target", "y"], "of 1 samples leaves"),
    "an .npz without X": (lambda p: [np.savez(p / "a.npz", z=np.ones(3)), "train", p / "a.npz"][1:], "X and y.*holds z"),
    "a loss for numbers": (lambda p: ["train", "iris", "--loss", "squared_error"], "softmax_cross_entropy.*that are classes"),
    "a loss for classes": (lambda p: ["train", "diabetes", "--loss", "softmax_cross_entropy"], "squared_error.*numbers"),
    "no such reduction": (lambda p: ["train", "iris", "--reduction", "best"], "--reduction must be one of.*'best'"),
    "a reduction without its number": (lambda p: ["train", "iris", "--reduction", "cvar"], "cvar:NUMBER"),
    "a reduction with a bad number": (lambda p: ["train", "iris", "--reduction", "cvar:2"], r"alpha.*\(0, 1\].*2"),
    "a rate of 0": (lambda p: ["train", "iris", "--rate", "0"], "rate.*0"),
    "a width of 0": (lambda p: ["train", "iris", "--widths", "0"], r"widths\[1\].*0"),
    "a share of 2": (lambda p: ["train", "iris", "--test-fraction", "2"], "--test-fraction.*2"),
    "no network": (lambda p: ["jacobian", write(p / "n.npz", "no"), "iris", "--out", p / "J.npy"], "is not one"),
    "a slab too small": (lambda p: [engine.Network.initialize((4, 2), "tanh").save(p / "n.npz"), "jacobian", p / "n.npz", "iris",
                                    "--out", p / "J.npy", "--max-bytes", "8"][1:], "max_bytes is 8"),
    "data of another width": (lambda p: [engine.Network.initialize((3, 2), "tanh").save(p / "n.npz"), "jacobian", p / "n.npz",
                                         "iris", "--out", p / "J.npy"][1:], "3 features.*has 4"),
    "divergence": (lambda p: ["train", "diabetes", "--activation", "identity", "--update", "gradient_descent", "--rate", "1e30",
                              "--quiet"], "lower the rate"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_one_line_and_exit_2(capsys, tmp_path, monkeypatch, name):
    import re

    monkeypatch.setenv("GAMMACHAIN_RUNS", str(tmp_path / "runs"))
    arguments, words = REFUSALS[name]
    status, _, err = run(capsys, *arguments(tmp_path))
    assert status == 2
    line, = [line for line in err.splitlines() if line.startswith("python -m engine")]
    assert re.search(words, line), line
    assert "Traceback" not in err
