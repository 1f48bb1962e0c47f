"""The trainable numbers of θ, as a part of the last layers: what lies below them only goes forward."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..network import Network
from ..rows import Rows, samples
from ..typing import Array, Indices, Mask

PIECE = 1 << 20  # bytes of samples that go forward at once where they are read by rows


class LayerPart(NamedTuple):
    """Some numbers of (W^l, b^l), which lie among those of some neurons × some inputs, (a^{l−1}, 1) being all inputs.

    Attributes
    ----------
    layer : int
        l.
    rows : slice
        Where they are among the numbers of all layers' parts.
    neurons, inputs : slice or ndarray of int
        Those that have one of the numbers.
    entries : ndarray of int, optional
        Which of [neurons, inputs], flat, they are, in θ's order; the whole layer where None.
    """

    layer: int
    rows: slice
    neurons: slice | Indices = slice(None)
    inputs: slice | Indices = slice(None)
    entries: Indices | None = None

    def shape(self, widths: tuple[int, ...]) -> tuple[int, int]:
        """How many neurons and inputs there are."""
        return np.arange(widths[self.layer])[self.neurons].size, np.arange(widths[self.layer - 1] + 1)[self.inputs].size

    def places(self, widths: tuple[int, ...]) -> Indices:
        """`entries`, those of a whole layer too."""
        if self.entries is not None:
            return self.entries
        numbers = np.arange(widths[self.layer] * (widths[self.layer - 1] + 1)).reshape(widths[self.layer], -1)
        return np.concatenate([numbers[:, :-1].reshape(-1), numbers[:, -1]])

    def transposed(self, widths: tuple[int, ...]) -> Indices:
        """`places` in [inputs, neurons]."""
        neurons, inputs = self.shape(widths)
        neuron, entry = np.divmod(self.places(widths), inputs)
        return entry * neurons + neuron


def layers_of(network: Network, first: int, last: int) -> Network:
    """Layers first … last as a network of its own, from a^{first−1}."""
    layout = network.kernels.layout
    theta = network.parameters[layout.weight_slice(first).start:layout.bias_slice(last).stop]
    return Network(network.widths[first - 1:last + 1], network.activations[first - 1:last], theta)


class TrainablePart:
    """Some numbers of θ, T of them, among those of the layers l₀ … L: l₀ is the first that has one.

    Those layers are a network of its own from a^{l₀−1}. Its derivatives are those of the whole one, without what lies below:
    passes back end at l₀, and tangents begin there.

    Parameters
    ----------
    network : Network
    mask : ndarray of bool [P], or empty
        Which numbers are trainable; all where empty.

    Attributes
    ----------
    network : Network
        Layers l₀ … L, or the given network itself where l₀ = 1.
    first : int
        l₀.
    size : int
        T.
    kept : slice or ndarray of int [T]
        Which numbers of that network's θ they are.
    """

    def __init__(self, network: Network, mask: Mask) -> None:
        self._given, self.mask = network, mask if mask.size else np.ones(network.size, np.bool_)
        layout, L = network.kernels.layout, network.depth
        marked = np.flatnonzero(self.mask)
        starts = [layout.weight_slice(l).start for l in range(1, L + 1)]
        self.first = int(np.searchsorted(starts, marked[0], side="right")) if marked.size else L
        self.network = network
        self._below: Network | None = None
        if self.first > 1:
            self.network, self._below = layers_of(network, self.first, L), layers_of(network, 1, self.first - 1)
        places, self.size = marked - starts[self.first - 1], marked.size
        self.kept: slice | Indices = slice(None) if self.size == self.network.size else places

    @property
    def whole(self) -> bool:
        """Whether every number of θ is trainable."""
        return self.size == self._given.size

    def samples(self, X: Any, name: str = "X") -> Array:
        """a^{l₀−1} [m, n_{l₀−1}] of X [m, n_0], which is checked and called `name` in errors."""
        X = checks.samples(X, self._given.widths[0], self._given.dtype, name)
        return X if self._below is None else self._outputs_below(X)

    def rows(self, X: Any) -> Array | LowerOutputs | Rows:
        """a^{l₀−1} of X, forward anew wherever rows of it are read."""
        X = samples(X, self._given.widths[0], self._given.dtype, bounded=True)
        return X if self._below is None else LowerOutputs(self, X)

    def _outputs_below(self, X: Array) -> Array:
        assert self._below is not None
        return checks.finite(self._below(X), f"a^{self.first - 1}")

    def spread(self, v: Array) -> Array:
        """v [T, …] among zeros, in the order of the network's θ."""
        if isinstance(self.kept, slice):
            return v
        out = np.zeros((self.network.size, *v.shape[1:]), v.dtype)
        out[self.kept] = v
        return out

    def layers(self) -> list[LayerPart]:
        """The layers that have a trainable number, numbered as in `network`, and which of their numbers those are."""
        layout, widths, parts, at = self.network.kernels.layout, self.network.widths, [], 0
        mask = self.mask[self._given.size - self.network.size:]
        for l in range(1, self.network.depth + 1):
            weights = mask[layout.weight_slice(l)].reshape(widths[l], -1)
            marked = np.column_stack([weights, mask[layout.bias_slice(l)]])
            count = int(marked.sum())
            rows, at = slice(at, at + count), at + count
            if count == marked.size:
                parts.append(LayerPart(l, rows))
            elif count:
                neurons, inputs = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
                chosen = marked[np.ix_(neurons, inputs)]
                numbers, bias = np.arange(chosen.size).reshape(chosen.shape), inputs == widths[l - 1]
                places = [numbers[:, part][chosen[:, part]] for part in (~bias, bias)]
                parts.append(LayerPart(l, rows, neurons, inputs, np.concatenate(places)))
        return parts


class LowerOutputs:
    """a^{l₀−1} [m, n_{l₀−1}] of samples in memory or of Rows, read by slices and index arrays: none of it is kept."""

    def __init__(self, part: TrainablePart, X: Array | Rows) -> None:
        self._part, self._X = part, X

    def __len__(self) -> int:
        return len(self._X)

    def __getitem__(self, indices: Any) -> Array:
        if isinstance(indices, slice):
            indices = np.arange(*indices.indices(len(self)))
        widths, dtype = (self._part.network.widths[0], self._X.shape[1]), self._part.network.dtype
        step = max(1, PIECE // (max(widths) * dtype.itemsize))
        out = np.empty((len(indices), widths[0]), dtype)
        for first in range(0, len(indices), step):
            out[first:first + step] = self._part._outputs_below(self._X[indices[first:first + step]])
        return out
