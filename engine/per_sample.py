"""The gradient of each sample's own loss, and its norm (eq. 13 and 17)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import object_checks
from .cost import Cost
from .forward import lanes, panel_count
from .kernels.losses import prepare_losses
from .kernels.per_sample import norms_size, streamed_norms
from .kernels.streamed import LossCodes, Samples
from .network import NO_INDICES, Network
from .operators.curvature_checks import samples_and_targets
from .operators.loss_jacobian import LossJacobian
from .pool import num_threads, over
from .typing import Array
from .workspace import thread_workspaces

PANELS = 4  # panels that go forward and back at once: few stay in the cache, fewer would read the weights too often


def per_sample_gradients(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, out: NDArray[Any] | None = None) -> Array:
    """∇_θ L_k of every sample k, [m, P]: the rows of D_θ φ̃ (paper §4–5, eq. 13 and 17).

    Each is the gradient of the sample's own loss: scaled by nothing, neither ∇φ nor 1/m, whatever the cost's reduction.
    With ∇φ = `cost.reduction_gradient(A, y)`, ∇φ @ per_sample_gradients(…) is D_θ C (eq. 20). Norms, Gram matrices, clipped and
    weighted sums need no [m, P]: `per_sample_gradient_norms` and `engine.operators.LossJacobian`. A penalty of the cost is no
    sample's and is left out of all of these: D_θ C has its gradient on top.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like
        As the loss wants it.
    cost : Cost
    out : ndarray or numpy.memmap [m, P], optional
        Filled and returned; C-contiguous, of the network's dtype.

    Returns
    -------
    ndarray [m, P]

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.
    MemoryError
        Where [m, P] does not fit in the memory available, before it is allocated.

    See Also
    --------
    per_sample_gradient_norms : Their lengths, without the gradients.
    engine.operators.LossJacobian : The same rows as an operator, never formed.
    engine.operators.empirical_fisher : The sum of their outer products.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, per_sample_gradients
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> per_sample_gradients(network, np.array([[1.0], [2.0]]), np.zeros((2, 1)), Cost("squared_error"))
    array([[2., 2.],
           [8., 4.]])
    """
    return LossJacobian(network, X, y, cost).dense(out)


def per_sample_gradient_norms(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> Array:
    """‖∇_θ L_k‖ [m], the Euclidean norm of each sample's own gradient, by one pass forward and one back.

    ‖∇_θ L_k‖² = Σ_l ‖δ^l‖² (‖a^{l−1}‖² + 1), for the gradient of W^l is δ^l ⊗ a^{l−1} (Goodfellow 2015, arXiv 1510.01799). The
    gradients are scaled by nothing, neither ∇φ nor 1/m, and never formed; of the samples' numbers a few panels are kept at once.
    A penalty of the cost is no sample's and is left out.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like
        As the loss wants it.
    cost : Cost

    Returns
    -------
    ndarray [m]
        In the network's dtype; a sample's norm has the same bits alone or in any batch.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.

    See Also
    --------
    per_sample_gradients : The gradients themselves.
    engine.operators.LossJacobian : Gram matrices and clipped sums of them.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, per_sample_gradient_norms
    >>> network = Network((1, 1), ("identity",), np.array([3.0, 0.0]))
    >>> per_sample_gradient_norms(network, np.array([[0.0], [1.0]]), np.array([[5.0], [3.0]]), Cost("squared_error"))
    array([5., 0.])
    """
    kernels = object_checks.network(network, Network).kernels
    object_checks.cost(cost, Cost, penalised=True)
    if cost.loss.code < 0 or not kernels.built_in:
        return LossJacobian(network, X, y, cost).row_norms()
    X, targets = samples_and_targets(network, X, y, cost)
    prepare_losses((cost.loss.code,), network.dtype)
    norms = np.empty(len(X), network.dtype)
    panels = panel_count(len(X), network.dtype)
    step = min(PANELS, -(-panels // num_threads()))
    workspaces = thread_workspaces(norms_size(kernels.plan, lanes(network.dtype), step), network.dtype)
    over(-(-panels // step), 2 * len(X) * kernels.layout.sample_work, streamed_norms, kernels.theta, kernels.backward_weights,
         kernels.plan, Samples(X, targets, NO_INDICES), LossCodes(cost.loss.code, cost.loss.parameter), step, norms, workspaces)
    return norms
