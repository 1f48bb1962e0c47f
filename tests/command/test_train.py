"""gammachain train: what it trains, writes and says."""

import csv
import hashlib
import json
import sys

import numpy as np
import pytest

import engine
from engine.command.tables.data import read_data

from .running import done, run, saved, write


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


@pytest.mark.parametrize("order", ["sequential", "shuffled", "with_replacement"])
def test_the_run_is_the_one_that_its_options_say(capsys, tmp_path, order):
    from sklearn.datasets import load_iris

    from schedulers import BatchSchedule

    status, _, err = run(capsys, "train", "iris", "--epochs", 2, "--widths", 5, "--activation", "sigmoid", "--batch-size", 20,
                         "--rate",
                         0.02, "--update", "adamw", "--reduction", "cvar:0.5", "--seed", 3, "--test-fraction", 0.3, "--order",
                         order, "--quiet", "--run-folder", tmp_path)
    assert status == 0, err
    X, y = load_iris(return_X_y=True)
    split = read_data("iris").split(0.3, 3)
    test, rest = split.test, split.train
    assert len(test) == 45 and np.bincount(y[test]).tolist() == [15, 15, 15]
    scaling = saved(tmp_path)["columns"]["scaling"]
    assert np.allclose(scaling["center"], X[rest].mean(0)) and np.allclose(scaling["spread"], X[rest].std(0))
    X = (X - scaling["center"]) / scaling["spread"]
    start = engine.Network.initialize((4, 5, 3), ("sigmoid", "identity"), seed=3)
    cost = engine.Cost("softmax_cross_entropy", engine.reductions.cvar(0.5))
    expected = engine.fit(start, X[rest], y[rest], cost, engine.AdamW(0.02), BatchSchedule(20, order=order, seed=3), epochs=2,
                          validation=(X[test], y[test]), progress=False)
    assert np.array_equal(engine.load(tmp_path / "trained.npz").parameters, expected.network.parameters)
    with open(tmp_path / "history.csv") as file:
        found = [float(row["validation_cost"]) for row in csv.DictReader(file)]
    assert found == [row["validation_cost"] for row in expected.history]


