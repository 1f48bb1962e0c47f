"""Files: replaced whole or not at all; read only as far as their headers keep what they promise."""

import errno
import io
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

import engine
from engine import Network, files
from engine.archives import Member, opened, read_arrays
from engine.files import keep_copy, replacing

NET = Network.initialize((3, 4, 2), "tanh", seed=1)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def in_a_process(code, **more):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **more)


def test_a_failure_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "notes"
    with replacing(path) as file:
        file.write(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"new")
        assert len(names(tmp_path)) == 2
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and names(tmp_path) == ["notes"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what zipfile cannot close it tries to close again
def test_an_interrupt_as_an_entry_of_an_archive_begins_stays_an_interrupt(tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile, "_get_compressor", interrupted)
    with pytest.raises(KeyboardInterrupt):
        NET.save(tmp_path / "network.npz")
    assert not list(tmp_path.iterdir())


def test_links_and_permissions_stay(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(os.path.join("there", "real"))
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink() and real.read_bytes() == b"new" and stat.S_IMODE(real.stat().st_mode) == 0o640
    to_be = tmp_path / "to be"
    to_be.symlink_to(tmp_path / "there" / "nothing yet")
    with replacing(to_be) as file:
        file.write(b"now")
    assert to_be.is_symlink() and (tmp_path / "there" / "nothing yet").read_bytes() == b"now"
    assert names(tmp_path / "there") == ["nothing yet", "real"]


def test_what_cannot_be_written_is_said_at_once(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "no folder" / "notes"):
        raise AssertionError
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        raise AssertionError
    with replacing("/dev/null") as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    long = tmp_path / ("n" * 250)
    with replacing(long) as file:
        file.write(b"long")
    assert names(tmp_path) == [long.name]


def test_two_writers_of_one_path_do_not_meet(tmp_path):
    path, failures = tmp_path / "notes", []

    def write(letter):
        try:
            for _ in range(40):
                with replacing(path) as file:
                    for _ in range(10):
                        file.write(letter * 1000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures and names(tmp_path) == ["notes"]
    assert len(set(path.read_bytes())) == 1 and len(path.read_bytes()) == 10_000


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "notes"
    code = f"""
import sys, time
from engine.files import replacing
with replacing({str(path)!r}) as file:
    file.write(b"half"); file.flush(); print("begun", flush=True); sys.stdin.read(); file.write(b" and half")
"""
    writers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    assert all(writer.stdout.readline() == b"begun\n" for writer in writers)
    writers[0].kill()
    writers[0].wait()
    assert len(names(tmp_path)) == 2
    with replacing(path) as file:
        file.write(b"mine")
    assert path.read_bytes() == b"mine" and len(names(tmp_path)) == 2
    writers[1].communicate(b"")
    assert writers[1].returncode == 0 and path.read_bytes() == b"half and half" and names(tmp_path) == ["notes"]


def test_a_copy_is_of_the_old_file(tmp_path):
    path, copy = tmp_path / "notes", tmp_path / "copy"
    keep_copy(path, copy)
    assert names(tmp_path) == []
    for text in (b"one", b"two", b"three"):
        keep_copy(path, copy)
        with replacing(path) as file:
            file.write(text)
    keep_copy(path, path)
    assert (path.read_bytes(), copy.read_bytes(), names(tmp_path)) == (b"three", b"two", ["copy", "notes"])


def test_a_copy_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refused(*names):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(files.os, "link", refused)
    path, copy = tmp_path / "notes", tmp_path / "copy"
    path.write_bytes(bytes(range(256)) * 10_000)
    keep_copy(path, copy)
    assert copy.read_bytes() == path.read_bytes() and names(tmp_path) == ["copy", "notes"]


def test_where_there_are_no_locks_files_are_replaced_and_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    path, left = tmp_path / "notes", tmp_path / ("notes." + "0" * 16 + ".partial")
    left.write_bytes(b"left")
    for text in (b"old", b"new"):
        with replacing(path) as file:
            file.write(text)
    assert path.read_bytes() == b"new" and names(tmp_path) == [path.name, left.name]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_what_was_left_is_removed_and_no_descriptor_stays_open(tmp_path):
    path = tmp_path / "notes"
    before = len(os.listdir("/proc/self/fd"))
    for i in range(5):
        (tmp_path / f"notes.{i:016x}.partial").write_bytes(b"left")
        with replacing(path) as file:
            file.write(b"whole")
        assert names(tmp_path) == ["notes"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_keeps_the_old_network(tmp_path):
    path = tmp_path / "network.npz"
    NET.save(path)
    large, limits = Network.initialize((100, 200, 100), "tanh"), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError):
            large.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert engine.load(path).widths == NET.widths and names(tmp_path) == ["network.npz"]


PARTS = {"format": "gammachain 1", "widths": np.array([3, 4, 2]), "activations": np.array(["tanh", "identity"]),
         "parameters": NET.parameters}


def test_a_network_of_an_earlier_release_is_read(tmp_path):
    np.savez(tmp_path / "old.npz", **PARTS)
    assert np.array_equal(engine.load(tmp_path / "old.npz").parameters, NET.parameters)


@pytest.mark.parametrize("other", [np.array(["3", "4", "2"]), np.array([3.7, 4.2, 2.1]), np.array([3, -4, 2]), np.array(3),
                                   np.array([[3, 4, 2]]), np.array([1 << 40, 1 << 40, 2]), np.array([3, 4, 2, 1]),
                                   np.array([True, True, True])])
def test_other_widths_are_refused(other, tmp_path):
    np.savez(tmp_path / "n.npz", **PARTS | {"widths": other})
    with pytest.raises(ValueError, match="n.npz"):
        engine.load(tmp_path / "n.npz")


@pytest.mark.parametrize("name, other", [
    ("parameters", np.zeros(3)), ("parameters", np.zeros(26, complex)), ("parameters", np.zeros(26, np.float16)),
    ("parameters", np.zeros(26, np.int64)), ("parameters", np.full(26, np.nan)), ("parameters", np.zeros((26, 1))),
    ("activations", np.array(["tanh", "no such"])), ("activations", np.array(["tanh"])), ("activations", np.zeros(2)),
    ("format", "another"), ("format", np.array(["gammachain 1"])), ("format", 1)])
def test_other_parts_are_refused(name, other, tmp_path):
    np.savez(tmp_path / "n.npz", **PARTS | {name: other})
    with pytest.raises(ValueError, match="n.npz"):
        engine.load(tmp_path / "n.npz")


@pytest.mark.parametrize("change", ["big-endian", "Fortran", "float32", "compressed"])
def test_the_same_numbers_written_otherwise_are_read(change, tmp_path):
    values = {"big-endian": NET.parameters.astype(">f8"), "float32": NET.parameters.astype(">f4")}.get(change, NET.parameters)
    write = np.savez_compressed if change == "compressed" else np.savez
    write(tmp_path / "n.npz", **PARTS | {"parameters": values, "widths": np.asfortranarray(PARTS["widths"].astype(">i4"))})
    found = engine.load(tmp_path / "n.npz")
    assert found.dtype == np.dtype("f4" if change == "float32" else "f8") and found.dtype.isnative
    assert np.array_equal(found.parameters, NET.parameters.astype(found.dtype)) and found.widths == (3, 4, 2)


def test_arrays_of_two_dimensions_come_in_c_order(tmp_path):
    values = np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "a.npz", F=np.asfortranarray(values), C=values.astype(">f8"), zero=np.zeros((0, 3)), one=np.array(7),
             text=np.array("é"))
    with opened(tmp_path / "a.npz", "arrays") as archive:
        for name in ("F", "C"):
            found = archive.read(name, Member("f", (None, 3)))
            assert np.array_equal(found, values) and found.flags.c_contiguous and found.dtype == np.dtype("f8")
        assert archive.read("zero").shape == (0, 3) and archive.read("one") == 7 and str(archive.read("text")) == "é"
        assert archive.names == ["F", "C", "zero", "one", "text"] and archive.header("F").shape == (2, 3)


def member_of(array):
    text = io.BytesIO()
    np.save(text, array, allow_pickle=True)
    return text.getvalue()


def test_objects_duplicates_other_compressions_and_foreign_members_are_refused(tmp_path):
    def write(*members, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", compression) as file:
            for name, text in members:
                file.writestr(name, text)

    whole = member_of(np.zeros(3))
    cases = [([("x.npy", member_of(np.array([{}], object)))], "object"), ([("x.npy", whole), ("x", whole)], "twice"),
             ([], "lacks x"), ([("x.npy", b"not an array at all")], "not an array"), ([("x.npy", whole + b"0")], "promises 24"),
             ([("x.npy", whole[:-1])], "promises 24 bytes, but the file holds 23"),
             ([("x.npy", member_of(np.zeros(3, "f8,i4")))], "dtype"), ([("x.npy", whole.replace(b"(3,)", b"(-3,)"))], "a.npz"),
             ([("x.npy", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535)], "a.npz")]
    for members, words in cases:
        write(*members)
        with pytest.raises(ValueError, match=words):
            read_arrays(tmp_path / "a.npz", {"x": Member("f")}, "arrays")
    write(("x.npy", whole), compression=zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="compressed"):
        read_arrays(tmp_path / "a.npz", {"x": Member("f")}, "arrays")
    write(("x.npy", whole), ("strange", b"text"), ("y.npy", member_of(np.array([{}], object))))
    assert read_arrays(tmp_path / "a.npz", {"x": Member("f"), "z": Member("f", optional=True)}, "arrays")["x"].shape == (3,)


def test_a_pipe_does_not_block_and_a_folder_is_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe or a device"):
        engine.load(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        engine.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path / "nothing")


@pytest.mark.parametrize("widths", [[2, 3, 2], [1 << 14, (1 << 12) - 1, 16]])
def test_what_unpacks_to_far_more_than_it_takes_is_refused_before_it_is_unpacked(widths, tmp_path):
    """512 MiB of zeros: for another network, and for one of that very size."""
    size = (1 << 14) * ((1 << 12) - 1) + (1 << 12) - 1 + 16 * (1 << 12)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (size,), "fortran_order": False, "descr": "<f8"})
    path = tmp_path / "n.npz"
    np.savez(path, **{name: part for name, part in PARTS.items() if name not in ("parameters", "widths")}, widths=np.array(widths))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file, file.open("parameters.npy", "w") as stream:
        stream.write(header.getvalue())
        for _ in range(size // (1 << 17)):
            stream.write(bytes(1 << 20))
        stream.write(bytes(8 * (size % (1 << 17))))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(ValueError, match=r"n\.npz.*(shape|memory)"):
        engine.load(path)
    assert time.perf_counter() - started < 1 and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
