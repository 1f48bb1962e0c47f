"""The kernels' cache on disk: a file for each kernel and signature, with a checksum, in a folder that nobody else may write.

A kernel's machine code is run as it is read. Numba's own files carry no checksum, and two processes that compile one kernel for
different arguments at once can leave an index that names the other's code. Here a file's name follows from what it holds.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import pickle
import stat
import uuid
import warnings

import numba
from numba import config

from .numba_internals import cache_class, serialised

_SOURCES = sorted(pathlib.Path(__file__).parent.rglob("*.py"))
_STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()


class _Entries:
    """The files of one kernel: each holds 32 bytes of SHA-256 over the rest, a description of what was compiled, and the code.

    The description has the versions of Numba and of every kernel source, the signature and the CPU: a kernel is linked with what it
    calls in other files.
    """

    def __init__(self, folder, name, stamp):
        self._folder, self._name, self._stamp = folder, name, (numba.__version__, stamp, _STAMP)

    def _place(self, key):
        """The file for `key`, which a later version of the sources writes over, and the description."""
        return (os.path.join(self._folder, f"{self._name}.{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.nbc"),
                repr((self._stamp, key)).encode())

    def holds(self, key):
        """Whether what was saved for `key` can be loaded, as far as its beginning tells."""
        path, wanted = self._place(key)
        try:
            with open(path, "rb") as file:
                return file.read(40 + len(wanted))[40:] == wanted
        except OSError:
            return False

    def load(self, key):
        """What was saved for `key`, or None where there is none, or another's, or not all of it."""
        path, wanted = self._place(key)
        try:
            with open(path, "rb") as file:
                if not _private(os.fstat(file.fileno())):
                    return None
                digest, content = file.read(32), file.read()
        except OSError:
            return None
        if hashlib.sha256(content).digest() != digest:
            return None
        size = int.from_bytes(content[:8], "little")
        return pickle.loads(memoryview(content)[8 + size:]) if content[8:8 + size] == wanted else None

    def save(self, key, data):
        """Write beside and rename, so that another process reads all of it or nothing."""
        path, described = self._place(key)
        content = len(described).to_bytes(8, "little") + described + serialised(data)
        beside = f"{path}.{uuid.uuid4().hex[:16]}"
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644), "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(beside)

    def flush(self):
        """Nothing: a file that is stale or damaged is written over."""


def _user_of(group):
    """The one user of a group of the same name that has no other members, or None."""
    try:
        import grp
        import pwd

        found = grp.getgrgid(group)
        only = pwd.getpwnam(found.gr_name)
        return only.pw_uid if only.pw_gid == group and set(found.gr_mem) <= {found.gr_name} else None
    except (ImportError, KeyError):
        return None


@functools.cache
def _trusted():
    """The users who may write a cache: root, the caller, and the owner of these sources, who could change the kernels anyway."""
    return {0, os.geteuid(), os.stat(__file__).st_uid}


def _private(status):
    """Whether only trusted users may write what has such a status: the owner, and a group where it has this one user."""
    if os.name == "nt":
        return True
    if status.st_uid not in _trusted() or status.st_mode & stat.S_IWOTH:
        return False
    return not status.st_mode & stat.S_IWGRP or _user_of(status.st_gid) in _trusted()


def _open_to_all(status):
    """Whether anybody may put another folder in the place of one inside: not so in one like /tmp, whose sticky bit forbids it."""
    return os.name != "nt" and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX


@functools.cache
def trusted_folder(path):
    """Whether only trusted users may write in a folder, and not just anybody may put another in its place."""
    try:
        for given in {os.path.abspath(path), os.path.realpath(path)}:
            if not _private(os.stat(given)) or any(_open_to_all(os.stat(above)) for above in pathlib.Path(given).parents):
                return False
    except OSError:
        return False
    return True


@functools.cache
def _say(folder):
    warnings.warn(f"kernels are not cached in {folder}, since other users may write to it or own it; chmod go-w makes a folder of "
                  "your own private", RuntimeWarning, stacklevel=2)


def _allowed(folder, given):
    """Whether kernels may lie in a folder that Numba finds; the user is told of one that was `given` and is passed by."""
    if trusted_folder(folder):
        return True
    if given:
        _say(config.CACHE_DIR)  # type: ignore[attr-defined]
    return False


KernelCache = cache_class(_allowed, _Entries)
