"""Errors that end a run, each with what had been computed by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .endings import FitResult



class DivergenceError(ArithmeticError):
    """A cost or a parameter is no longer finite.

    Attributes
    ----------
    result : FitResult
        The run up to the last epoch that was whole and finite.
    """

    def __init__(self, message: str, result: FitResult | None = None) -> None:
        super().__init__(message)
        self.result = result


class Interrupted(KeyboardInterrupt):
    """`fit` was interrupted, as by Ctrl-C.

    Attributes
    ----------
    result : FitResult
        The run up to its last whole epoch. An epoch is whole once all its batch steps were made and its validation cost is
        known. Before the first one it holds the network that `fit` was given; where even the arguments were still being
        checked, its `state` is None.

    Examples
    --------
    >>> from engine import Interrupted
    >>> try:
    ...     raise Interrupted("as fit raises it", "the run so far")
    ... except KeyboardInterrupt as stop:
    ...     print(stop.result)
    the run so far
    """

    def __init__(self, message: str = "", result: FitResult | None = None) -> None:
        super().__init__(message)
        self.result = result


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to another run."""
