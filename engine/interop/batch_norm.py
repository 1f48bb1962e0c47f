"""A batch normalisation with fixed statistics, folded into the dense layer before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def folded(W: NDArray[Any], b: NDArray[Any] | None, mean: NDArray[Any], variance: NDArray[Any], epsilon: float,
           scale: NDArray[Any] | None, shift: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """W′ and b′ with W′ a + b′ = scale (W a + b − mean) / sqrt(variance + ε) + shift, in W's dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from engine.interop.batch_norm import folded
    >>> folded(np.array([[3.0]]), None, np.array([1.0]), np.array([4.0]), 0.0, None, None)
    (array([[1.5]]), array([-0.5]))
    """
    slope = (1.0 if scale is None else scale.astype(float)) / np.sqrt(np.asarray(variance, float) + epsilon)
    moved = slope * ((0.0 if b is None else b.astype(float)) - np.asarray(mean, float))
    shifted = moved if shift is None else moved + shift.astype(float)
    return (slope[:, None] * W.astype(float)).astype(W.dtype), shifted.astype(W.dtype)
