"""The parts of θ that are one Kronecker product each: neurons times inputs of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..network import Network
from ..typing import Array, Indices, Mask
from . import kronecker_checks

EVERY = slice(None)


class KroneckerPart(NamedTuple):
    """Some neurons of layer l times some of their inputs (a^{l−1}, 1), and where they lie in a vector v of the operator.

    A block of v over the part is an array [neurons, inputs], its last column the biases where the part has them.
    """

    layer: int
    neurons: slice | Indices
    inputs: slice | Indices
    shape: tuple[int, int]
    weights: slice  # of v, empty where the part has none
    biases: slice  # of v, empty where the part has none

    def of(self, v: Array) -> Array:
        """The block of v."""
        rows = self.shape[0]
        return np.concatenate([v[self.weights].reshape(rows, -1), v[self.biases].reshape(rows, -1)], axis=1)

    def write(self, block: Array, v: Array) -> None:
        """Write a block into v."""
        columns = self.shape[1] - int(self.has_biases)
        v[self.weights], v[self.biases] = block[:, :columns].reshape(-1), block[:, columns:].reshape(-1)

    @property
    def has_weights(self) -> bool:
        """Whether weights are among it."""
        return self.weights.start < self.weights.stop

    @property
    def has_biases(self) -> bool:
        """Whether biases are among it."""
        return self.biases.start < self.biases.stop

    @property
    def order(self) -> Indices:
        """Of the entries of a block, row by row, those that come first in v, weights before biases."""
        places = np.arange(self.shape[0] * self.shape[1]).reshape(self.shape)
        columns = self.shape[1] - int(self.has_biases)
        return np.concatenate([places[:, :columns].reshape(-1), places[:, columns:].reshape(-1)])


def square(matrix: Array, which: slice | Indices) -> Array:
    """Some rows of a matrix and the same columns."""
    return matrix[which][:, which]


def joined(parts: Iterable[KroneckerPart], blocks: Iterable[Array], out: Array) -> Array:
    """`out` with the blocks written into it."""
    for part, block in zip(parts, blocks):
        part.write(block, out)
    return out


def kronecker_parts(network: Network, trainable: Mask, biases: str) -> list[KroneckerPart]:
    """The parts of θ, layer by layer, that `trainable` (bool [P], all of θ where empty) leaves.

    With biases "joint" W and b of a layer are one part, with "separate" two.
    """
    layout, parts, first = network.kernels.layout, [], 0
    for l in range(1, network.depth + 1):
        n, before = network.widths[l], network.widths[l - 1]
        kept = np.ones((n, before + 1), np.bool_)
        if trainable.size:
            kept[:, :-1] = trainable[layout.weight_slice(l)].reshape(n, before)
            kept[:, -1] = trainable[layout.bias_slice(l)]
        middle = first + int(kept[:, :-1].sum())
        stop = middle + int(kept[:, -1].sum())
        for mask in _separated(kept) if biases == "separate" else (kept,):
            if mask.any():
                weights, bias = mask[:, :-1].any(), mask[:, -1].any()
                parts.append(_part(l, mask, biases, slice(first, middle if weights else first),
                                   slice(middle, stop if bias else middle)))
        first = stop
    kronecker_checks.something_trainable(first)
    return parts


def _separated(kept: Mask) -> Iterator[Mask]:
    """The mask of the weights alone and that of the biases alone."""
    for columns in (slice(0, -1), slice(-1, None)):
        mask = np.zeros_like(kept)
        mask[:, columns] = kept[:, columns]
        yield mask


def _part(l: int, mask: Mask, biases: str, weights: slice, bias: slice) -> KroneckerPart:
    neurons, inputs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    kronecker_checks.neurons_times_inputs(bool(mask[neurons][:, inputs].all()), l, biases)
    shape = len(neurons), len(inputs)
    return KroneckerPart(l, _whole(neurons, mask.shape[0]), _whole(inputs, mask.shape[1]), shape, weights, bias)


def _whole(indices: Indices, size: int) -> slice | Any:
    return EVERY if len(indices) == size else indices
