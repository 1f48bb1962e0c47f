"""How objects show themselves: short text, and tables as HTML for notebooks; and arrays that are equal by content."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

SHOWN = 10  # rows of a long table


def shown(value: Any) -> str:
    """A setting as text: a function by its name, a long array by its dtype and shape, whatever else as Python writes it."""
    if isinstance(value, np.ndarray) and value.size > SHOWN:
        return f"{value.dtype} [{', '.join(map(str, value.shape))}]"
    text = repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__) if text.startswith("<") or " at 0x" in text else text


def called(name: str, settings: dict[str, Any]) -> str:
    """`name(a=1, b=2)`, or `name` alone without settings."""
    return f"{name}({', '.join(f'{key}={shown(value)}' for key, value in settings.items())})" if settings else name


class WithSettings:
    """A base for settings: its text is the name of the class with what was set."""

    def __repr__(self) -> str:
        return called(self._called_as(), {key: value for key, value in vars(self).items() if not key.startswith("_")})

    def _called_as(self) -> str:
        return type(self).__name__


class MadeByFunction(WithSettings):
    """A base for settings that a function makes; their text is its call: `step_decay(rate=0.1, …)` for a StepDecay."""

    def _called_as(self) -> str:
        return in_small_letters(type(self).__name__)


def in_small_letters(name: str) -> str:
    """The function's name for a class: step_decay for StepDecay."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def html_table(names: Sequence[str], rows: Sequence[Iterable[Any]], caption: str = "", most: int = SHOWN) -> str:
    """A table as HTML, as notebooks show it; nothing else need be installed.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    rows : sequence of iterables
        Their cells; floats are shown with four digits.
    caption : str
        A line above the table.
    most : int
        Of a longer table the first and the last half as many rows are shown, and dots between them.

    Returns
    -------
    str

    Examples
    --------
    >>> from schedulers.notebook import html_table
    >>> print(html_table(["rate"], [[0.1], [0.2]]))
    <table><thead><tr><th>rate</th></tr></thead><tbody>
    <tr><td>0.1</td></tr>
    <tr><td>0.2</td></tr>
    </tbody></table>
    """
    lines = [_line(row, "td") for row in rows[:most if len(rows) <= most else most // 2]]
    if len(rows) > most:
        lines += [_line(["…"] * len(names), "td"), *(_line(row, "td") for row in rows[len(rows) - most // 2:])]
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return "\n".join([f"<table>{above}<thead>{_line(names, 'th')}</thead><tbody>", *lines, "</tbody></table>"])


def _line(cells: Iterable[Any], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell_text(cell))}</{tag}>' for cell in cells)}</tr>"


def cell_text(value: Any) -> str:
    """A cell's text: a float with four digits, text as it is, whatever else as `shown` has it."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return value if isinstance(value, str) else str(value) if isinstance(value, np.integer) else shown(value)


def equal_arrays(one: Any, other: Any) -> bool:
    """Whether two arrays have the same shape and values; NaN, and any mark that is not equal to itself, equals its like."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or (one.dtype.kind in "OUSM") != (other.dtype.kind in "OUSM"):
        return False
    if one.dtype.kind in "fc" and other.dtype.kind in "fc":
        return bool(np.array_equal(one, other, equal_nan=True))
    if not (one.dtype.hasobject or other.dtype.hasobject):
        return bool(np.array_equal(one, other))
    return all(a is b or _equal(a, b) or not (_equal(a, a) or _equal(b, b)) for a, b in zip(one.ravel(), other.ravel()))


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False
