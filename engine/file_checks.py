"""Checks of files: what cannot be read safely is refused with an error that names the path and what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .errors import CheckpointError
from .typing import Path

if TYPE_CHECKING:
    from .archives import Archive, Header, Member

Built = TypeVar("Built")


class _NotWritable(OSError, CheckpointError):
    """No checkpoint can be written at a path."""


def checkpoint_path(path: Any) -> str:
    """The file at which `checkpoint` points, in a folder that exists and can be written to."""
    target = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(target)
    problem = None
    if not os.path.isdir(folder):
        problem = f"but {folder} is no folder; make it first"
    elif not os.access(folder, os.W_OK | os.X_OK):
        problem = f"but {folder} cannot be written to"
    elif os.path.exists(target) and not os.path.isfile(target):
        problem = f"but {target} is a folder, a pipe or a device"
    elif os.path.exists(target) and not os.access(target, os.W_OK):
        problem = f"but {target} is read-only"
    if problem:
        raise _NotWritable(f"checkpoint must name a file that can be written, {problem}")
    return target


def refuse(path: Path, what: str, problem: str, error: type[Exception] = ValueError) -> NoReturn:
    """Raise `error`: `path` was to name `what`, but has a `problem`."""
    refusal: Any = error(f"path must name {what}, but {path} {problem}")
    refusal.path = path
    raise refusal from None


def member(found: Header, wanted: Member, name: str) -> str | None:
    """Refuse a member of an archive whose header says another shape or kind of numbers than `wanted`; what is wrong, or None.

    Parameters
    ----------
    found : Header
    wanted : Member
    name : str
    """
    if found.dtype.kind not in wanted.kinds:
        return f"its {name} must hold {wanted.kind_names}, but has dtype {found.dtype}"
    if wanted.dtype is not None and found.dtype.newbyteorder("=") != wanted.dtype:
        return f"its {name} must have dtype {wanted.dtype}, but has {found.dtype}"
    given = wanted.shape
    if given is not None and not (len(found.shape) == len(given)
                                  and all(size in (None, there) for size, there in zip(given, found.shape))):
        shape = ", ".join("any" if size is None else str(size) for size in given)
        return f"its {name} must have shape [{shape}], but has {list(found.shape)}"
    if found.size > wanted.most:
        return f"its {name} takes {found.size} bytes, but must not take more than {wanted.most}"
    return None


def built(archive: Archive, build: Callable[[], Built]) -> Built:
    """What `build()` makes of an archive's arrays; where it refuses them, a refusal that names the file."""
    try:
        return build()
    except (ValueError, TypeError) as error:
        archive.refuse(f"is not one: {error}")
