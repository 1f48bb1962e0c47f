"""The order of layers that have only names: by the number in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

NUMBERED = re.compile(r"(.*?)_?(\d*)", re.S)


def by_number(names: Iterable[str | int]) -> list[str | int] | None:
    """Names in the order of the numbers at their end, or None where the names differ in more than that.

    A name without a number comes before those with one, as Haiku names layers.

    Examples
    --------
    >>> from engine.interop.orders import by_number
    >>> by_number(["Dense_0", "Dense_1", "Dense_10", "Dense_2"])
    ['Dense_0', 'Dense_1', 'Dense_2', 'Dense_10']
    >>> by_number(["linear_1", "linear"])
    ['linear', 'linear_1']
    >>> by_number(["encoder", "decoder"])
    """
    names = list(names)
    stems, numbers = set(), {}
    for name in names:
        match = NUMBERED.fullmatch(str(name))
        stem, digits = match.groups() if match else (str(name), "")
        stems.add(stem)
        numbers[name] = int(digits[:20]) if digits else -1
    if len(stems) > 1 or len(set(numbers.values())) < len(names):
        return None
    return sorted(names, key=lambda name: numbers[name])
