"""D_θ C of any φ, in one pass forward and one back (eq. 15–20)."""

import numpy as np

from schedulers import BatchStep, assemble

from . import checks
from .forward import run_forward
from .kernels.backward import gradient
from .kernels.levels import fold_nodes
from .kernels.sums import BLOCK
from .runtime import over, sum_chunks


def transposed_product(network, X, indices, stack, output_gradient):
    """D_A C · D_θ A [P] for D_A C [m, n], after the forward pass that left `stack` (eq. 20)."""
    m = len(output_gradient)
    if m == 0:
        return np.zeros(network.size, network.dtype)
    work = 2 * m * network.size
    nodes = np.empty((sum_chunks(-(-m // BLOCK), work), network.size), network.dtype)
    over(len(nodes), work, gradient, network._theta, network._layout.plan, X, indices, stack, output_gradient, nodes)  # eq. 20
    if len(nodes) > 1:
        fold_nodes(nodes)
    return nodes[0]


def evaluate(network, X, targets, cost, step):
    """C and D_θ C [P] of one batch step, from checked X [., n_0] and targets [., k].

    The sample steps of `step` fill A by `assemble` (eq. 12); the losses of all of them give ∇φ (eq. 15), which with
    each sample's ∇L is D_A C (eq. 18), and that goes backward (eq. 20).
    """
    A = np.empty((len(step), network.widths[-1]), network.dtype)
    kept = []

    def forward(indices, rows):
        kept.append((indices, run_forward(network, X, indices, rows)))

    assemble(step, forward, A)  # eq. 12
    (indices, stack), = kept
    losses, loss_gradients = cost.losses_and_gradients(A, targets[indices])
    value, reduction_gradient = cost.at(indices).reduce(losses)
    output_gradient = reduction_gradient[:, None] * loss_gradients  # eq. 18
    return value, transposed_product(network, X, indices, stack, output_gradient)  # eq. 20


def value_and_gradient(network, X, y, cost, *, max_bytes=None):
    """The cost C and its derivative D_θ C, for any loss and any reduction φ (paper §5, eq. 15–20).

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like
        As the loss wants it: [m, n], [m] where n = 1, or [m] class numbers.
    cost : Cost
        Its scale is the reduction's: "mean" divides by m, "sum" does not.
    max_bytes : None
        Samples are held in memory whole.

    Returns
    -------
    value : float
        C.
    gradient : ndarray [P]
        D_θ C in θ's order and the network's dtype.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, value_and_gradient
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> value_and_gradient(network, np.array([[1.0]]), np.array([[0.0]]), Cost("squared_error"))
    (2.0, array([2., 2.]))
    """
    checks.whole(max_bytes)
    X = checks.samples(X, network.widths[0], network.dtype)
    targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
    step = BatchStep(0, 0, np.arange(len(X)))
    value, gradient_ = evaluate(network, X, targets, cost, step)
    return float(value), gradient_
