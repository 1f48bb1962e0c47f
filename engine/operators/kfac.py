"""Kronecker-factored curvature: two small matrices per layer in place of one of P_l × P_l."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, network_checks, object_checks
from ..cost import Cost
from ..network import Network
from ..typing import Array
from . import kronecker_checks
from .docstrings import documented
from .kronecker_factored import KroneckerFactored
from .kronecker_parts import kronecker_parts
from .kronecker_passes import KnownFactor, KroneckerPasses, OutputFactor

Kind = TypeVar("Kind", bound=KroneckerFactored)


def made(kind: type[Kind], network: Network, X: Any, y: Any, cost: Cost, biases: str, curvature: str, samples: int | None,
         seed: Any, trainable: Any, max_bytes: int | None) -> Kind:
    """A Kronecker-factored operator of a kind, from the arguments of `kfac`."""
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost, penalised=True)
    checks.one_of(biases, "biases", kronecker_checks.BIASES)
    checks.one_of(curvature, "curvature", kronecker_checks.CURVATURES)
    output_factor = OutputFactor.of(curvature, cost, samples, seed)
    mask = network_checks.trainable(trainable, network.size)
    parts = kronecker_parts(network, mask, biases)
    passes = KroneckerPasses(network, X, y, cost, output_factor, parts[0].layer, max_bytes, kind.two_rounds)
    return kind(passes, cost, parts, mask)


def with_curvature_factor(network: Network, X: Any, y: Any, cost: Cost, factor: Array,
                          max_bytes: int | None) -> KroneckerFactored:
    """`kfac` with a known curvature factor S at the outputs: [m, n] where it is diagonal, else [m, n, n]; ∇φ weights S Sᵀ."""
    everything = np.empty(0, np.bool_)
    passes = KroneckerPasses(network, X, y, cost, KnownFactor(factor), 1, max_bytes, keep=False)
    return KroneckerFactored(passes, cost, kronecker_parts(network, everything, "joint"), everything)


@documented
def kfac(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, biases: str = "joint", curvature: str = "ggn",
         samples: int | None = None, seed: Any = 0, trainable: ArrayLike | None = None,
         max_bytes: int | None = None) -> KroneckerFactored:
    """Kronecker-factored curvature (Martens & Grosse 2015, arXiv 1503.05671): B_l ⊗ A_l for the block of (W^l, b^l) of the GGN.

    A_l = Σ_k (w_k / Σ w) ā_k ā_kᵀ and B_l = Σ_k w_k B^lᵀ_k ∇²L_k B^l_k, with w = ∇φ, ā = (a^{l−1}, 1) and the chain B^l of eq. 7;
    the sum over outputs is exact, nothing is drawn. The scale is the GGN's, which is the reduction's: all of it stands in B_l, so
    that "mean" divides by m and "sum" does not, and squared_error has ∇²L = I (libraries whose loss is ‖u − y‖² or averages over
    outputs differ by 2 or n). For losses of exponential families (squared_error, softmax_cross_entropy, binary_cross_entropy,
    poisson) the GGN is the Fisher matrix too. The blocks equal the GGN's for one sample, and for networks of identity activations
    under squared_error at any m and any weights. Negative weights and negative curvature count as 0.

    The penalty of a cost adds its diagonal, exactly: to products, norms, `solve` and `log_determinant`.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction; a loss with a Hessian.
    {kronecker_settings}
    {max_bytes_of_factors}

    Returns
    -------
    KroneckerFactored
    {factored_operator}

    Raises
    ------
    {no_loss_hessian}
    {cut_through}
    {no_block}

    See Also
    --------
    ekfac : With eigenvalues that fit better.
    ggn : What it approximates.
    inverse : Its inverse as an operator, or a preconditioner of another's.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import kfac
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> K = kfac(network, np.array([[1.0], [3.0]]), np.zeros((2, 1)), Cost("squared_error", "sum"))
    >>> K.dense()
    array([[10.,  4.],
           [ 4.,  2.]])
    >>> K.solve(np.array([15.0, 7.0]), damping=1.0).round(12)
    array([1., 1.])
    >>> np.isclose(K.log_determinant(damping=1.0), np.log(11 * 3 - 4 * 4)).item()
    True
    """
    return made(KroneckerFactored, network, X, y, cost, biases, curvature, samples, seed, trainable, max_bytes)