@pytest.mark.compiled
def test_several_numbers_are_scaled_each_by_itself(capsys, tmp_path):
    X = np.random.default_rng(0).standard_normal((80, 3))
    np.savez(tmp_path / "d.npz", X=X, y=np.stack([X[:, 0] * 1e200, X[:, 1] * 1e-200 + 7e-200], axis=1))
    status, out, err = run(capsys, "train", tmp_path / "d.npz", "--epochs", 200, "--widths", "--batch-size", 8, "--rate", 0.05,
                           "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "3-2, tanh" in out and "y[:, 0], y[:, 1], read as 2 numbers" in out, err
    assert float(next(line.split()[-1] for line in out.splitlines() if "test R^2 (mean of 2)" in line)) > 0.99
    found = saved(tmp_path / "run")
    target = found["columns"]["target_scaling"]
    assert target["spread"][0] == pytest.approx(1e200, rel=0.3) and target["center"][1] == pytest.approx(7e-200, rel=0.1)
    assert found["scaling"]["folded"]
    outputs = engine.load(tmp_path / "run" / "network.npz")(X)
    assert np.corrcoef(outputs[:, 0] / 1e200, X[:, 0])[0, 1] > 0.99 and np.allclose(outputs[:, 1] * 1e200, X[:, 1] + 7, atol=0.5)


@pytest.mark.compiled
@pytest.mark.parametrize("loss, word", [("poisson", "R^2"), ("binary_cross_entropy", "accuracy"), ("hinge", "accuracy"),
                                        ("quantile_loss:0.5", "R^2"), ("gaussian_nll", "R^2")])
def test_losses_find_data_that_fit_them(capsys, tmp_path, loss, word):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((300, 2))
    numbers = {"poisson": np.exp(X[:, 0]), "quantile_loss:0.5": X[:, 0], "gaussian_nll": 100 + 7 * X[:, 0]}
    y = numbers.get(loss, np.where(X[:, 0] > 0, "yes", "no"))
    np.savez(tmp_path / "d.npz", X=X, y=y)
    status, out, err = run(capsys, "train", tmp_path / "d.npz", "--loss", loss, "--epochs", 100, "--widths", 8, "--rate", 0.01,
                           "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and ("2-8-2" if loss == "gaussian_nll" else "2-8-1") in out, err
    assert float(next(line.split()[-1] for line in out.splitlines() if f"train {word}" in line)) > 0.9




def test_run_json_is_there_before_the_first_epoch_and_whole_at_the_end(capsys, tmp_path, monkeypatch):
    before, fit = [], engine.fit

    def looked_at(*inputs, **more):
        before.append(saved(tmp_path / "run"))
        return fit(*inputs, **more)

    monkeypatch.setattr("engine.command.train.fit", looked_at)
    text = "a,b,kind\n" + "".join(f"{i % 7},{i * i % 5},{'up' if i % 2 else 'down'}\n" for i in range(20))
    path = write(tmp_path / "d.csv", text)
    assert run(capsys, "train", path, "--target", "kind", "--epochs", 1, "--widths", 3, "--quiet", "--run-folder",
               tmp_path / "run")[0] == 0
    begun, = before
    assert begun["status"] == "running" and "results" not in begun
    found = saved(tmp_path / "run")
    assert {name: found[name] for name in begun if name != "status"} == {name: begun[name] for name in begun if name != "status"}
    assert found["command"].startswith("python -m engine train ") and found["options"]["rate"] == 0.001 and found["seed"] == 0
    assert found["data"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and found["data"]["samples"] == 20
    assert found["targets"] == {**found["targets"], "task": "classes", "labels": ["down", "up"], "names": ["kind"]}
    assert [one["name"] for one in found["columns"]["encodings"]] == ["a", "b"] and len(found["columns"]["scaling"]["center"]) == 2
    assert {"gammachain", "numba", "numpy", "python"} <= set(found["versions"]) and found["machine"]["threads"] >= 1
    assert found["status"] == "finished" and found["results"]["epochs"] == 1 and found["compiled"]["functions"] >= 0
    assert np.sum(found["results"]["test"]["confusion"]) == found["split"]["test"] == 4


@pytest.mark.parametrize("dtype, most", [("float64", 5e-15), ("float32", 3e-6)])
def test_the_scaling_is_folded_into_the_network(capsys, tmp_path, dtype, most):
    generator = np.random.default_rng(1)
    X = generator.standard_normal((60, 3)) * [1.0, 20.0, 0.01] + [1.0, -30.0, 0.02]
    np.savez(tmp_path / "d.npz", X=X, y=generator.standard_normal((60, 2)) * [3.0, 100.0] + [1.0, 200.0])
    assert run(capsys, "train", tmp_path / "d.npz", "--epochs", 3, "--widths", 6, "--dtype", dtype, "--quiet", "--run-folder",
               tmp_path / "run")[0] == 0
    found = saved(tmp_path / "run")
    scaling, target = found["columns"]["scaling"], found["columns"]["target_scaling"]
    trained, folded = (engine.load(tmp_path / "run" / name) for name in ("trained.npz", "network.npz"))
    assert found["scaling"]["folded"] and folded.dtype == dtype
    expected = trained((X - scaling["center"]) / scaling["spread"])
    assert np.abs((folded(X) - target["center"]) / target["spread"] - expected).max() < most
    left = np.load(tmp_path / "run" / "scaling.npz")
    assert np.array_equal(left["center"], np.zeros(3)) and np.array_equal(left["spread"], np.ones(3))
    assert np.array_equal(left["target"], [[0, 0], [1, 1]])


def test_a_scaling_that_rounding_would_spoil_stays_apart(capsys, tmp_path):
    X = 1e9 + np.random.default_rng(0).standard_normal((30, 2))
    np.savez(tmp_path / "d.npz", X=X, y=X[:, 0] - 1e9)
    status, out, _ = run(capsys, "train", tmp_path / "d.npz", "--epochs", 2, "--widths", 3, "--dtype", "float32", "--quiet",
                         "--run-folder", tmp_path / "run")
    assert status == 0 and "not folded, since rounding in float32" in out
    found = saved(tmp_path / "run")
    assert not found["scaling"]["folded"] and np.load(tmp_path / "run" / "scaling.npz")["center"][0] == pytest.approx(1e9)
    score = done(capsys, "evaluate", tmp_path / "run", tmp_path / "d.npz")
    assert score["samples"] == 30 and 0 < score["rmse"][0] < 5


def test_weights_and_groups_enter_the_cost(capsys, tmp_path):
    rows = [(i % 7, i * i % 5, 1 + i % 3, "abcde"[i % 5], i % 7 + i * i % 5) for i in range(40)]
    path = write(tmp_path / "d.csv", "a,b,w,g,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    arguments = ["train", path, "--target", "y", "--task", "numbers", "--epochs", 2, "--widths", 3, "--quiet"]
    weighted = done(capsys, *arguments, "--drop", "g", "--weights", "w", "--run-folder", tmp_path / "weighted")
    assert "weighted_mean" in saved(tmp_path / "weighted")["cost"] and weighted["validation_cost"] > 0
    again = done(capsys, "evaluate", tmp_path / "weighted", path)
    assert again["samples"] == 40 and again["cost"] > 0
    worst = done(capsys, *arguments, "--drop", "w", "--groups", "g", "--reduction", "group_max", "--run-folder", tmp_path / "worst")
    assert "group_max" in saved(tmp_path / "worst")["cost"] and any("whole groups" in note for note in worst["notes"])
    status, _, err = run(capsys, *arguments, "--reduction", "group_max", "--drop", "g,w", "--run-folder", tmp_path / "none")
    assert status == 2 and "--groups COLUMN" in err


def test_one_object_for_machines(capsys, tmp_path):
    status, out, err = run(capsys, "train", "iris", "--epochs", 2, "--widths", 3, "--json", "--run-folder", tmp_path / "run")
    assert status == 0 and out.count("\n") == 1 and "epoch" in err
    found = json.loads(out)
    assert found["folder"] == str(tmp_path / "run") and found["epochs"] == 2 and 0 <= found["test"]["accuracy"] <= 1
    status, out, err = run(capsys, "train", "iris", "--json", "--run-folder", tmp_path / "run")
    assert status == 2 and "already holds" in json.loads(out)["error"] and err.count("\n") == 1


def test_without_matplotlib_there_are_no_pictures(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, out, _ = run(capsys, "train", "iris", "--epochs", 1, "--widths", 3, "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "none, since Matplotlib is not installed" in out and not list((tmp_path / "run").glob("*.png"))
    status, _, err = run(capsys, "plot", tmp_path / "run")
    assert status == 2 and "needs matplotlib: python -m pip install" in err
