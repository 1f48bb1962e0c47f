"""Checks of the TOML file that describes a sweep."""

from __future__ import annotations

import pathlib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from .options import meant

KEYS = {"data": str, "store": str, "settings": dict, "grid": dict, "executor": str, "workers": int, "key": str, "largest": bool}
EXECUTORS = ("processes", "threads")
NOT_SWEPT = ("data", "help", "like", "run_folder", "resume", "overwrite", "quiet", "json")
FORM = 'data = "measurements.csv", a table [settings] of options of train, and a table [grid] of lists, as in rate = [0.01, 0.1]'


def sweep_file(path: str) -> dict[str, Any]:
    """What a sweep's TOML file says."""
    try:
        found = tomllib.loads(pathlib.Path(path).read_bytes().decode())
    except ValueError as error:
        raise ValueError(f"FILE must be a sweep in TOML ({FORM}), but {path} cannot be read: {error}") from None
    for name, value in found.items():
        if name not in KEYS:
            raise ValueError(f"{path} must hold {', '.join(KEYS)} and nothing else, but holds {name!r}{meant(name, KEYS)}")
        if not isinstance(value, KEYS[name]) or KEYS[name] is int and isinstance(value, bool):
            raise ValueError(f"{path}: {name} must be a {KEYS[name].__name__}, but is {value!r}")
    for name in ("data", "grid"):
        if not found.get(name):
            raise ValueError(f"{path} must name {name} ({FORM}), but does not")
    if found.get("executor", EXECUTORS[0]) not in EXECUTORS:
        raise ValueError(f"{path}: executor must be {' or '.join(EXECUTORS)}, but is {found['executor']!r}")
    for name, values in found["grid"].items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{path}: {name} in [grid] must be a list of settings, as in {name} = [{values!r}], but is {values!r}")
    both = sorted(set(found["grid"]) & set(found.get("settings", {})))
    if both:
        raise ValueError(f"{path}: {', '.join(both)} must stand in [settings] or in [grid], but stands in both")
    return found


def known_settings(settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse what is no setting of train."""
    known = [name for name in known if name not in NOT_SWEPT]
    for name in settings:
        if name.replace("-", "_") not in known:
            raise ValueError(f"a sweep's settings are options of train ({', '.join(known)}), but {name!r} is none"
                             f"{meant(name, known)}")


def sweep_suffix(path: str) -> str:
    """Refuse what is neither a sweep's description nor its store."""
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in (".toml", ".sqlite", ".db"):
        raise ValueError(f"FILE must be a sweep's description FILE.toml or the store of one FILE.sqlite, but is {path!r}")
    if not pathlib.Path(path).is_file():
        raise ValueError(f"FILE must be a file that exists, but {path} is none")
    return suffix


def known_key(key: str, names: Iterable[str]) -> None:
    """Refuse to order by a column that no run has."""
    names = list(names)
    if key not in names:
        raise ValueError(f"--key must be a column of the sweep, which has {', '.join(names)}, but is {key!r}{meant(key, names)}")
