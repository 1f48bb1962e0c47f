"""The generalised Gauss–Newton matrix Jᵀ H J."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..backward import chunk_nodes, folded, rows_shared, summed_by_rows
from ..cost import Cost
from ..forward import lanes, panel_count
from ..kernels.ggn import ggn_product
from ..kernels.ggn_diagonal import diagonal_factors, pack_squares, rank_factors, square_sums
from ..kernels.output_curvature import curve_rows
from ..kernels.sum_workspace import sum_size
from ..kernels.sums import BLOCK
from ..network import NO_INDICES, Network
from ..pool import over
from ..typing import Array
from ..workspace import thread_workspaces
from .curvature_operator import CurvatureOperator
from .docstrings import documented
from .kept_curvature import KeptCurvature, SlabPart
from .output_hessian import OutputHessian
from .slab_operator import SlabOperator
from .trainable_curvature import TrainableCurvature, of_trainable

PASSES = 4  # the work of a product, in passes forward


class GaussNewtonOperator(KeptCurvature):
    """Σ_k J_kᵀ H_k J_k for the rows J_k [n, P] of sample k and an n × n matrix H_k. Made by `ggn`, `fisher`, `empirical_fisher`.

    Parameters
    ----------
    network, X, y, cost, name, part
        As `KeptCurvature` takes them.
    output_hessian : callable
        ``output_hessian(cost, A, targets, ∇φ, ∇L)``, the OutputHessian of the samples.
    reduction_curvature : bool
        Whether ∇²φ takes part.
    """

    def __init__(self, network: Network, X: Any, y: Any, cost: Cost, name: str, output_hessian: Callable[..., OutputHessian],
                 reduction_curvature: bool = False, part: SlabPart | None = None) -> None:
        super().__init__(network, X, y, cost, name, part)
        H = output_hessian(cost, self.forward.outputs, self._targets, self._weights, self._loss_gradients)
        self._output_hessian = self._with_reduction(H) if reduction_curvature else H
        self._hessian_panels = self._output_hessian.in_panels()
        self._wide = rows_shared(network, len(self._losses))

    def sum_product(self, v: Array, share: Array | None = None) -> Array:
        """Jᵀ H J v [P], and the part of a user's own ∇²φ."""
        network, forward, m = self.network, self.forward, len(self._losses)
        if self._wide or share is not None or self._user_hessian is not None:
            tangent = self._jacobian._matvec(v).reshape(forward.outputs.shape)
            curved = np.empty_like(tangent)
            over(panel_count(m, self.dtype), tangent.size, curve_rows, self._hessian_panels, tangent, NO_INDICES, curved)
            if share is None and self._user_hessian is not None:
                share = self._user_product((self._loss_gradients * tangent).sum(1))
            if share is not None:
                curved += share[:, None] * self._loss_gradients
            return self._transposed(curved)
        kernels = network.kernels
        work = PASSES * m * kernels.layout.sample_work
        nodes = chunk_nodes(network, m, work)
        over(len(nodes), work, ggn_product, kernels.theta, kernels.backward_weights, kernels.plan, forward.stack,
             self._hessian_panels, v, nodes, self._workspaces(nodes))
        return folded(nodes)

    def _workspaces(self, nodes: Array) -> Array:
        network, wide = self.network, lanes(self.dtype)
        return thread_workspaces(sum_size(network.kernels.plan, wide, len(self._losses), network.size, len(nodes)), self.dtype)

    def sum_diagonal(self) -> Array:
        """The diagonal of Jᵀ H J [P]."""
        network, kernels, m = self.network, self.network.kernels, len(self._losses)
        plan, stack, wide = kernels.plan, self.forward.stack, lanes(self.dtype)
        panels, blocks = panel_count(m, self.dtype), -(-m // BLOCK)
        flat = self._output_hessian.terms_alone
        factors = np.empty(blocks * BLOCK * sum(network.widths[1:]) + wide * wide, self.dtype)
        over(panels, m * network.size * (1 if flat else network.widths[-1]), rank_factors if flat else diagonal_factors,
             kernels.theta, kernels.backward_weights, plan, stack, self._hessian_panels, factors)
        work = m * network.size
        if self._wide:
            size = sum(-(-n // wide) * wide for n in network.widths[:-1]) * BLOCK
            packed = np.empty(blocks * size, self.dtype)
            over(blocks, m * sum(network.widths), pack_squares, plan, stack, m, size, packed)
            return summed_by_rows(network, factors, packed, m, work)
        nodes = chunk_nodes(network, m, work)
        over(len(nodes), work, square_sums, kernels.theta, plan, stack, factors, m, nodes, self._workspaces(nodes))
        return folded(nodes)

    def _between_neurons(self, first: int, stop: int) -> Callable[[int, int], Array]:
        H = self._output_hessian.matrices(first, stop)
        chain = cache(lambda l: self._jacobian.chain(l)[first:stop])
        return lambda l, k: (H @ chain(l)).transpose(0, 2, 1) @ chain(k)


def gauss_newton(network: Network, X: Any, y: Any, cost: Cost, name: str, output_hessian: Callable[..., OutputHessian],
                 reduction_curvature: bool = False, max_bytes: int | None = None,
                 trainable: ArrayLike | None = None) -> CurvatureOperator | TrainableCurvature:
    """The operator with H by ``output_hessian(cost, A, targets, ∇φ, ∇L, first sample)``, in slabs where there is a `max_bytes`."""
    max_bytes = checks.max_bytes(max_bytes)

    def build(network: Network, X: Any) -> CurvatureOperator:
        def kept(X: Any, y: Any, cost: Cost, first: int = 0, part: SlabPart | None = None) -> CurvatureOperator:
            return GaussNewtonOperator(network, X, y, cost, name, lambda *known: output_hessian(*known, first), reduction_curvature,
                                       part)

        if max_bytes is None:
            return kept(X, y, cost)
        return SlabOperator(kept, name, network, X, y, cost, max_bytes, reduction_curvature)

    return of_trainable(network, X, trainable, max_bytes, build)


@documented
def ggn(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, reduction_curvature: bool = False,
        max_bytes: int | None = None, trainable: ArrayLike | None = None) -> CurvatureOperator | TrainableCurvature:
    """The generalised Gauss–Newton matrix of a cost, Jᵀ H J (Schraudolph 2002; Martens 2020), with J = D_θ A of eq. 19.

    H is block diagonal, block k being (∇φ)_k ∇²L(a^{Lk}) [n, n]: its scale is the reduction's, so "mean" divides by m and "sum"
    does not, and two batches under "sum" add up to their union. It is positive semi-definite where every ∇²L is and ∇φ ≥ 0: not
    for the loss cosine, for instance.

    A penalty of the cost depends on θ itself and not on outputs, so that its second derivatives are added as they are: the diagonal
    ``cost.penalty.curvature(network)``.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction; a loss with a Hessian; with or without a penalty.
    reduction_curvature : bool
        Whether to add J_φ̃ᵀ ∇²φ J_φ̃, J_φ̃ = D_A φ̃ · J [m, P], which is not 0 for log_sum_exp, power_mean, mean_variance and a user's
        own reduction. For a user's own, `diagonal`, `dense` and `blocks` then hold [m, P] and [m, m] numbers.
    {max_bytes}
    {trainable}

    Returns
    -------
    {operator}

    Raises
    ------
    ValueError
        Where the loss, or with `reduction_curvature` the reduction, is a user's own without second derivatives.
    {no_block}

    See Also
    --------
    hessian : With the second derivatives of the network.
    fisher : The same for losses that imply a model.
    kfac, ekfac : Kronecker-factored approximations, which solve quickly.
    engine.GaussNewton, engine.LevenbergMarquardt : Updates by it.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import ggn
    >>> from engine.penalties import ridge
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> G = ggn(network, np.array([[1.0], [3.0]]), np.zeros((2, 1)), Cost("squared_error", "sum"))
    >>> G.dense()
    array([[10.,  4.],
           [ 4.,  2.]])
    >>> G @ np.array([1.0, 0.0])
    array([10.,  4.])
    >>> penalised = Cost("squared_error", "sum", ridge(0.5))
    >>> ggn(network, np.array([[1.0], [3.0]]), np.zeros((2, 1)), penalised, trainable=[True, False]).dense()
    array([[10.5]])
    """
    def output_hessian(cost: Cost, A: Array, targets: Array, weights: Array, gradients: Array, first: int) -> OutputHessian:
        return OutputHessian.of_loss(cost.loss, A, targets, weights, "ggn", check_finite=True)

    return gauss_newton(network, X, y, cost, "ggn", output_hessian, reduction_curvature, max_bytes, trainable)
