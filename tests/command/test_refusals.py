"""What the command refuses: one line, the exit status 2."""

import json
import re

import numpy as np
import pytest

import engine

from .running import run, write


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
    "a cell that is no number": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n5,4\nred,3\n"), "--target", "y"],
                                 "line 4: column 'x'.*'red'"),
    "a cell that is not finite": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\nnan,3\n"), "--target", "y"],
                                  "line 3: column 'x' must hold a value.*--missing drop"),
    "a line too short": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n5\n3,1\n"), "--target", "y"],
                         "line 3: expected 2 cells.*1"),
    "an empty file": (lambda p: ["train", write(p / "a.csv", ""), "--target", "y"], "a.csv must hold a line of column names.*is "
                                                                                    "empty"),
    "a header alone": (lambda p: ["train", write(p / "a.csv", "x,y\n"), "--target", "y"], "at least one line of data"),
    "one sample": (lambda p: ["train", write(p / "a.csv", "x,y\n1,2\n"), "--target", "y"], "of 1 samples leaves"),
    "an .npz without X": (lambda p: [np.savez(p / "a.npz", z=np.ones(3)), "train", p / "a.npz"][1:], "X and y.*holds z"),
    "a loss by another name": (lambda p: ["train", "iris", "--loss", "hinge:2"],
                               r"--loss must be one of .*quantile_loss\[:NUMBER\].*'hinge:2'"),
    "a level that is none": (lambda p: ["train", "diabetes", "--loss", "quantile_loss:x"],
                             "--loss must be given as quantile_loss:NUMBER"),
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
    "a run.json of something else": (jacobian_of(json='{"name": 3}'), "run.json must describe a run"),
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
                                 "d.csv, line 3: feature 'b' is 1e.200, which float32 cannot hold"),
    "a target beyond float32": (lambda p: ["train", write(p / "d.csv", "a,y\n5,2\n2,3\n3,1e60\n4,2.5\n"), "--target", "y", "--loss",
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
