"""Arrays written to .npz files, and read from ones that may be anything: headers are checked before memory is given to what they
promise."""

from __future__ import annotations

import contextlib
import io
import math
import os
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import file_checks
from .typing import Path

KINDS = {"f": "floating-point numbers", "iu": "whole numbers", "biuf": "real numbers", "U": "text", "u": "bytes",
         "biufU": "real numbers or text"}
HEADER = 10_000  # characters of an array's header: NumPy's own limit
DIRECTORY = 1 << 20  # bytes of a zip file's directory, enough for some ten thousand arrays
LARGE, RATIO = 1 << 28, 100  # an array above so many bytes that is compressed further than this is refused
PART = 1 << 20


@dataclass(frozen=True)
class Member:
    """The kind, shape and dtype that an array of a file must have.

    Attributes
    ----------
    kinds : str
        The letters of `numpy.dtype.kind` that will do: "f" floating-point numbers, "iu" whole ones, "biuf" any real ones, "U" text.
    shape : tuple of int or None, optional
        None stands for any size; without a shape any will do.
    dtype : dtype, optional
        The exact one, in either byte order.
    most : int
        Bytes that it may take.
    optional : bool
        Whether a file may do without it.
    """

    kinds: str = "biuf"
    shape: tuple[int | None, ...] | None = None
    dtype: np.dtype[Any] | None = None
    most: float = math.inf
    optional: bool = False

    @property
    def kind_names(self) -> str:
        """The kinds in words."""
        return KINDS.get(self.kinds, f"dtypes of the kinds {', '.join(self.kinds)}")


@dataclass(frozen=True)
class Header:
    """The header of an array of a file: its kind and shape, and `start`, the offset of its numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def size(self) -> int:
        """Bytes of its numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


class Archive:
    """An open .npz file: the `names` of its arrays, `header(name)` and `read(name)`. Made by `opened`."""

    def __init__(self, path: Path, what: str, error: type[Exception], file: zipfile.ZipFile) -> None:
        self.path, self.what, self.error = path, what, error
        self._file = file
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._headers: dict[str, Header] = {}
        for info in file.infolist():
            name = info.filename.removesuffix(".npy")
            if name in self._infos:
                self.refuse(f"is not one: it holds {name} twice")
            self._infos[name] = info

    @property
    def names(self) -> list[str]:
        """The names of its arrays."""
        return list(self._infos)

    def require(self, names: Iterable[str]) -> None:
        """Refuse a file that lacks one of `names`."""
        missing = sorted(set(names) - set(self._infos))
        if missing:
            self.refuse(f"lacks {', '.join(missing)}; it holds {', '.join(sorted(self._infos)) or 'nothing'}")

    def header(self, name: str, wanted: Member | None = None) -> Header:
        """The Header of an array.

        Parameters
        ----------
        name : str
        wanted : Member, optional
            What it must say.
        """
        self.require([name])
        if name not in self._headers:
            with _one_error(self.path, self.what, self.error):
                self._headers[name] = self._read_header(name)
        problem = file_checks.member(self._headers[name], wanted, name) if wanted else None
        if problem:
            self.refuse(f"is not one: {problem}")
        return self._headers[name]

    def read(self, name: str, wanted: Member | None = None) -> NDArray[Any]:
        """An array in native byte order and C order. Its header is compared with `wanted` before memory is taken, and its checksum
        afterwards."""
        self.header(name, wanted)
        with _one_error(self.path, self.what, self.error):
            return self._numbers(name)

    def refuse(self, problem: str) -> NoReturn:
        """Raise the error of this file: its path, and its `problem`."""
        file_checks.refuse(self.path, self.what, problem, self.error)

    def _read_header(self, name: str) -> Header:
        info, header = self._infos[name], None
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self.refuse(f"is not one: its {name} is compressed in a way that numpy does not write")
        with self._file.open(info) as stream:
            begin = stream.read(12)
            width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(begin[6:8], 0)
            length = int.from_bytes(begin[8:8 + width], "little") if width and begin[:6] == b"\x93NUMPY" else HEADER + 1
            if length <= HEADER:
                text = io.BytesIO(begin[8:] + stream.read(8 + width + length - len(begin)))
                read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(text)
                header = Header(shape, dtype, fortran, 8 + width + length)
        if header is None:
            self.refuse(f"is not one: its {name} is not an array that numpy.save wrote")
        if header.dtype.hasobject or header.dtype.fields or header.dtype.kind not in "biufcUSmM":
            self.refuse(f"is not one: its {name} has dtype {header.dtype}, which is not read from files")
        if min(header.shape, default=0) < 0 or header.start + header.size != info.file_size:
            self.refuse(f"is damaged: the header of its {name} promises {header.size} bytes, but the file holds "
                        f"{info.file_size - header.start}")
        if header.size > LARGE and header.size > RATIO * info.compress_size:
            self.refuse(f"is not read: its {name} takes {info.compress_size} bytes there and {header.size} in memory; where that "
                        "is meant, write it by numpy.savez, uncompressed")
        return header

    def _numbers(self, name: str) -> NDArray[Any]:
        header, info = self._headers[name], self._infos[name]
        values = np.empty(math.prod(header.shape), header.dtype)
        with self._file.open(info) as stream:
            stream.read(header.start)
            place, into = 0, values.view(np.uint8).data if values.size and header.size else memoryview(b"")
            while place < header.size:
                part = stream.read(min(PART, header.size - place))
                if not part:
                    raise EOFError(f"its {name} ends too early")
                into[place:place + len(part)] = part
                place += len(part)
            stream.read(1)  # the checksum is compared at the end
        shaped = values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)
        return shaped.astype(header.dtype.newbyteorder("="), order="C", copy=False)


