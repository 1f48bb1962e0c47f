"""What a saved run serves: predictions, scores, derivatives, exports, pictures."""

import csv
import importlib.util
import io
import json

import numpy as np
import pytest

import engine

from .running import done, run, saved, write

ROWS = [(a, "red" if b > 0 else "blue", b, "up" if a > b else "down") for a, b in
        np.random.default_rng(0).standard_normal((40, 2)).tolist()]
X = np.array([[a, c == "blue", c == "red", b] for a, c, b, _ in ROWS])


def table(path, names, rows):
    """A CSV file."""
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


@pytest.fixture
def kinds(tmp_path, capsys):
    """A folder with d.csv, of features a, c, b and the class kind, and a run on it."""
    table(tmp_path / "d.csv", ["a", "c", "b", "kind"], ROWS)
    table(tmp_path / "new.csv", ["b", "c", "a"], [(b, c, a) for a, c, b, _ in ROWS])
    status, out, err = run(capsys, "train", tmp_path / "d.csv", "--target", "kind", "--categories", "one-hot", "--widths", 4,
                           "--epochs", 2, "--rate", 0.05, "--quiet", "--run-folder", tmp_path / "run")
    assert status == 0 and "kind, read as classes (2 labels)" in out, err
    return tmp_path


def test_what_the_network_was_trained_on_travels_with_it(kinds, capsys):
    found = saved(kinds / "run")
    assert found["features"] == {"columns": ["a", "c", "b"], "width": 4, "categories": {"c": ["blue", "red"]}, "ignored": ["kind"]}
    network = engine.load(kinds / "run" / "network.npz")
    for name in ("run", "run/network.npz"):
        assert run(capsys, "jacobian", kinds / name, kinds / "new.csv", "--out", kinds / "J.npy", "--max-bytes", 5000)[0] == 0
        assert np.array_equal(np.load(kinds / "J.npy"), network.jacobian(X).dense())
    scaling, trained = found["columns"]["scaling"], engine.load(kinds / "run" / "trained.npz")
    scaled = trained.jacobian((X - scaling["center"]) / scaling["spread"])
    said = done(capsys, "jacobian", kinds / "run", kinds / "new.csv", "--scaled", "--out", kinds / "J.npy")
    assert said["shape"] == [80, trained.size] and np.allclose(np.load(kinds / "J.npy"), scaled.dense(), rtol=1e-12, atol=1e-12)
    assert done(capsys, "ntk", kinds / "run", kinds / "new.csv", "--out", kinds / "K.npy")["shape"] == [80, 80]
    assert np.array_equal(np.load(kinds / "K.npy"), network.jacobian(X).gram())
    (kinds / "new.csv").write_text("b,c,other\n1,red,2\n")
    status, _, err = run(capsys, "jacobian", kinds / "run", kinds / "new.csv", "--out", kinds / "J.npy")
    assert status == 2 and "lacks a" in err and err.count("\n") == 1


def test_predictions_find_columns_by_name_and_need_no_target(kinds, capsys):
    whole, shuffled = (run(capsys, "predict", kinds / "run", kinds / name)[1] for name in ("d.csv", "new.csv"))
    assert whole == shuffled
    rows = list(csv.DictReader(io.StringIO(whole)))
    P = engine.Cost("softmax_cross_entropy").loss.inverse_link(engine.load(kinds / "run" / "network.npz")(X))
    assert [row["kind"] for row in rows] == [("down", "up")[k] for k in P.argmax(1)] and rows[-1]["row"] == "39"
    assert np.allclose([[float(row["probability down"]), float(row["probability up"])] for row in rows], P, rtol=1e-13)
    assert done(capsys, "predict", kinds / "run", kinds / "new.csv", "--out", kinds / "p.csv")["samples"] == 40
    assert (kinds / "p.csv").read_text() == whole
    assert done(capsys, "predict", kinds / "run", kinds / "new.csv")["columns"]["kind"] == [row["kind"] for row in rows]
    status, _, err = run(capsys, "predict", kinds / "run", kinds / "new.csv", "--out", kinds / "new.csv")
    assert status == 2 and "--out must name a file of its own" in err


def test_lines_that_are_left_out_are_said(kinds, capsys):
    (kinds / "new.csv").write_text("a,c,b\n1,red,2\n,red,2\n3,blue,4\n")
    status, _, err = run(capsys, "predict", kinds / "run", kinds / "new.csv")
    assert status == 2 and "--missing" in err
    status, out, err = run(capsys, "predict", kinds / "run", kinds / "new.csv", "--missing", "drop")
    assert status == 0 and [line.split(",")[0] for line in out.splitlines()] == ["row", "0", "2"] and err.startswith(
        "python -m engine predict: ") and err.count("\n") == 1


