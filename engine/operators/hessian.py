"""The Hessian D²C of a cost, with respect to θ, to X, and mixed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, object_checks
from ..backward import chunk_nodes, folded
from ..cost import Cost
from ..forward import lanes, panel_count
from ..kernels.forward import read_lines, write_lines
from ..kernels.hessian import Directions, Products, Terms, error_terms, hessian_product, second_derivatives
from ..kernels.second_derivatives import prepare_second_derivatives
from ..kernels.sums import tree_sum
from ..kernels.transposed import any_transposed, transpose_weights
from ..network import NO_INDICES, Network
from ..pool import over
from ..typing import Array
from . import curvature_checks
from .curvature_operator import CurvatureOperator
from .dense_curvature import add_pair, entry_sum, pair_sum, slabs
from .docstrings import documented
from .kept_curvature import KeptCurvature, SlabPart
from .neuron_curvature import NeuronCurvature
from .output_hessian import OutputHessian
from .slab_operator import SlabOperator
from .trainable_curvature import TrainableCurvature, of_trainable
from .trainable_part import LayerPart

PASSES = 6  # the work of a product, in passes forward


class HessianOperator(KeptCurvature):
    """D²_θ C, symmetric, of shape (P, P), with products with respect to X as well. Made by `hessian`."""

    def __init__(self, network: Network, X: Any, y: Any, cost: Cost, part: SlabPart | None = None) -> None:
        super().__init__(network, X, y, cost, "hessian", part)
        A, targets = self.forward.outputs, self._targets
        H = OutputHessian.of_loss(cost.loss, A, targets, self._weights, "hessian", check_finite=True, exact=True)
        self._output_hessian = self._with_reduction(H)
        self._terms = self._error_terms(self._output_hessian.in_panels())

    def _error_terms(self, panels_of_H: Any) -> Any:
        """delta^l and D_{a^l} C ⊙ g″(z^l) of every sample, for the kernels."""
        network, kernels, forward, m = self.network, self.network.kernels, self.forward, len(self._losses)
        layout, wide, panels = kernels.layout, lanes(self.dtype), panel_count(len(self._losses), self.dtype)
        lines = sum(network.widths[1:])
        bend = np.zeros((panels * lines + wide) * wide, self.dtype)
        delta = np.empty_like(bend)
        work = m * layout.sample_work
        prepare_second_derivatives([activation.code for activation in network.activations], network.dtype)
        over(panels, work, second_derivatives, kernels.theta, kernels.plan, forward.stack, bend)
        for l, activation in enumerate(network.activations, 1):
            if activation.code < 0:
                z = forward.z(l)
                assert activation.second_derivative is not None
                given = activation.second_derivative(z)
                second = curvature_checks.user_second_derivative(given, z.shape, z.dtype, activation.name)
                write_lines(second, bend, lines * wide, layout.a_line(l) - network.widths[0], (0, panels, 0))
        output_gradient = self._weights[:, None] * self._loss_gradients  # eq. 18
        over(panels, work, error_terms, kernels.backward_weights, kernels.plan, forward.stack, output_gradient, delta, bend,
             NO_INDICES)
        return Terms(panels_of_H.lines, panels_of_H.rank, m, delta, bend)

    def _apply(self, v: Array, V: Array, inputs: Array, share: Array | None = None) -> Array:
        """D²C (v, V) without the rank-one part of ∇²φ: the part of θ [P], and of X into `inputs` where it has rows."""
        network, kernels, m = self.network, self.network.kernels, len(self._losses)
        plan, backward_v = kernels.plan, v
        if any_transposed(plan):
            backward_v = np.empty_like(v)
            over(sum(network.widths[1:]), network.size, transpose_weights, v, plan, backward_v)
        work = PASSES * m * kernels.layout.sample_work
        nodes = chunk_nodes(network, m, work)
        source = self._source(v, V, share)
        over(len(nodes), work, hessian_product, kernels.theta, kernels.backward_weights, plan, self.forward.stack, self._terms,
             Directions(v, backward_v, V, source), Products(nodes, inputs))
        return folded(nodes)

    def _source(self, v: Array, V: Array, share: Array | None) -> Array:
        """(∇²φ R φ̃)_k ∇L_k [m, n] for a user's own ∇²φ, or [0, n] where there is none."""
        if share is None and self._user_hessian is None:
            return np.empty((0, self.network.widths[-1]), self.dtype)
        if share is None:
            tangent = self._jacobian._matvec(v).reshape(self._loss_gradients.shape)
            if len(V):
                tangent = tangent + np.einsum("kiq,kq->ki", self._jacobian.wrt_input(), V)
            share = self._user_product((self._loss_gradients * tangent).sum(1))
        return share[:, None] * self._loss_gradients

    def _apply_whole(self, v: Array, V: Array, inputs: Array) -> Array:
        """D²C (v, V) with the rank-one part of ∇²φ, which takes its share of all samples together."""
        out = self._apply(v, V, inputs)
        if self._rank_one is not None:
            scale, r, shares = self._rank_one
            r_X = np.einsum("kiq,ki->kq", self._jacobian.wrt_input(), shares[:, None] * self._loss_gradients)
            share = scale * (tree_sum(r * v) + (tree_sum((r_X * V).reshape(-1)) if len(V) else 0))
            out -= share * r
            if len(inputs):
                inputs -= share * r_X
        return out

    def sum_product(self, v: Array, share: Array | None = None) -> Array:
        """D²_θ C v [P] without the rank-one part of ∇²φ."""
        nothing = np.empty((0, self.network.widths[0]), self.dtype)
        return self._apply(v, nothing, nothing, share)

    def input_product(self, V: ArrayLike) -> Array:
        """D²_X C · V [m, n_0] for V of X's shape: the second derivative of the cost with respect to the samples themselves.

        Row k is Σ_j ∂²C/∂x_k∂x_j V_j; where φ is a sum or a mean, samples do not meet and each row is of its own sample alone.
        """
        return self._input_part(np.zeros(self.shape[0], self.dtype), V)

    def mixed_product(self, v: ArrayLike) -> Array:
        """D_θ D_X C · v [m, n_0] for v [P]: how D_X C changes along v."""
        v = curvature_checks.parameter_direction(v, self.shape[0], self.dtype)
        return self._input_part(v, None)

    def mixed_transposed(self, V: ArrayLike) -> Array:
        """D_X D_θ C · V [P] for V of X's shape: how D_θ C changes along V, the transpose of `mixed_product`."""
        V = curvature_checks.input_direction(V, self._inputs_shape, self.dtype)
        return self._apply_whole(np.zeros(self.shape[0], self.dtype), V, np.empty((0, V.shape[1]), self.dtype))

    @property
    def _inputs_shape(self) -> tuple[int, int]:
        return len(self._losses), self.network.widths[0]

    def _input_part(self, v: Array, V: ArrayLike | None) -> Array:
        nothing = np.empty((0, self.network.widths[0]), self.dtype)
        V = nothing if V is None else curvature_checks.input_direction(V, self._inputs_shape, self.dtype)
        out = np.empty(self._inputs_shape, self.dtype)
        self._apply_whole(v, V, out)
        return out

    def sum_diagonal(self) -> Array:
        """The diagonal [P] without what of ∇²φ joins samples."""
        out = np.zeros(self.shape[0], self.dtype)
        network, layout = self.network, self.network.kernels.layout
        largest = max(n * n for n in network.widths[1:])
        for first, stop in slabs(len(self._losses), largest * self.dtype.itemsize * network.depth, self._product_bytes):
            between = self._between_neurons(first, stop)
            for l in range(1, network.depth + 1):
                a = self.forward.a(l - 1)[first:stop]
                diagonal = np.ascontiguousarray(between(l, l).diagonal(axis1=1, axis2=2))
                out[layout.weight_slice(l)] += (diagonal.T @ (a * a)).reshape(-1)
                out[layout.bias_slice(l)] += diagonal.sum(0)
        return out

    def _between_neurons(self, first: int, stop: int) -> NeuronCurvature:
        network, layers = self.network, range(1, self.network.depth + 1)
        delta, bend = ([self._read(lines, l)[first:stop] for l in layers] for lines in (self._terms.delta, self._terms.bend))
        return NeuronCurvature([network.weight(l) for l in layers], [self.forward.gamma(l)[first:stop] for l in layers],
                               delta, bend, self._output_hessian.matrices(first, stop))

    def _read(self, lines: Array, l: int) -> Array:
        """Layer l's part [m, n_l] of what kernels hold for every neuron."""
        network, m = self.network, len(self._losses)
        out = np.empty((m, network.widths[l]), self.dtype)
        read_lines(lines, sum(network.widths[1:]) * lanes(self.dtype), network.kernels.layout.a_line(l) - network.widths[0], out,
                   (0, panel_count(m, self.dtype), 0))
        return out

    def _add_pair(self, target: Array, between: NeuronCurvature, left: LayerPart, right: LayerPart, a: Array, b: Array) -> None:
        super()._add_pair(target, between, left, right, a, b)
        if left is right:
            return
        moved = between.inputs(left.layer, right.layer)[:, left.neurons][:, :, right.inputs]  # ∂(a^{k−1}, 1)/∂z^l
        delta = between.delta[right.layer - 1][:, right.neurons]
        if left.entries is None and right.entries is None:
            add_pair(target, pair_sum(moved, a, delta).transpose(0, 1, 3, 2))
        else:
            widths = self.network.widths
            target += entry_sum(moved, a, delta, left.places(widths), right.transposed(widths))


