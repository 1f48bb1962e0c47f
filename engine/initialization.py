"""Random weights to start from, by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .layout import Layout
from .typing import Array, DType

if TYPE_CHECKING:
    from .activations import Activation

SCHEMES = ("auto", "glorot", "he", "lecun")
HE = ("relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "softplus", "mish", "hard_swish")
LECUN = ("selu",)


def initial_parameters(layout: Layout, activations: Sequence[Activation], scheme: str, generator: np.random.Generator,
                       dtype: DType) -> Array:
    """θ [P] with weights drawn by `scheme`, one of SCHEMES, and biases 0."""
    theta = np.zeros(layout.size, dtype)
    for l, activation in enumerate(activations, 1):
        before, width = layout.widths[l - 1], layout.widths[l]
        kind = scheme
        if scheme == "auto":
            kind = "he" if activation.name in HE else "lecun" if activation.name in LECUN else "glorot"
        if kind == "glorot":
            bound = np.sqrt(6.0 / (before + width))
            weights = generator.uniform(-bound, bound, width * before)
        else:
            weights = generator.standard_normal(width * before) * np.sqrt((2.0 if kind == "he" else 1.0) / before)
        theta[layout.weight_slice(l)] = weights
    return theta
