"""Checks of the command's options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def loss_spec(text: str, known: Sequence[str], numbered: Sequence[str], forms: Sequence[str]) -> tuple[str, float | None]:
    """A loss as the command line has it, `name` or `name:number`."""
    name, colon, number = text.partition(":")
    if name not in known or (colon and name not in numbered):
        raise ValueError(f"--loss must be one of {', '.join(forms)}, but is {text!r}")
    if not colon:
        return name, None
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"--loss must be given as {name}:NUMBER, but is {text!r}") from None


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


def per_sample(reduction: str, weighted: bool, grouped: bool) -> None:
    """Refuse weights and groups that a reduction cannot have."""
    if weighted and reduction not in ("mean", "sum"):
        raise ValueError(f"--weights goes with --reduction mean or sum, but the reduction is {reduction}; leave one of them out")
    if reduction == "group_max" and not grouped:
        raise ValueError("--reduction group_max needs --groups COLUMN, the column that says which group a sample belongs to")


def network_inputs(network: Network, X: Array, path: str) -> Array:
    """Refuse data that does not go with a network."""
    if X.shape[1] != network.widths[0]:
        raise ValueError(f"DATA must have {network.widths[0]} features for the network {path}, but has {X.shape[1]}")
    return X


def seed(value: Any) -> int:
    """A seed of at least 0."""
    return checks.whole_number(value, "--seed", 0)


def data_given(data: str | None) -> None:
    """Refuse to train on nothing."""
    if data is None:
        raise ValueError("DATA is missing; name a data set, as in train digits, or a run to repeat by --like FOLDER")


def same_data(found: Mapping[str, Any], expected: str | None, folder: str | None) -> None:
    """Refuse other data than those of the run in `folder`."""
    if expected is not None and found["sha256"] != expected:
        raise ValueError(f"DATA must be the data of the run in {folder}, whose SHA-256 is {expected[:16]}…, but {found['name']} "
                         f"has {found['sha256'][:16]}…: it was changed, or is another file; put the former one back, or train "
                         "anew without it")


def export_suffix(path: str, known: Iterable[str]) -> str:
    """The suffix of a file that a network can be exported to."""
    found = next((suffix for suffix in known if path.endswith(suffix)), None)
    if found is None:
        raise ValueError(f"FILE must have a name that ends in {' or '.join(known)}, which says its format, but is {path!r}")
    return found


def one_of(first: bool, second: bool, name: str, other: str) -> None:
    """Refuse two options that contradict each other."""
    if first and second:
        raise ValueError(f"{name} and {other} contradict each other; give one of them")
