"""Checks of the command's options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import checks
from ..network import Network
from ..typing import Array


def test_fraction(value: Any) -> float:
    """A share of the samples to hold out."""
    return checks.number_where(value, "--test-fraction", "a number in (0, 1)", lambda number: 0 < number < 1)


def split_sizes(m: int, fraction: float) -> int:
    """Number of samples to hold out: at least one, and at least one is left to train on."""
    test = round(m * fraction)
    if test < 1 or test >= m:
        raise ValueError(f"--test-fraction {fraction} of {m} samples leaves {m - test} to train on and {test} to test on; "
                         "both must be at least 1")
    return test


def reduction_spec(text: str, known: Mapping[str, bool], names: Sequence[str]) -> tuple[str, float | None]:
    """A reduction as the command line has it, `name` or `name:number`."""
    name, _, number = text.partition(":")
    if name not in known:
        raise ValueError(f"--reduction must be one of {', '.join(names)}, but is {text!r}")
    if known[name] != bool(number):
        form = f"{name}:NUMBER" if known[name] else name
        raise ValueError(f"--reduction must be given as {form}, but is {text!r}")
    if not number:
        return name, None
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"--reduction must be given as {name}:NUMBER, but is {text!r}") from None
    return name, checks.number_where(value, "--reduction", "a name and a finite number", lambda value: True)


def network_inputs(network: Network, X: Array, path: str) -> Array:
    """Refuse data that does not go with a network."""
    if X.shape[1] != network.widths[0]:
        raise ValueError(f"DATA must have {network.widths[0]} features for the network {path}, but has {X.shape[1]}")
    return X


def seed(value: Any) -> int:
    """A seed of at least 0."""
    return checks.whole_number(value, "--seed", 0)
