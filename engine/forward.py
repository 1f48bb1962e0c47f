"""The forward pass, with everything it computed on the way (eq. 1–6 and 12)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import checks, object_checks
from .kernels.forward import propagate, weighted_inputs, write_lines
from .kernels.jacobian import read_layer
from .kernels.layout import LINE
from .network import NO_INDICES, Network
from .pool import over
from .recycled import recycled_array
from .typing import Array, DType, Indices


def lanes(dtype: DType) -> int:
    """Samples in a panel: as many as fill a cache line."""
    return LINE // dtype.itemsize


def panel_count(m: int, dtype: DType) -> int:
    """Panels that hold m samples."""
    return -(-m // lanes(dtype))


def empty_stack(network: Network, m: int) -> Array:
    """Memory for a^l and γ^l of m samples, panel by panel, flat."""
    dtype = network.dtype
    stack = recycled_array(panel_count(m, dtype) * lanes(dtype) * network.kernels.layout.stack_lines + lanes(dtype)**2, dtype)
    if not network.kernels.built_in:  # a user's own g writes no lanes without a sample
        stack[:] = 0
    return stack


def fill_stack(network: Network, X: Array, indices: Indices, stack: Array, out: Array) -> None:
    """a^l and γ^l of X[indices] (X itself where `indices` is empty) into `stack`, and a^L into out [m, n]."""
    kernels, layout, dtype, m = network.kernels, network.kernels.layout, network.dtype, len(out)
    panels = panel_count(m, dtype)
    first = 1
    for l in range(1, network.depth + 1):
        own = network.activations[l - 1].code < 0
        if not own and l < network.depth:
            continue
        over(panels, m * layout.sample_work, propagate, kernels.theta, kernels.plan, X, indices, stack, out, (first, l))
        if own and m:
            activate_own(network, l, stack, out)
        first = l + 1


def activate_own(network: Network, l: int, stack: Array, out: Array) -> None:
    """a^l and γ^l of a user's own activation, from the z^l that the kernels left in a^l's place."""
    layout, activation, m = network.kernels.layout, network.activations[l - 1], len(out)
    panels, stride = panel_count(m, network.dtype), layout.stack_lines * lanes(network.dtype)
    z = read(network, stack, layout.a_line(l), m, l)
    name = f"activation {activation.name!r}"
    a = checks.user_array(activation.function(z.copy()), z.shape, z.dtype, name)  # eq. 2
    gamma = checks.user_array(activation.derivative(z), z.shape, z.dtype, f"the derivative of {name}")  # eq. 4
    write_lines(a, stack, stride, layout.a_line(l), (0, panels, 0))
    write_lines(gamma, stack, stride, layout.gamma_line(l), (0, panels, 0))
    if l == network.depth:
        out[...] = a


def read(network: Network, stack: Array, line: int, m: int, l: int) -> Array:
    """The lines of layer l that begin at `line` of each panel's stack, as a new array [m, n_l]."""
    out = np.empty((m, network.widths[l]), network.dtype)
    over(panel_count(m, network.dtype), out.size, read_layer, network.kernels.theta, network.kernels.plan, line, stack, out)
    return out


class ForwardPass:
    """z^l, a^l and γ^l of m samples, and their stacked outputs A (paper §2–3, eq. 1–6 and 12).

    A sample's numbers depend on that sample and θ alone: the same bits alone or in any batch.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m may be 0.

    Attributes
    ----------
    X : ndarray [m, n_0]
    outputs : ndarray [m, n]
        a^L, a row for each sample.
    stack : ndarray
        a^l and γ^l of all samples as kernels read them, panel by panel.

    See Also
    --------
    Network.forward : Makes one.
    Jacobian : What follows from it.
    schedulers.assemble : Fills A sample step by sample step.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> network = Network((1, 1), ("tanh",), np.array([1.0, 0.0]))
    >>> passed = network.forward(np.zeros((2, 1)))
    >>> passed.gamma(1)
    array([[1.],
           [1.]])
    """

    def __init__(self, network: Network, X: ArrayLike) -> None:
        object_checks.network(network, Network, unknowns=True)
        self._run(network, checks.samples(X, network.widths[0], network.dtype))

    def _run(self, network: Network, X: Array) -> None:
        self.network, self.X = network, X
        self.outputs = np.empty((len(X), network.widths[-1]), network.dtype)
        self.stack = empty_stack(network, len(X))
        fill_stack(network, X, NO_INDICES, self.stack, self.outputs)

    def __repr__(self) -> str:
        return f"ForwardPass(m = {self.samples}, {self.network!r})"

    @property
    def samples(self) -> int:
        """m."""
        return len(self.outputs)

    @property
    def stacked(self) -> Array:
        """A ∈ R^(mn), sample by sample: a view of `outputs` (eq. 12)."""
        return self.outputs.reshape(-1)  # eq. 12

    def z(self, l: int) -> Array:
        """z^l [m, n_l], l = 1 … L (eq. 1)."""
        l = checks.layer_index(l, 1, self.network.depth)
        out = np.empty((self.samples, self.network.widths[l]), self.network.dtype)
        over(panel_count(self.samples, out.dtype), out.size * self.network.widths[l - 1], weighted_inputs,
             self.network.kernels.theta, self.network.kernels.plan, l, self.stack, out)  # eq. 1
        return out

    def a(self, l: int) -> Array:
        """a^l [m, n_l] for l = 0 … L, where a^0 is X (eq. 2)."""
        l = checks.layer_index(l, 0, self.network.depth)
        return read(self.network, self.stack, self.network.kernels.layout.a_line(l), self.samples, l)

    def gamma(self, l: int) -> Array:
        """γ^l = g^l′(z^l) [m, n_l], l = 1 … L (paper §3.1, eq. 4)."""
        l = checks.layer_index(l, 1, self.network.depth)
        return read(self.network, self.stack, self.network.kernels.layout.gamma_line(l), self.samples, l)

    def D(self, l: int) -> Array:
        """D^l = G^l ⊙ W^l [m, n_l, n_{l−1}], l = 1 … L: row p of W^l times γ^l_p (paper §3.1, eq. 5)."""
        return self.gamma(l)[:, :, None] * self.network.weight(l)  # eq. 5


def forward_pass(network: Network, X: Array) -> ForwardPass:
    """The ForwardPass of X [m, n_0], which was checked before."""
    made = ForwardPass.__new__(ForwardPass)
    made._run(network, X)
    return made
