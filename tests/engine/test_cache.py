"""The kernels' cache: where it is kept, what is damaged or another's, and processes that share it."""

import os
import shutil
import stat

import pytest

from engine.kernels import cache
from tests.processes import ROOT, process

pytestmark = pytest.mark.compiled


LOADED = """
import numpy as np, engine
from engine.kernels.checks import first_not_finite
assert first_not_finite(np.ones(3)) == -1
print(sum(first_not_finite.stats.cache_hits.values()))
"""


def entries(folder):
    """The files of one kernel."""
    return [path for path in folder.rglob("*first_not_finite*") if path.is_file()]


@pytest.mark.robustness
def test_numba_cache_dir_is_where_kernels_go_and_damaged_files_are_replaced(tmp_path):
    assert process(LOADED, NUMBA_CACHE_DIR=str(tmp_path)) == "0\n"
    path, = entries(tmp_path)
    whole = path.read_bytes()
    assert path.suffix == ".nbc" and process(LOADED, NUMBA_CACHE_DIR=str(tmp_path)) == "1\n"
    flipped = bytearray(whole)
    flipped[len(whole) * 2 // 3] ^= 1
    for damaged in (whole[:40], bytes(flipped)):
        path.write_bytes(damaged)
        assert process(LOADED, NUMBA_CACHE_DIR=str(tmp_path)) == "0\n"
        assert process(LOADED, NUMBA_CACHE_DIR=str(tmp_path)) == "1\n"


@pytest.mark.robustness
@pytest.mark.skipif(os.name == "nt", reason="no modes here")
def test_a_folder_that_others_may_write_is_not_used(tmp_path):
    folder = tmp_path / "kernels"
    folder.mkdir()
    folder.chmod(0o777)
    assert process(LOADED, errors=f"not cached in {folder}",
                   NUMBA_CACHE_DIR=str(folder))
    assert not entries(folder)
    folder.chmod(0o755)
    assert process(LOADED, NUMBA_CACHE_DIR=str(folder)) == "0\n"
    path, = entries(folder)
    path.chmod(0o666)
    assert process(LOADED, NUMBA_CACHE_DIR=str(folder)) == "0\n"  # others may have written into it
    assert process(LOADED, NUMBA_CACHE_DIR=str(folder)) == "1\n"


class Status:
    """What os.stat gives of a folder."""

    def __init__(self, mode, uid=1000, gid=1000):
        self.st_mode, self.st_uid, self.st_gid = stat.S_IFDIR | mode, uid, gid


@pytest.mark.parametrize("folders, trusted", [
    ({"/home/me/kernels": Status(0o755), "/home/me": Status(0o755)}, True),
    ({"/home/me/kernels": Status(0o775), "/home/me": Status(0o755)}, True),  # a group of this user alone
    ({"/home/me/kernels": Status(0o775, gid=50), "/home/me": Status(0o755)}, False),  # of several users
    ({"/home/me/kernels": Status(0o777), "/home/me": Status(0o755)}, False),
    ({"/home/me/kernels": Status(0o777), "/home/me": Status(0o700)}, False),
    ({"/home/me/kernels": Status(0o755, uid=1001), "/home/me": Status(0o755)}, False),
    ({"/home/me/kernels": Status(0o755, uid=0), "/home/me": Status(0o755)}, True),
    ({"/home/me/kernels": Status(0o755), "/home/me": Status(0o777)}, False),  # others can put another folder in its place
    ({"/home/me/kernels": Status(0o755), "/home/me": Status(0o1777, uid=0)}, True),  # as in /tmp
    ({"/home/me/kernels": Status(0o1777, uid=0), "/home/me": Status(0o755)}, False),  # /tmp itself
    ({"/home/me/kernels": Status(0o700), "/home/me": Status(0o775, uid=1001)}, True),
])
@pytest.mark.skipif(os.name == "nt", reason="no modes here")
def test_who_may_write_a_folder(monkeypatch, folders, trusted):
    above = {"/home": Status(0o755, uid=0), "/": Status(0o755, uid=0)}
    monkeypatch.setattr(cache.os, "stat", lambda path: (folders | above)[str(path)])
    monkeypatch.setattr(cache.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(cache.os.path, "realpath", lambda path: path)
    monkeypatch.setattr(cache, "_trusted", lambda: {0, 1000})
    monkeypatch.setattr(cache, "_user_of", lambda group: group if group != 50 else None)
    assert cache.trusted_folder.__wrapped__("/home/me/kernels") == trusted


def test_an_entry_is_found_by_all_that_it_was_compiled_for(tmp_path):
    first, other = cache._Entries(tmp_path, "kernel", "stamp"), cache._Entries(tmp_path, "kernel", "another stamp")
    first.save(("int64", "cpu"), [1])
    first.save(("float64", "cpu"), [2])
    assert first.load(("int64", "cpu")) == [1] and first.load(("float64", "cpu")) == [2]
    assert first.load(("int64", "another cpu")) is None and other.load(("int64", "cpu")) is None
    other.save(("int64", "cpu"), [3])
    assert other.load(("int64", "cpu")) == [3] and first.load(("int64", "cpu")) is None
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_moved_to_the_place_of_another_is_not_taken_for_it(tmp_path):
    entries = cache._Entries(tmp_path, "kernel", "stamp")
    entries.save("int64", [1])
    path, = tmp_path.iterdir()
    os.replace(path, entries._place("float64")[0])
    assert entries.load("float64") is None


def test_a_read_only_install_with_no_cache_works(tmp_path):
    """No folder can be made where a file lies, not even by root."""
    for package in ("engine", "schedulers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [tmp_path / "engine", *(tmp_path / "engine").rglob("*")]:
        if folder.is_dir():
            (folder / "__pycache__").write_text("")
    code = """
import numpy as np, engine
net = engine.Network((1, 1), ("identity",), np.array([2.0, 1.0], np.float32))
assert engine.show_config()["cache"] is None
print(net(np.ones((1, 1)))[0, 0], engine.__file__)
"""
    nowhere = str(tmp_path / "engine" / "__pycache__" / "kernels")
    out = process(code, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=nowhere, HOME=nowhere, XDG_CACHE_HOME=nowhere)
    assert out.splitlines()[-1] == f"3.0 {tmp_path / 'engine' / '__init__.py'}"


def test_a_cache_that_goes_away_is_done_without(tmp_path):
    code = f"""
import pathlib, shutil, numpy as np, engine
from engine.kernels.checks import first_not_finite
shutil.rmtree({str(tmp_path / "kernels")!r})
pathlib.Path({str(tmp_path / "kernels")!r}).write_text("")
print(first_not_finite(np.ones(3)))
"""
    assert process(code, NUMBA_CACHE_DIR=str(tmp_path / "kernels")) == "-1\n"
