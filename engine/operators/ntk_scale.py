"""The NTK parametrisation as a scale for each parameter."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import object_checks
from ..network import Network
from ..typing import Array
from . import checks as operator_checks


def ntk_scale(network: Network, *, weights: ArrayLike = 1.0, biases: ArrayLike = 1.0) -> Array:
    """The scale [P] of the NTK parametrisation θ = S ω: σ_w / √n_{l−1} for W^l and σ_b for b^l.

    In that parametrisation (Jacot et al. 2018, arXiv 1806.07572) a network computes z^l = (σ_w / √n_{l−1}) ω_W a^{l−1} + σ_b ω_b
    and trains ω, whose entries are of order 1 at any width. Its Jacobian in ω is J S, its tangent kernel J S² Jᵀ: `ntk(network, X,
    scale=ntk_scale(network))`. neural-tangents' `Dense(n, W_std, b_std, parameterization="ntk")` has weights = W_std and biases =
    b_std.

    Parameters
    ----------
    network : Network
    weights : float or array_like [L]
        σ_w ≥ 0, one number or one for each layer.
    biases : float or array_like [L]
        σ_b ≥ 0, likewise; 0 leaves biases out of the kernel.

    Returns
    -------
    ndarray [P]
        In θ's order and dtype.

    Raises
    ------
    ValueError, TypeError
        Where there is neither one number nor one for each layer, or one is below 0 or not finite.

    See Also
    --------
    ntk : The kernel that takes it.

    Examples
    --------
    >>> from engine import Network
    >>> from engine.operators import ntk, ntk_scale
    >>> network = Network.initialize((4, 1), "tanh", seed=0)
    >>> ntk_scale(network, biases=0.1)
    array([0.5, 0.5, 0.5, 0.5, 0.1])
    >>> ntk(network, [[2.0, 0.0, 0.0, 0.0]], scale=ntk_scale(network, biases=0.1)).dense().round(6)
    array([[1.01]])
    """
    object_checks.network(network, Network)
    of_weights, of_biases = (operator_checks.each_layer(values, name, network.depth)
                             for values, name in ((weights, "weights"), (biases, "biases")))
    scale = np.empty(network.size, network.dtype)
    for l in range(1, network.depth + 1):
        where_weights, where_biases = network.slices(l)
        scale[where_weights] = of_weights[l - 1] / np.sqrt(network.widths[l - 1])
        scale[where_biases] = of_biases[l - 1]
    return scale
