"""The diagonal of each sample's own generalised Gauss–Newton matrix (eq. 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cost import Cost
from .forward import forward_pass, lanes, panel_count
from .kernels.diagonal_rows import diagonal_rows, diagonal_rows_size
from .network import Network
from .operators import checks as operator_checks
from .operators.curvature_checks import samples_and_targets
from .operators.jacobian import PIECE, STREAMED
from .operators.output_hessian import OutputHessian
from .pool import over
from .typing import Array
from .workspace import thread_workspaces


def per_sample_ggn_diagonals(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, out: NDArray[Any] | None = None) -> Array:
    """diag(J_kᵀ ∇²L_k J_k) of every sample k, [m, P], J_k = D_θ a^{Lk} [n, P]: BackPACK's BatchDiagGGNExact.

    The part of W^l is f^l ⊗ (a^{l−1})² and that of b^l is f^l, with f^l = diag((B^l)ᵀ ∇²L B^l) from the chain of eq. 7: no row of J
    is formed. Each diagonal is that of the sample's own loss, scaled by nothing, neither ∇φ nor 1/m, whatever the cost's
    reduction. With ∇φ = `cost.reduction_gradient(A, y)`, ∇φ @ per_sample_ggn_diagonals(…) is the diagonal of
    `engine.operators.ggn`, whose `.diagonal()` gives it without [m, P].

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1. A row of the result depends on its sample alone: where [m, P] is too much, pass some samples at a time.
    y : array_like
        As the loss wants it.
    cost : Cost
        Its loss, which has a Hessian.
    out : ndarray or numpy.memmap [m, P], optional
        Filled and returned; C-contiguous, of the network's dtype. Many samples go forward piece by piece, so that a memmap is
        filled in bounded memory.

    Returns
    -------
    ndarray [m, P]
        Never below 0 where ∇²L is positive semi-definite; a sample's row has the same bits alone or in any batch.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other, or a user's own loss has no Hessian.
    MemoryError
        Where [m, P] does not fit in the memory available, before it is allocated.

    See Also
    --------
    engine.operators.ggn : The sum over samples, its products and diagonal.
    per_sample_gradients : First derivatives likewise.
    gradient_moments : Mean and variance of those.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, per_sample_ggn_diagonals
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> per_sample_ggn_diagonals(network, np.array([[1.0], [3.0]]), np.zeros((2, 1)), Cost("squared_error"))
    array([[1., 1.],
           [9., 1.]])
    """
    X, targets = samples_and_targets(network, X, y, cost)
    shape, fresh = (len(X), network.size), out is None
    out, rows = operator_checks.output_array(out, shape, network.dtype, X, network.kernels.theta)
    streaming = not fresh and rows.nbytes > STREAMED
    piece = max(lanes(network.dtype), PIECE // (network.size * network.dtype.itemsize))
    for first in range(0, len(X), piece):
        part = slice(first, first + piece)
        _fill(network, X[part], targets[part], cost, rows[part], streaming)
    return out


def _fill(network: Network, X: Array, targets: Array, cost: Cost, rows: Array, streaming: bool) -> None:
    """The diagonals of some samples into rows [m, P]."""
    kernels, m, n, wide = network.kernels, len(X), network.widths[-1], lanes(network.dtype)
    forward, panels = forward_pass(network, X), panel_count(m, network.dtype)
    H = OutputHessian.of_loss(cost.loss, forward.outputs, targets, np.ones(m, network.dtype), "per_sample_ggn_diagonals",
                              check_finite=True)
    workspaces = thread_workspaces(diagonal_rows_size(kernels.plan, wide, network.dtype.itemsize), network.dtype)
    over(panels, m * network.size * (n + 1), diagonal_rows, kernels.theta, kernels.backward_weights, kernels.plan, forward.stack,
         H.in_panels(), rows, workspaces, streaming)
