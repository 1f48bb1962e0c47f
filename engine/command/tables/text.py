"""The text of a data file, whatever its encoding: read once, checked, and given as UTF-8 with its lines."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from . import table_checks

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
ENDS = re.compile(rb"\r\n|\r|\n")
PIECE = 1 << 24  # bytes that are unpacked at a time
QUOTED = re.compile(r'"[^"]*"|\S+')
SPACE = r"\s+"  # the separator of columns that are set apart by one space or more


@dataclass(frozen=True)
class Text:
    """The text of the file `path`: `data` is UTF-8 without a byte-order mark, `encoding` is what the file was written in."""

    path: str
    data: bytes
    encoding: str

    @cached_property
    def string(self) -> str:
        """All of it as a string."""
        return self.data.decode()

    @cached_property
    def beginning(self) -> str:
        """Its first lines, at least four of them and about 64 KiB, where it has as many."""
        for count, end in enumerate(ENDS.finditer(self.data), 1):
            if count >= 4 and end.end() >= 1 << 16:
                return self.data[:end.end()].decode()
        return self.string

    def after(self, lines: int) -> bytes:
        """What follows the first `lines` lines, as bytes."""
        if lines == 0:
            return self.data
        for count, end in enumerate(ENDS.finditer(self.data), 1):
            if count == lines:
                return self.data[end.end():]
        return b""


def read_text(path: str, encoding: str | None = None) -> Text:
    """The text of a file, or of one packed by gzip whose name ends in .gz.

    The encoding is `encoding`, or that of a byte-order mark, or else UTF-8. It is never guessed, and the locale has no part in it.
    """
    table_checks.regular_file(path)
    raw = _unpacked(path) if path.endswith(".gz") else _whole(path)
    mark, named = next(((mark, name) for mark, name in MARKS if raw.startswith(mark)), (b"", "utf-8"))
    codec = table_checks.codec_name(encoding) if encoding else named
    if encoding is None or codec == codecs.lookup(named).name:
        raw = raw[len(mark):]
    data = table_checks.decoded(path, raw.removesuffix(b"\x1a"), codec, named_by_user=encoding is not None)
    return Text(path, data, codec)


def hash_of(path: str) -> str:
    """The SHA-256 of what a file holds, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _unpacked(path: str) -> bytes:
    """The bytes of a .gz file, refused where they would not fit in memory."""
    pieces, size, most = [], 0, table_checks.largest_text()
    try:
        with gzip.open(path, "rb") as file:
            while piece := file.read(PIECE):
                pieces.append(piece)
                size += len(piece)
                table_checks.text_fits(path, size, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        table_checks.refuse_packed(path, error)
    return b"".join(pieces)


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each record that is not blank; a record whose quoted cells hold line breaks has its first line's number."""
    lines = text_lines(text)
    if separator == SPACE:
        for line, content in enumerate(lines, 1):
            if cells := [cell.strip('"') for cell in QUOTED.findall(content)]:
                yield line, cells
        return
    limit, last = csv.field_size_limit((1 << 31) - 1), [""]
    try:
        reader, first = csv.reader(_remembered(lines, last), delimiter=separator, skipinitialspace=True), 1
        for cells in reader:
            if len(cells) > 1 or last[0].strip():
                yield first, cells
            first = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def text_lines(text: str) -> Iterable[str]:
    """The lines of a text, whichever way they end."""
    return io.StringIO(text, newline=None)


def _remembered(lines: Iterable[str], last: list[str]) -> Iterator[str]:
    """The lines, the latest of them in `last` too."""
    for last[0] in lines:
        yield last[0]