@documented
def hessian(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, max_bytes: int | None = None,
            trainable: ArrayLike | None = None) -> CurvatureOperator | TrainableCurvature:
    """The Hessian of a cost, D²_θ C, exact: second derivatives g″ of the activations, ∇²L and ∇²φ included.

    A product runs the R-operator through the passes forward and back (Pearlmutter 1994), from the one forward pass that the
    operator keeps. The scale is the reduction's: "mean" divides by m, "sum" does not. At a kink of g, L or φ second
    derivatives count as 0.

    A penalty of the cost adds its own second derivatives in θ, a diagonal; in X, and mixed, it has none.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction, any loss, any activation with second derivatives; with or without a penalty.
    max_bytes : int, optional
        Samples then pass in slabs, forward anew for every product, as `ggn` has it; without the products in X.
    {trainable}
        Without the products in X; only the layers from the first trainable one up need second derivatives.

    Returns
    -------
    LinearOperator (P, P)
        In the network's dtype, symmetric, with the methods of what `ggn` returns; its `.diagonal()`, `.blocks()` and `.dense()`
        hold the second derivatives between neurons of a slab of samples, and go through BLAS. Also `.input_product(V)`,
        D²_X C · V [m, n_0]; `.mixed_product(v)`, D_θ D_X C · v [m, n_0]; `.mixed_transposed(V)`, D_X D_θ C · V [P].

    Raises
    ------
    ValueError
        Where a user's own activation, loss or reduction has no second derivative; it says which.
    {no_block}

    See Also
    --------
    ggn : Without the second derivatives of the network; positive semi-definite for convex losses.
    engine.objective : Products of it for SciPy's optimisers.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import hessian
    >>> network = Network((1, 1), ("exp",), np.array([1.0, -2.0]))
    >>> H = hessian(network, np.array([[2.0]]), np.array([[3.0]]), Cost("squared_error"))
    >>> H.dense()
    array([[-4., -2.],
           [-2., -1.]])
    >>> H.input_product(np.array([[1.0]]))
    array([[-1.]])
    """
    max_bytes = checks.max_bytes(max_bytes)

    def build(network: Network, X: Any) -> CurvatureOperator:
        curvature_checks.second_derivatives(network, "hessian", whole.depth - network.depth)
        if max_bytes is None:
            return HessianOperator(network, X, y, cost)
        return SlabOperator(lambda X, y, cost, first, part: HessianOperator(network, X, y, cost, part), "hessian", network, X, y,
                            cost, max_bytes, True)

    whole = object_checks.network(network, Network)
    return of_trainable(network, X, trainable, max_bytes, build)
