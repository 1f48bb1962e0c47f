"""The progress bar of a fit, which is fed ten times a second at most."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any

from schedulers.progress import progress_bar

from .preparation import Compiling

OFTEN = 0.1  # seconds between two looks at the bar


class FitProgress:
    """The bar over `total` epochs, of which `initial` are there already; none where it is not to be shown. `ahead` gives the
    functions that are still to be compiled, of which the bar tells.

    Attributes
    ----------
    compiling : Compiling
        What is compiled meanwhile.
    """

    def __init__(self, total: int, initial: int, show: bool, ahead: Callable[[], Collection[Any] | None]) -> None:
        self._bar = progress_bar(total=total, initial=initial, unit="epoch") if show else None
        self.compiling = Compiling(self._bar, ahead)
        self._count, self._cost, self._fed = 0, float("nan"), clock.perf_counter()

    def __enter__(self) -> FitProgress:
        return self

    def epochs(self, count: int, cost: float) -> None:
        """`count` more epochs were made; the last of them cost this much."""
        self._count, self._cost = self._count + count, cost
        if clock.perf_counter() - self._fed >= OFTEN:
            self._feed()

    def _feed(self) -> None:
        if self._bar is None:
            return
        count, self._count, self._fed = self._count, 0, clock.perf_counter()
        self._bar.set_postfix(cost=f"{self._cost:.4g}", refresh=False)
        self._bar.update(count)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.compiling.close()
        if self._bar is not None:
            try:
                if self._count:
                    self._feed()
            finally:
                self._bar.close()
