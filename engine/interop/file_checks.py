"""Refusals of files that hold no dense network: each names the path and what is wrong."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from ..file_checks import refuse
from ..typing import Path

KINDS = {"F32": True, "F64": True, "F16": False}  # whether a Network computes in it


def regular(path: Path, what: str) -> None:
    """Refuse a pipe or a device before it is read; what does not exist, is a folder or may not be read raises what `open` does."""
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        refuse(path, what, "is a pipe or a device; copy it to a file first")
    open(path, "rb").close()


@contextlib.contextmanager
def one_error(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises for a cut, damaged or foreign file into one kind of error; our own pass."""
    try:
        yield
    except (ModuleNotFoundError, MemoryError):
        raise
    except Exception as problem:
        if getattr(problem, "path", None) is path:  # refused already
            raise
        text = " ".join(str(problem).split())[:200] or type(problem).__name__
        refuse(path, what, f"is not one, for it cannot be read: {text}")


@contextlib.contextmanager
def building(path: Path, what: str) -> Iterator[None]:
    """Name the file in an error of what builds the network from its arrays."""
    try:
        yield
    except (ValueError, TypeError) as problem:
        refuse(path, what, f"is not one: {problem}")


def array_header(path: Path, what: str, name: str, shape: Sequence[int], dimensions: int | None, kind: str, cast: bool) -> None:
    """Refuse an array that is no weight or bias of a dense layer; `dimensions` is None where its name ends in neither."""
    if dimensions is None or "." not in name:
        refuse(path, what, f"is not one: it holds {name!r}, whose name does not end in .weight or .bias; save the parameters of "
               "dense layers alone")
    if len(shape) != dimensions:
        wanted = "[n_l, n_(l-1)]" if dimensions == 2 else "[n_l]"
        refuse(path, what, f"is not one: its {name} must have shape {wanted}, but has {list(shape)}")
    if kind not in KINDS:
        refuse(path, what, f"is not one: its {name} must hold {', '.join(KINDS)}, but holds {kind}; convert it first")
    if not KINDS[kind] and not cast:
        refuse(path, what, f"is not read: its {name} holds {kind}; say in which dtype a Network shall compute: dtype=np.float32",
               TypeError)


def ordered_layers(path: Path, what: str, weights: list[str], alone: list[str], ordered: list[str] | None) -> list[str]:
    """The layers in order; refused where there are none, a bias stands alone, or the names do not say in what order they come."""
    if alone:
        refuse(path, what, f"is not one: it holds {alone[0]}, but no weight beside it")
    if not weights:
        refuse(path, what, "is not one: it holds no arrays")
    if ordered is None:
        refuse(path, what, f"is not read: the names of its layers ({', '.join(sorted(weights)[:5])}) differ in more than a number, "
               "which does not say in what order they come; load its arrays and build the network with Network.from_layers")
    return ordered


def labels(path: Path, what: str, found: Any, depth: int) -> list[str]:
    """A list of activations' names from a file's metadata, one for each layer."""
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        refuse(path, what, "does not say which activations its layers have; name them: load(path, activations)")
    if len(found) != depth:
        refuse(path, what, f"is damaged: it names {len(found)} activations, but holds {depth} layers")
    return found


def at_most(path: Path, what: str, size: int, most: int) -> None:
    """Refuse a file that is larger than its format allows."""
    if size > most:
        refuse(path, what, f"takes {size} bytes, but such a file holds {most} at most")
