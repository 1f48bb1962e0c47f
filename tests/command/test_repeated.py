"""Runs that are repeated or go on, bit for bit, by what their folder holds."""

import numpy as np
import pytest

import engine

from .running import done, run, saved, write


@pytest.fixture
def whole(tmp_path, capsys):
    """A folder with d.csv and a run of six epochs on it."""
    write(tmp_path / "d.csv", "a,b,y\n" + "".join(f"{i % 7},{i * i % 5},{(i % 7) * (i * i % 5) + i / 9}\n" for i in range(30)))
    assert run(capsys, "train", tmp_path / "d.csv", "--target", "y", "--epochs", 6, "--widths", 4, "--seed", 3, "--update", "adamw",
               "--quiet", "--run-folder", tmp_path / "whole")[0] == 0
    return tmp_path


def same(one, other):
    """Whether two runs have the same networks and costs."""
    parameters = [[engine.load(folder / name).parameters for name in ("network.npz", "trained.npz")] for folder in (one, other)]
    costs = [[line.split(",")[:4] for line in (folder / "history.csv").read_text().splitlines()] for folder in (one, other)]
    return costs[0] == costs[1] and all(map(np.array_equal, *parameters))


def test_like_repeats_a_run(whole, capsys):
    found = done(capsys, "train", "--like", whole / "whole", "--run-folder", whole / "again", "--quiet")
    assert found["epochs"] == 6 and same(whole / "whole", whole / "again")
    assert saved(whole / "again")["options"] == saved(whole / "whole")["options"]
    assert done(capsys, "train", "--like", whole / "whole", "--epochs", 2, "--run-folder", whole / "less", "--quiet")["epochs"] == 2
    assert saved(whole / "less")["options"]["seed"] == 3


def test_like_refuses_other_data(whole, capsys):
    text = (whole / "d.csv").read_text()
    write(whole / "d.csv", text.replace("\n0,", "\n0.5,", 1))
    status, _, err = run(capsys, "train", "--like", whole / "whole", "--run-folder", whole / "again")
    assert status == 2 and saved(whole / "whole")["data"]["sha256"][:16] in err and not (whole / "again").exists()
    write(whole / "e.csv", text)
    (whole / "d.csv").unlink()
    assert run(capsys, "train", whole / "e.csv", "--like", whole / "whole", "--run-folder", whole / "again", "--quiet")[0] == 0
    assert same(whole / "whole", whole / "again")


def test_resume_goes_on(whole, capsys):
    assert run(capsys, "train", "--like", whole / "whole", "--epochs", 2, "--run-folder", whole / "parts", "--quiet")[0] == 0
    assert done(capsys, "resume", whole / "parts", "--epochs", 6, "--quiet")["epochs"] == 6
    assert same(whole / "whole", whole / "parts") and saved(whole / "parts")["options"]["epochs"] == 6
    assert done(capsys, "resume", whole / "parts", "--quiet")["epochs"] == 6
    (whole / "d.csv").rename(whole / "moved.csv")
    status, _, err = run(capsys, "resume", whole / "parts", "--epochs", 7, "--quiet")
    assert status == 2 and "d.csv" in err
    assert done(capsys, "resume", whole / "parts", "--data", whole / "moved.csv", "--epochs", 7, "--quiet")["epochs"] == 7


def test_an_interrupted_run_goes_on_by_resume(whole, capsys, monkeypatch):
    fit = engine.fit

    def stopped(*inputs, epochs, **more):
        fit(*inputs, epochs=2, **more)
        error = KeyboardInterrupt()
        error.result = fit(*inputs, epochs=2, **{**more, "resume": True})
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("engine.command.train.fit", stopped)
        status, _, err = run(capsys, "train", "--like", whole / "whole", "--run-folder", whole / "parts", "--quiet")
    assert status == 130 and err.rstrip().endswith(f"go on by: python -m engine resume {whole / 'parts'}")
    assert saved(whole / "parts")["status"] == "interrupted" and "go on by" in run(capsys, "info", whole / "parts")[1]
    assert run(capsys, "resume", whole / "parts", "--quiet")[0] == 0 and same(whole / "whole", whole / "parts")


def test_what_cannot_be_repeated(whole, capsys):
    (whole / "empty").mkdir()
    for path in (whole / "whole").glob("checkpoint.npz*"):
        path.unlink()
    for arguments, words in ((["train", "--like", whole / "empty"], "holds no run.json"), (["resume", whole / "none"], "is none"),
                             (["resume", whole / "whole"], "holds no checkpoint.npz; begin it anew by train --like")):
        status, _, err = run(capsys, *arguments)
        assert status == 2 and words in err and err.count("\n") == 1, err
