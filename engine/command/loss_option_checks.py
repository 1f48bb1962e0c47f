"""Checks of the options that are parameters of a loss."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .options import meant
from .tables.table_checks import listed

INSTEAD = {("class_weights", "binary_cross_entropy"): ", or use --pos-weight",
           ("pos_weight", "softmax_cross_entropy"): ", or use --class-weights"}


def of_loss(given: Collection[str], loss_of: Mapping[str, str], loss: str) -> None:
    """Refuse a parameter of another loss."""
    for name in given:
        if loss_of[name] != loss:
            option, instead = f"--{name.replace('_', '-')}", INSTEAD.get((name, loss), "")
            raise ValueError(f"{option} is for --loss {loss_of[name]}, but the loss is {loss}; leave {option} out, or name that "
                             f"loss{instead}")


def class_weights(words: Sequence[str], labels: Sequence[Any], balanced: str) -> dict[int, float]:
    """LABEL=NUMBER as numbers by class; what is no weight is refused by the loss."""
    known = [str(label) for label in labels]
    found: dict[int, float] = {}
    for word in words:
        label, equals, number = word.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise ValueError(f"--class-weights must be {balanced}, or LABEL=NUMBER for one or more of the classes {listed(known)}, "
                             f"but is {word!r}")
        if label not in known:
            raise ValueError(f"--class-weights must name classes of the target, {listed(known)}, but names {label!r}"
                             f"{meant(label, known)}")
        k = known.index(label)
        if k in found:
            raise ValueError(f"--class-weights must name a class once, but names {label!r} again")
        found[k] = weight
    return found


def each_target(values: Sequence[float], names: Sequence[str]) -> float | list[float]:
    """One number, or one for each target."""
    if len(values) == 1:
        return values[0]
    if len(values) != len(names):
        raise ValueError(f"--pos-weight must be one number, or one for each of the {len(names)} targets ({listed(names)}), but "
                         f"holds {len(values)}")
    return list(values)