def test_scores_of_classes(kinds, capsys):
    found, said = done(capsys, "evaluate", kinds / "run", kinds / "d.csv"), saved(kinds / "run")
    both = [said["results"][part] for part in ("train", "test")]
    assert found["confusion"] == (np.array(both[0]["confusion"]) + both[1]["confusion"]).tolist()
    assert found["accuracy"] == np.trace(found["confusion"]) / 40 and found["labels"] == ["down", "up"]
    assert found["cost"] == pytest.approx(sum(part["cost"] * part["samples"] for part in both) / 40, rel=1e-12)
    assert "truth \\ predicted" in run(capsys, "evaluate", kinds / "run", kinds / "d.csv")[1]
    (kinds / "d.csv").write_text("a,c,b,kind\n1,red,2,sideways\n")
    status, _, err = run(capsys, "evaluate", kinds / "run", kinds / "d.csv")
    assert status == 2 and "sideways" in err and "down, up" in err


def test_scores_of_numbers_are_in_their_own_units(capsys, tmp_path):
    rows = [(a, 1000 + 50 * a) for a in np.random.default_rng(0).standard_normal(30).tolist()]
    table(tmp_path / "d.csv", ["a", "price"], rows)
    assert run(capsys, "train", tmp_path / "d.csv", "--target", "price", "--widths", "--epochs", 60, "--rate", 0.05, "--quiet",
               "--run-folder", tmp_path / "run")[0] == 0
    found = done(capsys, "evaluate", tmp_path / "run", tmp_path / "d.csv")
    y = np.array([price for _, price in rows])
    predicted = np.array(done(capsys, "predict", tmp_path / "run", tmp_path / "d.csv")["columns"]["price"])
    assert found["rmse"] == [pytest.approx(np.sqrt(((predicted - y) ** 2).mean()))] and found["r2"] > 0.9
    assert found["r2"] == pytest.approx(1 - ((predicted - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    assert (tmp_path / "run" / "predictions.png").stat().st_size > 1000
    (tmp_path / "run" / "predictions.png").unlink()
    assert "predictions.png" in done(capsys, "plot", tmp_path / "run")["files"]
    assert (tmp_path / "run" / "predictions.png").exists()


@pytest.mark.parametrize("loss, columns", [("binary_cross_entropy", ["row", "y", "probability no", "probability yes"]),
                                           ("hinge", ["row", "y", "margin"]), ("poisson", ["row", "y"]),
                                           ("gaussian_nll", ["row", "y", "standard deviation y"])])
def test_predictions_of_other_losses(capsys, tmp_path, loss, columns):
    rows = [(i % 7, i % 3 if loss in ("poisson", "gaussian_nll") else "no yes".split()[i % 2]) for i in range(30)]
    table(tmp_path / "d.csv", ["a", "y"], rows)
    assert run(capsys, "train", tmp_path / "d.csv", "--target", "y", "--loss", loss, "--epochs", 1, "--widths", 3, "--quiet",
               "--run-folder", tmp_path / "run")[0] == 0
    found = done(capsys, "predict", tmp_path / "run", tmp_path / "d.csv")["columns"]
    assert list(found) == columns and (loss == "hinge" or min(found[columns[-1]]) > 0)
    score = done(capsys, "evaluate", tmp_path / "run", tmp_path / "d.csv")
    assert ("r2" if loss in ("poisson", "gaussian_nll") else "confusion") in score


def test_several_answers_of_yes_and_no(capsys, tmp_path):
    table(tmp_path / "d.csv", ["a", "y", "z"], [(i % 7, i % 2, (i + 1) % 2) for i in range(30)])
    assert run(capsys, "train", tmp_path / "d.csv", "--target", "y,z", "--loss", "binary_cross_entropy", "--epochs", 1, "--widths",
               3, "--quiet", "--run-folder", tmp_path / "run")[0] == 0
    found = done(capsys, "predict", tmp_path / "run", tmp_path / "d.csv")["columns"]
    assert list(found) == ["row", "y", "z", "probability y", "probability z"] and set(found["y"]) <= {0, 1}
    assert 0 <= done(capsys, "evaluate", tmp_path / "run", tmp_path / "d.csv")["accuracy"] <= 1


def test_the_run_of_a_former_release_still_serves(capsys, tmp_path):
    """Its network takes scaled features, as scaling.npz beside it says."""
    folder, network = tmp_path / "run", engine.Network.initialize((3, 4, 2), "tanh", seed=1)
    folder.mkdir()
    network.save(folder / "network.npz")
    center, spread = np.array([1.0, 0.0, 2.0]), np.array([2.0, 1.0, 0.5])
    np.savez(folder / "scaling.npz", center=center, spread=spread, target=np.array([[0.0, 0.0], [1.0, 1.0]]))
    (folder / "run.json").write_text(json.dumps({
        "format": "gammachain run 1", "network": [3, 4, 2], "options": {"data": "d.csv", "epochs": 2},
        "features": {"columns": ["a", "c"], "width": 3, "categories": {"c": ["blue", "red"]}, "ignored": ["kind"]},
        "targets": {"names": ["kind"], "task": "classes", "labels": ["down", "up"], "loss": "softmax_cross_entropy"}}))
    table(tmp_path / "d.csv", ["c", "a", "kind"], [("red", 1.5, "up"), ("blue", -1, "down")])
    inputs = (np.array([[1.5, 0, 1], [-1, 1, 0]]) - center) / spread
    for name in ("run", "run/network.npz"):
        assert run(capsys, "jacobian", tmp_path / name, tmp_path / "d.csv", "--out", tmp_path / "J.npy")[0] == 0
        assert np.array_equal(np.load(tmp_path / "J.npy"), network.jacobian(inputs).dense())
    assert run(capsys, "jacobian", tmp_path / "run", tmp_path / "d.csv", "--raw", "--out", tmp_path / "J.npy")[0] == 0
    assert np.array_equal(np.load(tmp_path / "J.npy"), network.jacobian(inputs * spread + center).dense())
    assert done(capsys, "predict", folder, tmp_path / "d.csv")["columns"]["kind"] == [
        ("down", "up")[k] for k in network(inputs).argmax(1)]
    assert done(capsys, "evaluate", folder, tmp_path / "d.csv")["samples"] == 2
    status, _, err = run(capsys, "train", "--like", folder)
    assert status == 2 and "earlier release" in err


def test_what_a_run_holds(kinds, capsys):
    out = run(capsys, "info", kinds / "run")[1]
    assert "finished" in out and "kind, read as classes" in out and "folded" in out
    assert done(capsys, "info", kinds / "run")["targets"]["labels"] == ["down", "up"]
    assert "numba" in run(capsys, "info")[1] and done(capsys, "info")["gammachain"] == engine.__version__


def test_pictures_are_drawn_again(kinds, capsys):
    for name in ("curves.png", "confusion.png"):
        assert (kinds / "run" / name).stat().st_size > 1000
        (kinds / "run" / name).unlink()
    assert done(capsys, "plot", kinds / "run")["files"] == ["curves.png", "confusion.png"]
    assert (kinds / "run" / "confusion.png").exists()


@pytest.mark.parametrize("name", ["onnx", "safetensors"])
def test_networks_are_exported(kinds, capsys, name):
    if importlib.util.find_spec(name) is None:
        status, _, err = run(capsys, "export", kinds / "run", kinds / f"n.{name}")
        assert status == 2 and name in err and err.count("\n") == 1
        return
    assert done(capsys, "export", kinds / "run", kinds / f"n.{name}")["format"] == name
    found = importlib.import_module(f"engine.interop.{name}").load(kinds / f"n.{name}")
    assert np.allclose(found(X), engine.load(kinds / "run" / "network.npz")(X), rtol=1e-6)


def test_runs_that_lack_something(kinds, capsys):
    (kinds / "empty").mkdir()
    network = kinds / "alone.npz"
    engine.load(kinds / "run" / "network.npz").save(network)
    for arguments, words in ((["predict", kinds / "empty", kinds / "d.csv"], "holds no network.npz"),
                             (["predict", network, kinds / "d.csv"], "predict needs a run"),
                             (["evaluate", network, kinds / "d.csv"], "evaluate needs a run"),
                             (["plot", kinds / "empty"], "holds no history.csv"), (["info", kinds / "none"], "is none"),
                             (["export", kinds / "run", kinds / "n.pt"], "ends in .onnx or .safetensors"),
                             (["jacobian", network, kinds / "d.csv", "--scaled", "--out", kinds / "J.npy"], "--scaled needs")):
        status, _, err = run(capsys, *arguments)
        assert status == 2 and words in err and err.count("\n") == 1, err


def test_a_table_is_written_whole(tmp_path):
    from engine.command.table_files import read_csv, write_csv

    write_csv(tmp_path / "t.csv", {"a": np.array([0.1, 1e-300]), 'b,"': ["é", None]})
    assert read_csv(tmp_path / "t.csv") == {"a": ["0.1", "1e-300"], 'b,"': ["é", ""]}
    write(tmp_path / "t.csv", "")