def write_arrays(file: IO[bytes], **arrays: Any) -> None:
    """Write arrays as an .npz archive.

    An interrupt stays one: zipfile cannot close an archive where an entry was about to begin, and its error would take the
    interrupt's place.
    """
    try:
        np.savez(file, **arrays)
    except ValueError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise


@contextlib.contextmanager
def opened(path: Path, what: str, error: type[Exception] = ValueError) -> Iterator[Archive]:
    """An Archive of the .npz file `path`, of which only the directory has been read.

    Parameters
    ----------
    path : path-like
    what : str
        What the file should be, for messages: "a network that Network.save wrote".
    error : type
        Of what is raised where the file is damaged or foreign.

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
        As `open` raises them.
    error
        Where anything else is wrong; it names `path` and what is wrong.
    """
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        file_checks.refuse(path, what, "is a pipe or a device; copy it to a file first", error)
    with open(path, "rb") as raw:
        with _one_error(path, what, error):
            raw.seek(max(0, os.fstat(raw.fileno()).st_size - (1 << 16) - 22))
            tail = raw.read()
            end = tail[tail.rfind(b"PK\x05\x06"):]
            if len(end) >= 22 and struct.unpack("<L", end[12:16])[0] > DIRECTORY:
                file_checks.refuse(path, what, "is not one: it holds too many parts", error)
            archive = Archive(path, what, error, zipfile.ZipFile(raw))
        yield archive


def read_arrays(path: Path, expected: Mapping[str, Member], what: str,
                error: type[Exception] = ValueError) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file that holds what is `expected`, in native byte order and C order.

    Parameters
    ----------
    path : path-like
    expected : dict of str to Member
        Every header is compared with it before any array is read. Other arrays of the file are left alone.
    what, error
        As `opened` takes them.

    Returns
    -------
    dict of str to ndarray

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from engine.archives import Member, read_arrays
    >>> path = os.path.join(tempfile.mkdtemp(), "scaling.npz")
    >>> np.savez(path, center=np.zeros(3))
    >>> read_arrays(path, {"center": Member("f", (3,))}, "a scaling")
    {'center': array([0., 0., 0.])}
    >>> read_arrays(path, {"center": Member("f", (4,))}, "a scaling")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: path must name a scaling, but ...scaling.npz is not one: its center must have shape [4], but has [3]
    """
    with opened(path, what, error) as archive:
        archive.require([name for name, wanted in expected.items() if not wanted.optional])
        wanted = {name: member for name, member in expected.items() if name in archive.names}
        for name, member in wanted.items():
            archive.header(name, member)
        return {name: archive.read(name) for name in wanted}


@contextlib.contextmanager
def _one_error(path: Path, what: str, error: type[Exception]) -> Iterator[None]:
    """Turn every error that NumPy, zipfile and zlib raise for a cut, damaged or foreign file into one kind of error."""
    try:
        yield
    except Exception as problem:
        if getattr(problem, "path", None) is path:  # refused already
            raise
        text = " ".join(str(problem).split())[:200] or type(problem).__name__
        file_checks.refuse(path, what, f"is not one, for it cannot be read: {text}", error)
