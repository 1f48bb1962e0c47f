"""Sample steps, slab by slab, into the stacked vector A (eq. 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import checks, index_checks
from .steps import BatchStep
from .typing import Floats, Indices


def slabs(count: int, bytes_each: int, max_bytes: int, multiple_of: int = 1) -> Iterator[slice]:
    """Cut 0 … count into slices that hold at most `max_bytes`, each a whole multiple of `multiple_of` but the last.

    Parameters
    ----------
    count : int
        What there is to cut: sample steps.
    bytes_each : int
        Bytes that one of them takes in memory.
    max_bytes : int
        The most that a slab may take.
    multiple_of : int
        The fixed unit, a block, that no slab splits.

    Yields
    ------
    slice

    Raises
    ------
    MemoryError
        Where `max_bytes` does not hold one unit; it names the least that does.

    See Also
    --------
    assemble : Fills A slab by slab.

    Examples
    --------
    >>> from schedulers import slabs
    >>> list(slabs(10, 8, 32, 2))
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)]
    """
    count, unit = checks.whole_number(count, "count", 0), checks.whole_number(multiple_of, "multiple_of", 1)
    each, most = checks.whole_number(bytes_each, "bytes_each", 1), checks.whole_number(max_bytes, "max_bytes", 1)
    size = checks.slab_size(each, most, unit)
    return (slice(first, min(first + size, count)) for first in range(0, count, size))


def assemble(step: BatchStep, forward: Callable[[Indices, Floats], object], out: Floats, *,
             slab: int | None = None) -> Floats:
    """Fill A with the outputs of a batch step's sample steps: sample step s writes block s (paper §4, eq. 12).

    Parameters
    ----------
    step : BatchStep
    forward : callable
        ``forward(indices, out_rows)`` writes a^L of the samples `indices` to out_rows [len(indices), n].
    out : ndarray [m, n]
        A, a row a sample step; filled and returned.
    slab : int, optional
        Sample steps handed to `forward` at a time; all of them where None.

    Returns
    -------
    ndarray [m, n]
        `out`.

    See Also
    --------
    BatchStep.samples : The sample steps.
    slabs : How much of a batch is in memory at once.

    Examples
    --------
    >>> import numpy as np
    >>> from schedulers import BatchStep, assemble
    >>> X = np.array([[1.0], [2.0], [3.0]])
    >>> step = BatchStep(0, 0, np.array([2, 0]))
    >>> assemble(step, lambda indices, rows: np.copyto(rows, 10 * X[indices]), np.empty((2, 1)))
    array([[30.],
           [10.]])
    """
    indices = step.indices if isinstance(step, BatchStep) else index_checks.step_indices(step)
    m = checks.rows(out, len(indices))
    size = m if slab is None else checks.whole_number(slab, "slab", 1)
    for first in range(0, m, max(size, 1)):
        forward(indices[first:first + size], out[first:first + size])  # eq. 12
    return out
