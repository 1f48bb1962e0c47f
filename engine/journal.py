"""A history's rows on disk: lines of JSON, and a file of them that only grows."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import warnings
import zlib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, BinaryIO, TypedDict

import numpy as np

from .files import lock, remove_abandoned
from .history import History
from .typing import Row

NOT_PLAIN = object()  # what JSON cannot hold
NUMBERS, NUMBERED = (float, int), frozenset(History.NAMES)
ENCODER = json.JSONEncoder()


def encoded(row: Row, said: set[str]) -> str:
    """A row as a line of JSON.

    NumPy's numbers and arrays become Python's numbers and lists. What JSON cannot hold is left out, and so is what a callback put
    in place of one of the row's own numbers, with a warning for each key that is not yet in the set `said`.
    """
    if all(type(value) in NUMBERS and type(key) is str for key, value in row.items()):
        with contextlib.suppress(ValueError):  # a number of thousands of digits
            return ENCODER.encode(row) + "\n"
    texts = {}
    for key, value in row.items():
        text = _json(value) if isinstance(key, str) and (key not in NUMBERED or _is_number(_plain(value))) else None
        if text is not None:
            texts[key] = text
        elif repr(key) not in said:
            said.add(repr(key))
            warnings.warn(f"the checkpoint leaves {key!r} out of the history's rows, where it is a {type(value).__name__}; "
                          "numbers, texts, arrays and lists or dicts of these are kept", stacklevel=2)
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in texts.items()) + "}\n"


def decoded(text: bytes, first: int) -> list[Row] | None:
    """The rows of lines of JSON, those of the epochs from `first` on; None where they are not."""
    rows = json.loads(f"[{','.join(text.decode('ascii').splitlines())}]")
    for e, row in enumerate(rows, first):
        if not isinstance(row, dict) or row.get("epoch", e) != e:
            return None
        if not all(_is_number(row[name]) for name in History.NAMES if name in row):
            return None
    return rows


def _json(value: Any) -> str | None:
    with contextlib.suppress(TypeError, ValueError, RecursionError, OverflowError):
        return json.dumps(_plain(value))
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return bool(value) if isinstance(value, np.bool_) else int(value) if isinstance(value, np.integer) else float(value)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()} if all(isinstance(key, str) for key in value) else NOT_PLAIN
    return value if value is None or isinstance(value, (bool, int, float, str)) else NOT_PLAIN


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Reference(TypedDict):
    """What a checkpoint must hold to find its rows: the journal's name, and how many rows and bytes with which checksum."""

    name: str
    rows: int
    bytes: int
    checksum: int


class Journal:
    """The rows that a checkpoint of a long run does not repeat: in a file beside it, to which only the one who made it appends.

    A checkpoint refers to the first so many bytes of it, which never change, and holds their checksum; what a kill left behind them
    is not read.

    Parameters
    ----------
    checkpoint : str
        The checkpoint's path, no link.

    Attributes
    ----------
    reference : Reference
        To what has been appended.
    """

    EMPTY: Reference = {"name": "", "rows": 0, "bytes": 0, "checksum": 0}

    def __init__(self, checkpoint: str) -> None:
        self._checkpoint = checkpoint
        self._file: BinaryIO | None = None
        self.reference = self.EMPTY

    def append(self, lines: Sequence[str]) -> None:
        """Append so many lines, and see that they are on the disk."""
        name = self.reference["name"] or secrets.token_hex(4)
        if self._file is None:
            self._file = open(journal_path(self._checkpoint, name), "ab" if self.reference["name"] else "xb")
            lock(self._file.fileno())
        text, end = "".join(lines).encode("ascii"), self.reference["bytes"]
        self._file.truncate(end)  # what an attempt that failed left
        self._file.seek(end)
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.reference = {"name": name, "rows": self.reference["rows"] + len(lines), "bytes": end + len(text),
                          "checksum": zlib.crc32(text, self.reference["checksum"])}

    def check(self) -> None:
        """Begin a new one where the file has gone or was changed by others; the rows are to be appended again."""
        if self.reference["name"]:
            with contextlib.suppress(OSError):
                if os.stat(journal_path(self._checkpoint, self.reference["name"])).st_size >= self.reference["bytes"]:
                    return
            self.close()
            self.reference = self.EMPTY

    def close(self) -> None:
        """Close the file; appending opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def journal_path(checkpoint: str, name: str) -> str:
    """Where the journal `name` of a checkpoint lies."""
    return f"{checkpoint}.history-{name}"


def read_journal(checkpoint: str, reference: Reference) -> bytes | str:
    """The bytes that a checkpoint refers to, or a text that says why they cannot be had."""
    if not reference["bytes"]:
        return b""
    path = journal_path(checkpoint, reference["name"])
    if not os.path.isfile(path):
        return f"its history lies in {path}, which does not exist; keep the two files together"
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < reference["bytes"]:
            return f"its history in {path} is cut short"
        text = file.read(reference["bytes"])
    return text if zlib.crc32(text) == reference["checksum"] else f"its history in {path} is damaged"


def is_reference(found: Any) -> bool:
    """Whether JSON that was read is a journal's `reference`."""
    if not isinstance(found, dict) or set(found) != set(Journal.EMPTY) or not isinstance(found["name"], str):
        return False
    numbers = [found[key] for key in ("rows", "bytes", "checksum")]
    return bool(re.fullmatch("[0-9a-f]{8}|", found["name"])) and all(type(number) is int and number >= 0 for number in numbers)


def remove_journals(checkpoint: str, names_kept: Callable[[], Collection[str]]) -> None:
    """Remove the journals beside a checkpoint whose runs have ended, but for those whose names are in the list `names_kept()`.

    It is asked once a journal is locked: by then whatever refers to it is written, for its run holds the lock until it ends.
    """
    folder, name = os.path.split(checkpoint)
    pattern = re.compile(re.escape(name) + r"\.history-([0-9a-f]{8})")
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for path, journal in [(entry.path, found[1]) for entry in entries if (found := pattern.fullmatch(entry.name))]:
            remove_abandoned(path, partial(lambda journal: journal in names_kept(), journal))
