"""Files that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

from .typing import Path

try:
    import fcntl
except ImportError:  # not POSIX: what a dead process left stays
    fcntl = None  # type: ignore[assignment]

LONGEST = 200  # bytes of a name that a partial's name repeats; most file systems allow 255 in all
_open_partials: set[str] = set()  # of this process


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside `path` and move it there once it is whole and on the disk.

    Whoever reads `path`, at any moment and after any failure, finds the old file or the new one. Where the body raises, the old
    file stays and the partial one is removed. A symbolic link stays a link: what it points at is replaced. A partial file belongs
    to one call and is locked while it is written, so that two writers of one path do not disturb each other (the last to finish
    wins); what killed processes left beside `path` is removed first. A device or a pipe is written directly.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    file : binary file, open for reading and writing
        Its `name` is the partial file's, for those who need a path.

    Raises
    ------
    OSError
        Where the folder does not exist, a file may not be written there, or the disk is full.

    Examples
    --------
    >>> import os, tempfile
    >>> from engine.files import replacing
    >>> path = os.path.join(tempfile.mkdtemp(), "notes.txt")
    >>> with replacing(path) as file:
    ...     _ = file.write(b"whole")
    >>> open(path).read(), os.listdir(os.path.dirname(path))
    ('whole', ['notes.txt'])
    """
    target = os.path.realpath(os.fspath(path))
    there = _status(target)
    if there is not None and not (stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode)):
        with open(target, "wb") as file:
            yield file
        return
    if there is not None:
        open(target, "r+b").close()  # a folder, or a file that is read-only
    remove_partials(target)
    partial = _partial_name(target)
    try:  # an interrupt may come as soon as there is a partial file
        _open_partials.add(partial)
        with _created(partial) as file:
            if there is not None:
                os.chmod(partial, stat.S_IMODE(there.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:
                os.replace(partial, target)  # locked until it has its name
        if fcntl is None:
            os.replace(partial, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
    finally:
        _open_partials.discard(partial)
    _sync_folder(target)


def keep_copy(path: Path, copy: Path) -> None:
    """Let `copy` name what `path` names now, at once or not at all, where `path` exists; both symbolic links stay links."""
    source, target = (os.path.realpath(os.fspath(name)) for name in (path, copy))
    if _status(source) is None:
        return
    remove_partials(target)
    partial = _partial_name(target)
    _open_partials.add(partial)
    try:
        os.link(source, partial)
        with contextlib.suppress(FileNotFoundError):  # another process took it for abandoned: the older copy stays
            os.replace(partial, target)
    except OSError:  # a file system without hard links
        with open(source, "rb") as old, replacing(target) as new:
            for part in iter(lambda: old.read(1 << 20), b""):
                new.write(part)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)  # what a rename between two names of one file leaves
        _open_partials.discard(partial)


def remove_partials(path: Path) -> None:
    """Remove the partial files beside `path` that nobody writes any more."""
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    pattern = re.compile(re.escape(_stem(name)) + r"\.[0-9a-f]{16}\.partial")
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if pattern.fullmatch(entry.name)]
    for partial in left:
        remove_abandoned(partial)


def remove_abandoned(path: Path, needed: Callable[[], bool] = lambda: False) -> None:
    """Remove a file that its writer locked, unless the writer still lives or it is `needed`, which is asked once it is locked."""
    if fcntl is None or path in _open_partials:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not needed():
                os.unlink(path)
        finally:
            os.close(descriptor)


def lock(descriptor: int) -> None:
    """Mark an open file as one whose writer lives, until it is closed."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks, where nothing is removed either
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _created(partial: str) -> BinaryIO:
    """The new file `partial`, open and locked."""
    while True:
        file = open(partial, "x+b")
        lock(file.fileno())
        if os.fstat(file.fileno()).st_nlink:  # another process may have removed it before it was locked
            return file
        file.close()


def _partial_name(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f"{_stem(name)}.{secrets.token_hex(8)}.partial")


def _stem(name: str) -> str:
    encoded = os.fsencode(name)
    if len(encoded) <= LONGEST:
        return name
    return os.fsdecode(encoded[:40]) + hashlib.sha256(encoded).hexdigest()[:16]


def _status(path: Path) -> os.stat_result | None:
    """What the system knows of a file, or None where there is none; a loop of links raises."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _sync_folder(target: str) -> None:
    """Make a rename last through a loss of power, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
