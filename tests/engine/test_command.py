"""python -m engine: what it trains, writes and refuses."""

import csv
import json
import re
import shlex
import signal

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


@pytest.mark.parametrize("order", ["sequential", "shuffled", "with_replacement"])
def test_the_run_is_the_one_that_its_options_say(capsys, tmp_path, order):
    from sklearn.datasets import load_iris

    from engine.command.tables.split import stratified
    from schedulers import BatchSchedule

    status, _, err = run(capsys, "train", "iris", "--epochs", 2, "--widths", 5, "--activation", "sigmoid", "--batch-size", 20,
                         "--rate",
                         0.02, "--update", "adamw", "--reduction", "cvar:0.5", "--seed", 3, "--test-fraction", 0.3, "--order",
                         order, "--quiet", "--run-folder", tmp_path)
    assert status == 0, err
    X, y = load_iris(return_X_y=True)
    rest, test = stratified(y, 0.3, 3)
    scaling = np.load(tmp_path / "scaling.npz")
    assert np.allclose(scaling["center"], X[rest].mean(0)) and np.allclose(scaling["spread"], X[rest].std(0))
    X = (X - scaling["center"]) / scaling["spread"]
    start = engine.Network.initialize((4, 5, 3), ("sigmoid", "identity"), seed=3)
    cost = engine.Cost("softmax_cross_entropy", engine.reductions.cvar(0.5))
    expected = engine.fit(start, X[rest], y[rest], cost, engine.AdamW(0.02), BatchSchedule(20, order=order, seed=3), epochs=2,
                          validation=(X[test], y[test]), progress=False)
    assert np.array_equal(engine.load(tmp_path / "network.npz").parameters, expected.network.parameters)
    with open(tmp_path / "history.csv") as file:
        found = [float(row["validation_cost"]) for row in csv.DictReader(file)]
    assert found == [row["validation_cost"] for row in expected.history]


