"""The order of layers that have only names: by the numbers in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

PART = re.compile(r"(.*?)_?(\d*)", re.S)
DIGITS = 18  # more do not count anything


def by_number(names: Iterable[str]) -> list[str] | None:
    """Names in the order of their numbers, or None where they differ in anything else, which says nothing of an order.

    Names are paths, their parts separated by points or slashes. A part without a number comes before the same part with one, as
    Haiku names layers.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str, or None

    Examples
    --------
    >>> from engine.interop.orders import by_number
    >>> by_number(["Dense_0", "Dense_1", "Dense_10", "Dense_2"])
    ['Dense_0', 'Dense_1', 'Dense_2', 'Dense_10']
    >>> by_number(["0.2", "1", "0.0"]), by_number(["linear_1", "linear"])
    (['0.0', '0.2', '1'], ['linear', 'linear_1'])
    >>> by_number(["encoder", "decoder"])
    """
    keys = {name: [_numbered(part) for part in re.split("[./]", name)] for name in names}
    ordered = sorted(keys, key=lambda name: keys[name])
    for first, second in pairwise(ordered):
        differing = next(((a, b) for a, b in zip(keys[first], keys[second]) if a != b), None)
        if differing is None or differing[0][0] != differing[1][0]:
            return None
    return ordered


def _numbered(part: str) -> tuple[str, int]:
    """A part of a name as its text and its number, −1 where it has none."""
    match = PART.fullmatch(part)
    text, digits = match.groups() if match and len(match.group(2)) <= DIGITS else (part, "")
    return text, int(digits) if digits else -1
