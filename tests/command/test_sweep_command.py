"""gammachain sweep: a grid in a TOML file, and the store that it leaves."""

import csv

import numpy as np
import pytest

from .running import done, run, write

TABLE = "a,b,y\n" + "".join(f"{i % 7},{i * i % 5},{(i % 7) * (i * i % 5) + i / 9}\n" for i in range(30))
SWEEP = """data = "d.csv"
executor = "threads"
[settings]
target = "y"
epochs = 2
[grid]
widths = [[3], [4, 2]]
rate = [0.001, 0.1]
"""


def test_a_sweep_trains_shows_and_keeps(capsys, tmp_path):
    write(tmp_path / "d.csv", TABLE)
    path = write(tmp_path / "rates.toml", SWEEP)
    found = done(capsys, "sweep", path, "--quiet")
    assert found["runs"] == 4 and found["failed"] == 0 and found["key"] == "test_r2" and found["largest"]
    assert [row["test_r2"] for row in found["rows"]] == sorted((row["test_r2"] for row in found["rows"]), reverse=True)
    status, out, _ = run(capsys, "sweep", path, "--quiet", "--out", tmp_path / "all.csv", "--rows", 1)
    assert status == 0 and "4 runs, 0 failed" in out and "train the best again by: python -m engine train" in out
    with open(tmp_path / "all.csv") as file:
        assert [float(row["test_r2"]) for row in csv.DictReader(file)] != []
    best = found["rows"][0]
    again = done(capsys, "train", tmp_path / "d.csv", "--target=y", "--epochs=2", f"--rate={best['rate']}", "--widths",
                 *best["widths"], "--quiet", "--run-folder", tmp_path / "run")
    assert again["test"]["r2"] == best["test_r2"]
    assert found["over_seeds"] == []
    kept = done(capsys, "sweep", tmp_path / "rates.sqlite", "--key", "cost")
    assert kept["runs"] == 4 and kept["rows"][0]["cost"] == np.min([row["cost"] for row in found["rows"]])


def test_runs_are_compared_over_their_seeds(capsys, tmp_path):
    write(tmp_path / "d.csv", TABLE)
    path = write(tmp_path / "seeds.toml", SWEEP.replace("widths = [[3], [4, 2]]", "seed = [0, 1]"))
    found = done(capsys, "sweep", path, "--quiet", "--key", "train_r2")
    means = {rate: np.mean([row["train_r2"] for row in found["rows"] if row["rate"] == rate]) for rate in (0.001, 0.1)}
    assert [row["rate"] for row in found["over_seeds"]] == sorted(means, key=means.get, reverse=True)
    assert found["over_seeds"][0]["train_r2_mean"] == pytest.approx(max(means.values()))
    assert "over the seeds, the largest mean of train_r2 first" in run(capsys, "sweep", path, "--quiet", "--key", "train_r2")[1]


@pytest.mark.parametrize("text, words", [
    ("data = 3", "data must be a str"), ("datum = 'd.csv'", "did you mean data?"), ("data = 'd.csv'", "must name grid"),
    (SWEEP.replace("rate", "rats"), "did you mean rate?"), (SWEEP.replace("[0.001, 0.1]", "0.1"), "must be a list"),
    (SWEEP.replace("epochs = 2", "rate = 2"), "stands in both"), ("data = ", "cannot be read"),
    (SWEEP.replace("threads", "cluster"), "executor must be"), (SWEEP.replace("d.csv", "none.csv"), "No such file")])
def test_mistakes_in_the_file(capsys, tmp_path, text, words):
    write(tmp_path / "d.csv", TABLE)
    status, _, err = run(capsys, "sweep", write(tmp_path / "s.toml", text), "--quiet")
    assert status == 2 and words in err and err.count("\n") == 1, err


def test_other_files(capsys, tmp_path):
    write(tmp_path / "d.csv", TABLE)
    for name, words in (("d.csv", "FILE.toml"), ("none.toml", "is none")):
        status, _, err = run(capsys, "sweep", tmp_path / name)
        assert status == 2 and words in err
