"""θ seen layer by layer: what a Network says of its parameters (eq. 3)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from . import checks, network_checks
from .network_kernels import NetworkKernels
from .typing import Array, DType, Mask


class LayeredParameters:
    """The parameters θ = (W¹, b¹, …, Wᴸ, bᴸ) of widths (n_0, …, n_L), and where each layer's lie: the part of Network that needs
    no activation."""

    kernels: NetworkKernels
    _widths: tuple[int, ...]
    _parameters: Array

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, …, n_L)."""
        return self._widths

    @property
    def depth(self) -> int:
        """L, the number of layers after the input."""
        return len(self._widths) - 1

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.kernels.layout.size

    @property
    def dtype(self) -> DType:
        """The dtype of θ and of every computation with it."""
        return self.kernels.theta.dtype

    @property
    def parameters(self) -> Array:
        """θ [P], a read-only view (eq. 3)."""
        return self._parameters

    def weight(self, l: int) -> Array:
        """W^l [n_l, n_{l−1}] for l = 1 … L, a read-only view into θ."""
        l = checks.layer_index(l, 1, self.depth)
        return self._parameters[self.kernels.layout.weight_slice(l)].reshape(self._widths[l], self._widths[l - 1])

    def bias(self, l: int) -> Array:
        """b^l [n_l] for l = 1 … L, a read-only view into θ."""
        return self._parameters[self.kernels.layout.bias_slice(checks.layer_index(l, 1, self.depth))]

    def slices(self, l: int) -> tuple[slice, slice]:
        """Where W^l, row by row, and b^l lie in θ, for l = 1 … L.

        Parameters
        ----------
        l : int
            A layer, 1 … L.

        Returns
        -------
        (slice, slice)
            Of W^l and of b^l: entries of θ, and columns of whatever has one for each parameter.

        Raises
        ------
        ValueError, TypeError
            Where there is no layer l.

        Examples
        --------
        >>> from engine import Network
        >>> network = Network.initialize((2, 3, 1), "tanh")
        >>> network.slices(2)
        (slice(9, 12, None), slice(12, 13, None))
        >>> network.jacobian([[1.0, 2.0]]).dense()[:, network.slices(2)[1]]
        array([[1.]])
        """
        l = checks.layer_index(l, 1, self.depth)
        return self.kernels.layout.weight_slice(l), self.kernels.layout.bias_slice(l)

    def unflatten(self, v: ArrayLike) -> list[tuple[Array, Array]]:
        """Numbers that lie as θ does, layer by layer in the shapes of the weights and biases.

        Parameters
        ----------
        v : array_like [..., P]
            A number for each parameter, such as a gradient [P] or the rows of a Jacobian [m n, P].

        Returns
        -------
        list of (ndarray [..., n_l, n_{l−1}], ndarray [..., n_l])
            For l = 1 … L what belongs to W^l and to b^l. They are views: where `v` is an array, to write to them is to write to it.

        Raises
        ------
        ValueError, TypeError
            Where the last axis of `v` has not P entries, or `v` is not an array of real numbers.

        See Also
        --------
        Network.from_layers : the way back.

        Examples
        --------
        >>> import numpy as np
        >>> from engine import Network
        >>> network = Network.initialize((2, 3, 1), "tanh")
        >>> [(W.shape, b.shape) for W, b in network.unflatten(np.ones((5, network.size)))]
        [((5, 3, 2), (5, 3)), ((5, 1, 3), (5, 1))]
        """
        array = network_checks.last_axis(v, "v", self.size)
        shape, widths, layout = array.shape[:-1], self._widths, self.kernels.layout
        return [(array[..., layout.weight_slice(l)].reshape(*shape, widths[l], widths[l - 1]), array[..., layout.bias_slice(l)])
                for l in range(1, len(widths))]

    def mask(self, weights: bool = True, biases: bool = True, layers: Iterable[int] | None = None) -> Mask:
        """Which entries of θ are weights or biases of some layers: a mask for `trainable=` of `fit` and of curvature operators.

        Parameters
        ----------
        weights, biases : bool
            Whether the layers' weights, and their biases, are marked.
        layers : iterable of int, optional
            Layers, 1 … L; all of them by default.

        Returns
        -------
        ndarray of bool [P]
            A new array, True where an entry of θ is marked.

        Raises
        ------
        ValueError, TypeError
            Where there is no such layer, or an argument is of another kind.

        Examples
        --------
        >>> from engine import Network
        >>> network = Network.initialize((2, 3, 1), "tanh")
        >>> int(network.mask(biases=False).sum()), int(network.mask(layers=[2]).sum())
        (9, 4)
        """
        marked = np.zeros(self.size, bool)
        weights, biases = network_checks.flag(weights, "weights"), network_checks.flag(biases, "biases")
        for l in network_checks.layer_numbers(layers, self.depth):
            marked[self.kernels.layout.weight_slice(l)] = weights
            marked[self.kernels.layout.bias_slice(l)] = biases
        return marked