def test_what_the_network_was_trained_on_travels_with_it(capsys, tmp_path):
    generator = np.random.default_rng(0)
    rows = [(a, "red" if b > 0 else "blue", b, "up" if a > b else "down") for a, b in generator.standard_normal((40, 2)).tolist()]
    with open(tmp_path / "d.csv", "w", newline="") as file:
        csv.writer(file).writerows([["a", "c", "b", "kind"], *rows])
    status, out, err = run(capsys, "train", tmp_path / "d.csv", "--target", "kind", "--categories", "one-hot", "--widths", 4,
                           "--epochs", 2, "--loss", "hinge", "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "kind, read as classes (2 labels)" in out and "'up' is 1" in out and "separator comma" in out, err
    said = json.loads((tmp_path / "run" / "run.json").read_text())
    assert said["features"] == {"columns": ["a", "c", "b"], "width": 4, "categories": {"c": ["blue", "red"]}, "ignored": ["kind"]}
    assert said["targets"] == {"names": ["kind"], "task": "classes", "labels": ["down", "up"], "loss": "hinge"}
    assert said["options"]["epochs"] == 2
    with open(tmp_path / "new.csv", "w", newline="") as file:
        csv.writer(file).writerows([["b", "c", "a"], *[(b, c, a) for a, c, b, _ in rows]])
    arguments = ["jacobian", tmp_path / "run" / "network.npz", tmp_path / "new.csv", "--out", tmp_path / "J.npy"]
    assert run(capsys, *arguments)[0] == 0
    X = np.array([[a, c == "blue", c == "red", b] for a, c, b, _ in rows])
    scaling = np.load(tmp_path / "run" / "scaling.npz")
    network = engine.load(tmp_path / "run" / "network.npz")
    assert np.array_equal(np.load(tmp_path / "J.npy"), network.jacobian((X - scaling["center"]) / scaling["spread"]).dense())
    (tmp_path / "new.csv").write_text("b,c,other\n1,red,2\n")
    status, _, err = run(capsys, *arguments)
    assert status == 2 and "lacks a" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["J.npy", "d.csv", "new.csv", "run"]


@pytest.mark.compiled
def test_several_numbers_are_scaled_each_by_itself(capsys, tmp_path):
    X = np.random.default_rng(0).standard_normal((80, 3))
    np.savez(tmp_path / "d.npz", X=X, y=np.stack([X[:, 0] * 1e200, X[:, 1] * 1e-200 + 7e-200], axis=1))
    status, out, err = run(capsys, "train", tmp_path / "d.npz", "--epochs", 200, "--widths", "--batch-size", 8, "--rate", 0.05,
                           "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "3-2, tanh" in out and "y[:, 0], y[:, 1], read as 2 numbers" in out, err
    assert float(next(line.split()[-1] for line in out.splitlines() if "test R^2 (mean of 2)" in line)) > 0.99
    target = np.load(tmp_path / "run" / "scaling.npz")["target"]
    assert target.shape == (2, 2)
    assert target[1, 0] == pytest.approx(1e200, rel=0.3) and target[0, 1] == pytest.approx(7e-200, rel=0.1)


@pytest.mark.compiled
@pytest.mark.parametrize("loss, word", [("poisson", "R^2"), ("binary_cross_entropy", "accuracy"), ("hinge", "accuracy")])
def test_losses_find_data_that_fit_them(capsys, tmp_path, loss, word):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((300, 2))
    y = np.exp(X[:, 0]) if loss == "poisson" else np.where(X[:, 0] > 0, "yes", "no")
    np.savez(tmp_path / "d.npz", X=X, y=y)
    status, out, err = run(capsys, "train", tmp_path / "d.npz", "--loss", loss, "--epochs", 100, "--widths", 8, "--rate", 0.01,
                           "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "2-8-1" in out, err
    assert float(next(line.split()[-1] for line in out.splitlines() if f"train {word}" in line)) > 0.9


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


def test_info(capsys):
    status, out, _ = run(capsys, "info")
    assert status == 0 and "numba" in out and "threads" in out


def write(path, text):
    path.write_text(text)
    return path


def run_folder(path, **changes):
    """A network of two features with run.json and scaling.npz beside it, some of them changed."""
    path.mkdir()
    engine.Network.initialize((2, 1), "tanh").save(path / "network.npz")
    features = {"columns": ["a", "b"], "width": 2, "categories": {}, "ignored": []}
    said = {"format": "gammachain run 1", "features": features, "targets": {"names": ["y"]}}
    (path / "run.json").write_text(changes.pop("json", json.dumps(said)))
    scaling = {"center": np.zeros(2), "spread": np.ones(2), **changes}
    np.savez(path / "scaling.npz", **{name: array for name, array in scaling.items() if array is not None})
    return path / "network.npz"


def jacobian_of(**changes):
    """The arguments of a jacobian in a folder with such changes."""
    return lambda p: ["jacobian", run_folder(p / "run", **changes), write(p / "d.csv", "a,b\n1,2\n3,4\n"), "--out", p / "J.npy"]


REFUSALS = {
    "no such data": (lambda p: ["train", "mnist"], "DATA must be one of digits.*'mnist'"),
    "a file that is not there": (lambda p: ["train", p / "none.csv", "--target", "y"], "No such file"),
    "no target named": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n")], "--target must name.*x, y"),
    "a missing column": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n"), "--target", "z"], "x, y, but is 'z'"),
    "a cell that is no number": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\nred,3\n2,4\n"), "--target", "y"],
                                 "line 3: column 'x'.*'red'"),
    "a cell that is not finite": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\nnan,3\n"), "--target", "y"],
                                  "line 3: column 'x' must hold a value.*'nan'.*--missing drop.*--missing mean"),
    "a line too short": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n1\n"), "--target", "y"], "line 3: expected 2 cells.*1"),
    "an empty file": (lambda p: ["train", write(p / "a.csv", ""), "--target", "y"], "a.csv must hold a line of column names.*is "
                                                                                    "empty"),
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
    "a scaling of another shape": (jacobian_of(center=np.zeros((2, 1))), r"scaling.npz.*shape \[2\].*\[2, 1\]"),
    "a scaling that is a number": (jacobian_of(spread=np.ones(())), r"scaling.npz.*shape \[2\]"),
    "a scaling of more features": (jacobian_of(center=np.zeros(3), spread=np.ones(3)), r"scaling.npz.*shape \[2\].*\[3\]"),
    "a negative spread": (jacobian_of(spread=np.array([1.0, -1])), r"scaling.npz.*spread.*above 0.*spread\[1\] is -1"),
    "a spread of 0": (jacobian_of(spread=np.array([0.0, 1])), r"spread\[0\] is 0"),
    "a spread that is not finite": (jacobian_of(spread=np.array([np.nan, 1])), r"spread\[0\] is nan"),
    "a center that is not finite": (jacobian_of(center=np.array([1.0, np.inf])), r"center\[1\] is inf"),
    "a scaling of text": (jacobian_of(center=np.array(["a", "b"])), "scaling.npz.*center"),
    "a scaling without its spread": (jacobian_of(spread=None), "scaling.npz.*lacks spread"),
    "a run.json that is cut": (jacobian_of(json="{"), "run.json.*cannot be read"),
    "a run.json of something else": (jacobian_of(json='{"name": 3}'), "run.json.*cannot be read.*KeyError"),
    "a run.json of another network": (jacobian_of(json=json.dumps({
        "format": "gammachain run 1", "targets": {"names": []},
        "features": {"columns": ["a"], "width": 1, "categories": {}, "ignored": []}})), "1 features.*takes 2"),
    "a folder that is in use": (lambda p: [write(p / "notes.txt", "x"), "train", "iris", "--run-folder", p][1:],
                                "already holds notes.txt.*--overwrite"),
    "a run folder that is a file": (lambda p: ["train", "iris", "--run-folder", write(p / "notes.txt", "x")], "is a file"),
    "nothing to go on with": (lambda p: [write(p / "notes.txt", "x"), "train", "iris", "--resume", "--run-folder", p][1:],
                              "no checkpoint.npz"),
    "no folder to go on in": (lambda p: ["train", "iris", "--resume"], "--resume needs --run-folder"),
    "both at once": (lambda p: ["train", "iris", "--resume", "--overwrite", "--run-folder", p / "r"], "one of them"),
    "a negative seed": (lambda p: ["train", "iris", "--seed", "-1"], "--seed.*-1"),
    "J over the data": (lambda p: [engine.Network.initialize((2, 1), "tanh").save(p / "n.npz"), "jacobian", p / "n.npz",
                                   write(p / "d.csv", "a,b\n1,2\n"), "--out", p / "d.csv"][1:], "--out must name a file of its "
                                                                                                "own.*d.csv"),
    "J over the network": (lambda p: [engine.Network.initialize((4, 1), "tanh").save(p / "n.npz"), "jacobian", p / "n.npz", "iris",
                                      "--out", p / "x" / ".." / "n.npz", (p / "x").mkdir()][1:-1], "--out must name a file of its "
                                                                                                   "own"),
    "J into no folder": (lambda p: ["jacobian", p / "n.npz", "iris", "--out", p / "none" / "J.npy"], "none does not"),
    "J over a folder": (lambda p: ["jacobian", p / "n.npz", "iris", "--out", p], "is a folder"),
    "a feature beyond float32": (lambda p: [engine.Network.initialize((2, 1), "tanh", dtype=np.float32).save(p / "n.npz"),
                                            "jacobian",
                                            p / "n.npz", write(p / "d.csv", "a,b\n1,2\n3,1e200\n"), "--out", p / "J.npy"][1:],
                                 "d.csv, line 3: feature 1 is 1e.200, which float32 cannot hold"),
    "a target beyond float32": (lambda p: ["train", write(p / "d.csv", "a,y\n1,2\n3,3\n2,1e60\n4,2.5\n"), "--target", "y", "--loss",
                                           "poisson", "--dtype", "float32"], "d.csv, line 4: the target 'y' is 1e.60, which "
                                                                             "float32"),
    "divergence": (lambda p: ["train", "diabetes", "--activation", "identity", "--update", "gradient_descent", "--rate", "1e30",
                              "--quiet"], "lower the rate.*nothing is saved"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_one_line_and_exit_2(capsys, tmp_path, monkeypatch, name):
    monkeypatch.setenv("GAMMACHAIN_RUNS", str(tmp_path / "runs"))
    arguments, words = REFUSALS[name]
    status, _, err = run(capsys, *arguments(tmp_path))
    assert status == 2
    line, = [line for line in err.splitlines() if line.startswith("python -m engine")]
    assert re.search(words, line), line
    assert "Traceback" not in err
