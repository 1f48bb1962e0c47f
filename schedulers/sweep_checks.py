"""Checks of what a sweep is given, at the public edge, and of what its runs return."""

from __future__ import annotations

import inspect
import pathlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NoReturn

from .checks import whole_number
from .typing import Outcome, Row, Settings

RESERVED = "error"
# what SQLite says of a file that another process holds, or to which nothing can be written
STORE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
              sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def grid(value: Any) -> dict[str, list[Any]] | list[Settings]:
    """A mapping's lists by name, or the dicts of an iterable."""
    if isinstance(value, Mapping):
        return {_name(name): _values(values, name) for name, values in value.items()}
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError("grid must map names to lists of values, or be an iterable of dicts (as schedulers.random_settings makes), "
                        f"but is {value!r}")
    settings = list(value)
    for i, one in enumerate(settings):
        if not isinstance(one, Mapping):
            raise TypeError(f"grid must hold a dict of settings for each run, but its item {i} is {one!r}")
        for name in one:
            _name(name)
    return settings


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a setting's name must be a str, a keyword of run, but is {name!r}")
    if name == RESERVED:
        raise ValueError("no setting may be named 'error': each row has its traceback under that name")
    return name


def _values(values: Any, name: Any) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"grid[{name!r}] must be a list of values, but is {values!r}; one value is a list of one")
    return list(values)


def distributions(value: Any) -> dict[str, Any]:
    """Distributions, and lists that are not empty, by name."""
    if not isinstance(value, Mapping):
        raise TypeError(f"distributions must map names to distributions or lists, but is {value!r}")
    found = {}
    for name, one in value.items():
        found[_name(name)] = one if hasattr(one, "rvs") else _choices(one, name)
    return found


def _choices(values: Any, name: Any) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"distributions[{name!r}] must have rvs(random_state=), as scipy.stats.uniform(0, 1) has, or be a list of "
                        f"values, but is {values!r}")
    values = list(values)
    if not values:
        raise ValueError(f"distributions[{name!r}] must hold at least one value to choose, but is empty")
    return values


def function(run: Any, settings: Sequence[Settings]) -> Callable[..., Any]:
    """A callable that takes the settings as keywords."""
    if not callable(run):
        raise TypeError(f"run must be a function of the settings as keywords, but is {run!r}")
    try:
        signature = inspect.signature(run)
    except (TypeError, ValueError):
        return run
    for names in dict.fromkeys(tuple(one) for one in settings):
        try:
            signature.bind(**dict.fromkeys(names))
        except TypeError as error:
            raise TypeError(f"run must take the settings {', '.join(names)} as keywords, but {error}; its signature is "
                            f"{signature}") from None
    return run


def can_travel(payload: bytes | None, run: Any, reason: str) -> bytes:
    """The bytes of `run` for another process."""
    if payload is None:
        raise TypeError(f"run must be a function that another process can import, but {run!r} is not one ({reason}); define it at "
                        'the top of a module, install cloudpickle, or use executor="threads"')
    return payload


def executor(value: Any) -> Executor | str | None:
    """None, "threads" or a concurrent.futures.Executor."""
    if value is None or value == "threads" or isinstance(value, Executor):
        return value
    raise TypeError('executor must be None (processes), "threads" or a concurrent.futures.Executor (as Dask\'s get_executor() '
                    f"gives), but is {value!r}")


def flag(value: Any, name: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, but is {value!r}")
    return value


def version(value: Any) -> str | int | None:
    """What stands for the code of a function, or None."""
    if value is None or isinstance(value, str) or isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"version must be a text or a whole number that you change when results change, or None, but is {value!r}")


def workers(value: Any) -> int | None:
    """A number of workers, or None."""
    return value if value is None else whole_number(value, "workers", 1)


def key(value: Any) -> str | None:
    """The name of a returned number, or None."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"key must name a number that run returns, but is {value!r}")
    return value


def store_path(value: Any) -> pathlib.Path:
    """A path in a folder that exists."""
    try:
        path = pathlib.Path(value)
    except TypeError:
        raise TypeError(f"store must be the path of an SQLite file, but is {value!r}") from None
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"lies in {path.parent}, which is no folder"
        raise ValueError(f"store must be the path of an SQLite file, but {path} {what}")
    return path


def store_unusable(path: pathlib.Path, error: Exception, busy: bool) -> NoReturn:
    """Say what SQLite found wrong with a store: it is `busy` (locked, full, not writable), or it is no store."""
    if busy:
        raise RuntimeError(f"the store {path} cannot be used now ({error}); its finished runs are safe. End what locks it, or make "
                           "space and allow writing, and call again to go on") from None
    raise ValueError(f"store must be an SQLite file that a sweep wrote, or a new one, but {path} is not, or is damaged ({error}); "
                     "take another file, or mend it with sqlite3's .recover") from None


def stored_row(path: pathlib.Path, key: str, returned: Any, error: Any, read: Callable[[str], Any]) -> Outcome:
    """(returned, error) of a stored run, whose text `read` must understand."""
    try:
        if returned is None:
            if not isinstance(error, str):
                raise ValueError("neither results nor an error")
        elif not isinstance(read(returned), dict):
            raise ValueError("its results are no dict")
    except (ValueError, TypeError, KeyError, RecursionError) as found:
        raise ValueError(f"the store {path} holds a run whose text cannot be read ({found}); delete it, and it is run again: "
                         f"sqlite3 {path} \"DELETE FROM runs WHERE hash = '{key}'\"") from None
    return returned, error


def no_text(value: Any, name: str) -> NoReturn:
    """Refuse what cannot be written to a store and read back."""
    raise TypeError(f"{name} must be made of None, bool, numbers, text, bytes, lists, tuples, dicts with text for keys, and arrays "
                    f"of these, to be stored, but is {value!r:.200}")


def no_results(error: str, settings: Settings) -> NoReturn:
    """Stop a sweep whose first run returned no dict."""
    said = error.strip().splitlines()[-1].removeprefix("TypeError: ")
    given = ", ".join(f"{name}={value!r:.80}" for name, value in settings.items())
    raise TypeError(f"{said}, for {given or 'no settings'}; the sweep has stopped, as its other runs would end so too. Return the "
                    "results by their names, as in return {'cost': 0.5}")


def returned(values: Any, settings: Settings) -> dict[str, Any]:
    """A dict whose names are new to the row."""
    if not isinstance(values, dict):
        raise TypeError(f"run must return a dict of results, but returned {values!r:.200}")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"run must return a dict with text for keys, but one is {name!r}")
        if name in settings or name == RESERVED:
            raise ValueError(f"run must not return the key {name!r}, which its row has already")
    return values


def column(name: Any, rows: list[Row]) -> str:
    """A column that some row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if name not in names:
        failed = sum(row[RESERVED] is not None for row in rows)
        raise ValueError(f"{name!r} must be a column of the rows, which have {', '.join(map(repr, names)) or 'none'}; {failed} of "
                         f"{len(rows)} runs have an error in place of results")
    return name


def some_left(found: list[Row], name: str, rows: list[Row]) -> list[Row]:
    """Refuse to choose among no runs."""
    if not found:
        errors = [row[RESERVED] for row in rows if row[RESERVED] is not None]
        last = f"; the first ends: {errors[0].strip().splitlines()[-1]}" if errors else ""
        raise ValueError(f"a finite number under {name!r} must be left in some row, but of {len(rows)} runs {len(errors)} have an "
                         f"error and the others no such number{last}")
    return found
