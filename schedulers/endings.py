"""How a sweep ends before its runs are all finished."""

from __future__ import annotations

import os

from .results import SweepResult


def interrupted(result: SweepResult, count: int, total: int, store: str | os.PathLike[str] | None) -> KeyboardInterrupt:
    """What to raise at Ctrl-C: it says that `count` of `total` runs are finished, and has their rows as its `.result`.

    Of no class of its own, since Python ends a process by SIGINT for KeyboardInterrupt itself alone, and not for what extends it.
    """
    finished = f"{count} of {total} runs are finished"
    text = (f"{finished} and kept in {os.path.abspath(store)}; call sweep again with this store to go on" if store is not None
            else f"{finished}; they are in this exception's .result alone, since the sweep has no store=")
    found = KeyboardInterrupt(text)
    found.result = result  # type: ignore[attr-defined]
    return found
