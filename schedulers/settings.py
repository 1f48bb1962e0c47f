"""Settings of a sweep's runs: the product of lists, a random sample, or as they come."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import checks, sweep_checks
from .typing import Settings
from .values import scalar


def settings_of(grid: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]]) -> list[Settings]:
    """The settings of a grid, a list of dicts, with NumPy scalars as Python's.

    Parameters
    ----------
    grid : mapping of str to a list of values, or iterable of dicts
        A mapping gives the product of its lists, the last name fastest.
    """
    lists = sweep_checks.grid(grid)
    if isinstance(lists, dict):
        lists = [dict(zip(lists, values)) for values in itertools.product(*lists.values())]
    return [{name: scalar(value) for name, value in settings.items()} for settings in lists]


def random_settings(distributions: Mapping[str, Any], count: int, *, seed: int = 0) -> list[Settings]:
    """A random sample of settings.

    Each name draws from a stream of its own, seeded by (seed, name): a larger `count` begins with the same settings, and a name
    more or less leaves the others' draws as they were.

    Parameters
    ----------
    distributions : mapping of str to a distribution or a list of values
        A distribution has ``rvs(random_state=)``, as SciPy's frozen ones do; of a list, each value is as likely as another.
    count : int
        Settings to draw.
    seed : int

    Returns
    -------
    list of dict
        For `sweep`.

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.

    See Also
    --------
    sweep : Runs a function at each.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from schedulers import random_settings
    >>> sample = random_settings({"rate": loguniform(1e-3, 1), "width": [8, 16, 32]}, 20, seed=1)
    >>> len(sample), all(1e-3 <= settings["rate"] <= 1 for settings in sample)
    (20, True)
    >>> sample[:5] == random_settings({"width": [8, 16, 32], "rate": loguniform(1e-3, 1)}, 5, seed=1)
    True
    """
    distributions = sweep_checks.distributions(distributions)
    count, seed = checks.whole_number(count, "count", 0), checks.whole_number(seed, "seed", 0)
    drawn = {name: _draws(one, count, np.random.default_rng([seed, *name.encode()])) for name, one in distributions.items()}
    return [{name: values[i] for name, values in drawn.items()} for i in range(count)]


def _draws(distribution: Any, count: int, generator: np.random.Generator) -> list[Any]:
    if isinstance(distribution, list):
        return [scalar(distribution[generator.integers(len(distribution))]) for _ in range(count)]
    return [np.asarray(distribution.rvs(random_state=generator)).tolist() for _ in range(count)]
