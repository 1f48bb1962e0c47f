"""Checks of what the rows of sweeps are asked for, and of the stores that they are read from."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .sweep_checks import RESERVED, column, some_left, store_path, stored_row
from .typing import Row, Settings

__all__ = ["column", "existing_store", "group_over", "one_function", "plot_kind", "setting_names", "some_left", "stored_row",
           "stored_settings"]


def existing_store(value: Any) -> pathlib.Path:
    """The path of a file that exists."""
    path = store_path(value)
    if not path.is_file():
        raise ValueError(f"store must be an SQLite file that a sweep wrote, but {path} does not exist")
    return path


def one_function(value: Any, names: Mapping[str, str], path: pathlib.Path) -> str | None:
    """The name of the function whose runs are wanted, out of the name of each key; None where the store has no runs."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"function must be the name of a function in the store, or None, but is {value!r}")
    found = list(dict.fromkeys(name for name in names.values() if value in (None, name, name.rpartition(".")[2])))
    if len(found) > 1 or value is not None and not found:
        listed = ", ".join(map(repr, dict.fromkeys(names.values()))) or "none"
        raise ValueError(f"function must name one of the functions whose runs {path} has, which are {listed}, but is {value!r}")
    return found[0] if found else None


def stored_settings(path: pathlib.Path, key: str, text: Any, read: Callable[[str], Any]) -> Settings:
    """The settings of a stored run."""
    try:
        settings = read(text)
        if not isinstance(settings, dict):
            raise ValueError("they are no dict")
    except (ValueError, TypeError, KeyError, RecursionError) as found:
        raise ValueError(f"the store {path} holds a run whose settings cannot be read ({found}); delete it: "
                         f"sqlite3 {path} \"DELETE FROM runs WHERE hash = '{key}'\"") from None
    return settings


def setting_names(value: Any) -> list[str] | None:
    """Names of settings, or None where they are not known."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"settings must be a list of names, but is {value!r}")
    names = list(value)
    for name in names:
        if not isinstance(name, str) or name == RESERVED:
            raise TypeError(f"settings must be names of columns other than {RESERVED!r}, but one is {name!r}")
    return names


def group_over(over: Any, settings: Sequence[str] | None, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The settings over which rows are grouped, and the others."""
    if settings is None:
        raise ValueError("group needs to know which columns are settings; a SweepResult that you make of rows yourself is told by "
                         "SweepResult(rows, settings=['rate', 'seed'])")
    if not isinstance(over, Iterable):
        raise TypeError(f"over must be the name of a setting, or a list of names, but is {over!r}")
    names = [over] if isinstance(over, str) else list(over)
    for name in names:
        if name not in settings:
            raise ValueError(f"over must name settings of the sweep, which are {', '.join(map(repr, settings)) or 'none'}, but "
                             f"{name!r} is none of them")
    return names, [name for name in settings if name not in names]


def plot_kind(value: Any, second: str | None) -> str | None:
    """A kind of picture that suits one setting or two, or None."""
    if value not in (None, "lines", "map", "points"):
        raise ValueError(f'kind must be "lines", "map", "points" or None, but is {value!r}')
    if value in ("map", "points") and second is None:
        raise ValueError(f'kind must be "lines" where there is one setting, but is {value!r}; name a second setting for it')
    return value
