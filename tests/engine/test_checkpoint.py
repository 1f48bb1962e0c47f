"""Checkpoints: whole and of this run's shapes, or refused; the one before where the newest is damaged; the rows of histories."""

import errno
import os
import threading
import warnings

import numpy as np
import pytest

from engine import Adam, CheckpointError, LevenbergMarquardt, files
from engine import checkpoint as checkpoints
from schedulers import BatchSchedule

from ..checkpointed import NET, resumed, same, trained


def raw(text):
    return np.frombuffer(text, np.uint8)


DAMAGES = {
    "three parameters": dict(theta=np.zeros(3)),
    "more parameters": dict(theta=np.zeros(60)),
    "a table": dict(theta=np.zeros((1, 10))),
    "whole numbers": dict(theta=np.zeros(10, int)),
    "float32": dict(theta=np.zeros(10, "f4")),
    "NaN": dict(theta=np.full(10, np.nan)),
    "no θ": dict(theta=None),
    "no state": {"state.rows": None},
    "other state": {"state.rows": np.zeros((2, 3))},
    "state of float32": {"state.rows": np.zeros((2, 10), "f4")},
    "more state": {"state.more": np.zeros(3)},
    "more": dict(more=np.zeros(3)),
    "no format": dict(format=None),
    "another format": dict(format="gammachain checkpoint 3"),
    "a format of numbers": dict(format=np.zeros(3)),
    "no rows": dict(rows=raw(b"")),
    "rows of text": dict(rows=np.array("[]")),
    "no JSON": dict(rows=np.zeros(9, np.uint8)),
    "rows of lists": dict(rows=raw(b"[1]\n[2]\n")),
    "epochs that lack": dict(rows=raw(b'{"epoch": 1}\n')),
    "a cost of text": dict(rows=raw(b'{"epoch": 0, "cost": "x"}\n')),
    "identity": dict(identity=np.zeros(3, np.uint8)),
    "deep JSON": dict(identity=raw(b"[" * 100_000)),
    "a journal": dict(history=raw(b'{"name": "../x"}')),
    "a journal of fewer rows than none": dict(history=raw(b'{"name": "", "rows": -1, "bytes": 0, "checksum": 0}')),
    "a journal of half a row": dict(history=raw(b'{"name": "", "rows": 0.5, "bytes": 0, "checksum": 0}')),
    "a journal that is not there": dict(history=raw(b'{"name": "01234567", "rows": 3, "bytes": 9, "checksum": 0}')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_of_other_contents_is_refused(damage, tmp_path):
    path = tmp_path / "run.npz"
    trained(path, 2)
    with np.load(path) as file:
        parts = dict(file) | DAMAGES[damage]
    np.savez(path, **{name: part for name, part in parts.items() if part is not None})
    with pytest.raises(CheckpointError, match="run.npz"):
        resumed(path)


def test_a_checkpoint_of_an_earlier_release_is_refused_with_what_to_do(tmp_path):
    np.savez(tmp_path / "run.npz", format="gammachain checkpoint 1", description="{}", theta=NET.parameters, rows="[]")
    with pytest.raises(CheckpointError, match=r"earlier release.*network.replace\(numpy.load"):
        resumed(tmp_path / "run.npz")


def test_another_byte_order_is_read(tmp_path):
    path = tmp_path / "run.npz"
    trained(path, 2)
    with np.load(path) as file:
        parts = {name: part.astype(part.dtype.newbyteorder(">")) if part.dtype.kind == "f" else part for name, part in file.items()}
    np.savez(path, **parts)
    same(resumed(path), trained(tmp_path / "whole.npz", 4))


def test_the_one_before_is_used_where_the_newest_is_damaged(tmp_path):
    path, whole = tmp_path / "run.npz", trained(tmp_path / "whole.npz", 6)
    trained(path, 4)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.warns(UserWarning, match=r"run\.npz.*goes on from.*run\.npz\.previous, which holds 3 epochs"):
        same(resumed(path, 5), trained(tmp_path / "five.npz", 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(resumed(path, 6), whole)
    for name in ("run.npz", "run.npz.previous"):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        resumed(path)


def test_the_one_before_is_used_where_the_newest_is_gone(tmp_path):
    path = tmp_path / "run.npz"
    trained(path, 4)
    path.unlink()
    with pytest.warns(UserWarning, match=r"run\.npz is gone.*run\.npz\.previous, which holds 3 epochs"):
        same(resumed(path, 5), trained(tmp_path / "five.npz", 5))


def test_the_one_before_of_another_run_is_never_used(tmp_path):
    path = tmp_path / "run.npz"
    trained(path, 4)
    trained(path, 2, update=Adam(0.02))
    assert sorted(os.listdir(tmp_path)) == ["run.npz"]
    trained(path, 4)
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        resumed(path, update=Adam(0.02))


@pytest.mark.parametrize("every, written", [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (7, [5])])
def test_how_often_a_checkpoint_is_written(every, written, tmp_path, monkeypatch):
    seen, save = [], checkpoints.Checkpoint.save
    monkeypatch.setattr(checkpoints.Checkpoint, "save", lambda self, *given: (seen.append(len(given[2])), save(self, *given)))
    trained(tmp_path / "run.npz", 5, checkpoint_every=every)
    assert seen == written
    same(resumed(tmp_path / "run.npz", 6), trained(tmp_path / "whole.npz", 6))
    with pytest.raises((TypeError, ValueError), match="checkpoint_every"):
        trained(tmp_path / "run.npz", 5, checkpoint_every=0)


def test_an_early_stop_is_saved(tmp_path):
    trained(tmp_path / "run.npz", 9, checkpoint_every=4, callbacks=[lambda row, net: row["epoch"] == 2])
    assert len(resumed(tmp_path / "run.npz", 3).history) == 3
    tolerant = dict(update=LevenbergMarquardt(cost_tolerance=0.9), schedule=BatchSchedule(24))
    ended = trained(tmp_path / "lm.npz", 50, checkpoint_every=40, **tolerant)
    same(resumed(tmp_path / "lm.npz", 50, **tolerant), ended)


@pytest.mark.parametrize("path", ["nothing/run.npz", ".", "file/run.npz"])
def test_what_cannot_be_written_is_refused_before_the_first_epoch(path, tmp_path):
    (tmp_path / "file").write_text("")
    epochs = []
    with pytest.raises(CheckpointError, match="checkpoint must name a file") as caught:
        trained(tmp_path / path, 3, callbacks=[lambda row, net: epochs.append(row)])
    assert not epochs and isinstance(caught.value, OSError)


def test_what_callbacks_put_into_rows_is_kept(tmp_path):
    def note(row, network):
        row |= {"accuracy": np.float32(0.1), "count": np.int64(3), "best": np.bool_(True), "norms": np.arange(2.0),
                "text": "é\ud800", "both": (1, None)}

    trained(tmp_path / "run.npz", 3, callbacks=[note])
    found = resumed(tmp_path / "run.npz", 4)
    extra = {name: found.history[2][name] for name in ("accuracy", "count", "best", "norms", "text", "both")}
    assert extra == {"accuracy": float(np.float32(0.1)), "count": 3, "best": True, "norms": [0.0, 1.0], "text": "é\ud800",
                     "both": [1, None]}
    assert np.isnan(found.history.columns()["accuracy"][3])


def test_what_json_cannot_hold_is_left_out_and_named(tmp_path):
    def note(row, network):
        row |= {"network": network, "part": 1j, 3: 4, "seconds": "long", "keys": {1: 2}, "large": 10**5000}
        row["itself"] = row

    with pytest.warns(UserWarning) as caught:
        found = trained(tmp_path / "run.npz", 3, callbacks=[note])
    assert len(caught) == 7 and sum("'network'" in str(warning.message) for warning in caught) == 1
    assert found.history[0]["part"] == 1j
    same(resumed(tmp_path / "run.npz", 4), trained(tmp_path / "whole.npz", 4))


@pytest.mark.parametrize("rows", [2, 5])
@pytest.mark.filterwarnings("error")  # the newest checkpoint is whole each time
def test_a_long_history_lies_in_a_journal(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROWS", rows)
    (tmp_path / "whole").mkdir()
    path, whole = tmp_path / "run.npz", trained(tmp_path / "whole" / "run", 23)
    for epochs in (4, 9, 10, 23):
        found = resumed(path, epochs, callbacks=[lambda row, network: row.update(twice=2 * row["cost"])])
        names = sorted(name for name in os.listdir(tmp_path) if name != "whole")
        assert len(names) <= 4 and names[0] == "run.npz" and names[-1] == "run.npz.previous"
    same(found, whole)
    again = resumed(path, 23)
    same(again, whole)
    assert again.history.columns()["twice"].tolist() == (2 * whole.history.columns()["cost"]).tolist()
    journal, = [tmp_path / name for name in os.listdir(tmp_path) if "history" in name]
    text = journal.read_bytes()
    for damage, words in ((text[:-1], "cut short"), (text.replace(b"0", b"1", 1), "damaged"), (None, "keep the two files")):
        journal.write_bytes(damage) if damage else journal.unlink()
        with pytest.raises(CheckpointError, match=words):
            resumed(path, 25)
    trained(path, 2, update=Adam(0.02))
    assert sorted(os.listdir(tmp_path)) == ["run.npz", "whole"]


@pytest.mark.filterwarnings("error")
def test_a_run_may_end_where_its_journal_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROWS", 2)
    for epochs in range(1, 8):
        assert [row["epoch"] for row in resumed(tmp_path / "run.npz", epochs).history] == list(range(epochs))


@pytest.mark.filterwarnings("error")
def test_a_journal_that_goes_during_a_run_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROWS", 3)

    def remove(row, network):
        if row["epoch"] == 6:
            [path.unlink() for path in tmp_path.glob("run.npz.history-*")]

    ended = trained(tmp_path / "run.npz", 12, callbacks=[remove])
    again = resumed(tmp_path / "run.npz", 12)
    same(again, ended)
    assert len(again.history) == 12


def test_a_checkpoint_of_a_long_run_stays_small(tmp_path, monkeypatch):
    """What is written after each epoch does not grow with their number."""
    monkeypatch.setattr(checkpoints, "ROWS", 10)
    sizes = []
    trained(tmp_path / "run.npz", 80, callbacks=[lambda row, net: sizes.append((tmp_path / "run.npz").stat().st_size)])
    assert max(sizes[10:]) <= max(sizes[:10]) + 200 and len(resumed(tmp_path / "run.npz", 80).history) == 80


def test_two_runs_at_one_path_do_not_disturb_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROWS", 3)
    failures = []

    def run(rate):
        try:
            trained(tmp_path / "run.npz", 15, update=Adam(rate))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(rate,)) for rate in (0.01, 0.02)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures and not any("partial" in name for name in os.listdir(tmp_path))
    ends = []
    for rate in (0.01, 0.02):
        try:
            ends.append(len(resumed(tmp_path / "run.npz", 15, update=Adam(rate)).history))
        except CheckpointError as error:
            assert "belongs to another run: its update" in str(error)
    assert ends == [15]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_full_disk_keeps_the_checkpoint_and_the_run(fails, tmp_path, monkeypatch):
    path, whole = tmp_path / "run.npz", trained(tmp_path / "whole.npz", 4)

    def fill(row, network):
        if row["epoch"] == 2:
            monkeypatch.setattr(files.os, fails, full)

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        trained(path, 9, callbacks=[fill])
    monkeypatch.undo()
    assert len(caught.value.result.history) == 4
    assert sorted(os.listdir(tmp_path)) == ["run.npz", "run.npz.previous", "whole.npz", "whole.npz.previous"]
    same(resumed(path, 4), whole)


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "run.npz"
    path.symlink_to(tmp_path / "there" / "real.npz")
    trained(path, 3)
    assert path.is_symlink() and sorted(os.listdir(tmp_path / "there")) == ["real.npz", "real.npz.previous"]
    same(resumed(path), trained(tmp_path / "whole.npz", 4))
