"""How a sweep ends before its runs are all finished."""

from __future__ import annotations

import os

from .results import SweepResult


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep; its text says how many of how many runs are finished, and where they are kept.

    Attributes
    ----------
    result : SweepResult
        The rows of the finished runs, in the grid's order.
    """

    result: SweepResult


def interrupted(result: SweepResult, count: int, total: int, store: str | os.PathLike[str] | None) -> SweepInterrupted:
    """What to raise: `count` of `total` runs are finished."""
    finished = f"{count} of {total} runs are finished"
    text = (f"{finished} and kept in {os.path.abspath(store)}; call sweep again with this store to go on" if store is not None
            else f"{finished}; they are in this exception's .result alone, since the sweep has no store=")
    found = SweepInterrupted(text)
    found.result = result
    return found
