"""Jets of a network in its inputs, forward and back through kernels that keep nothing between calls (eq. 22–25)."""

from __future__ import annotations

import functools
import math

import numpy as np

from ..backward import folded
from ..blocks import sum_chunks
from ..forward import lanes
from ..kernels.higher_derivatives import FOLLOWING
from ..kernels.jet_gradient import JET_BLOCK
from ..kernels.jet_gradient import jet_gradient as sums_of_rows
from ..kernels.jet_rows import jet_products, jet_rows
from ..kernels.jet_workspace import JetPlan, jet_workspace_size
from ..kernels.jets import jets
from ..kernels.second_derivatives import prepare_second_derivatives
from ..kernels.third_derivatives import prepare_third_derivatives
from ..layout import Layout
from ..network import Network
from ..pool import over
from ..typing import Array, DType
from ..workspace import thread_workspaces
from .components import Components

ELEMENTWISE = 24  # multiply-adds that an activation and its derivatives take, about


class JetPasses:
    """The passes of one network at samples X [m, n_0], for some components of its jets.

    Parameters
    ----------
    network : Network
        Of built-in activations that have the derivatives wanted.
    X : ndarray [m, n_0]
        Contiguous, in the network's dtype.
    components : Components
    """

    def __init__(self, network: Network, X: Array, components: Components) -> None:
        self.network, self.X, self.components = network, X, components
        self._plan = _plan(components, network.dtype)
        if components.count > 1:
            codes = [activation.code for activation in network.activations if activation.code not in FOLLOWING]
            prepare_second_derivatives(codes, network.dtype)
            if components.forms:
                prepare_third_derivatives(codes, network.dtype)

    @property
    def _panels(self) -> int:
        return -(-len(self.X) // lanes(self.network.dtype))

    def _work(self, passes: float) -> float:
        """Multiply-adds of so many passes through the layers."""
        layout = self.network.kernels.layout
        return passes * self.components.count * len(self.X) * (layout.sample_work + ELEMENTWISE * sum(self.network.widths[1:]))

    def _workspaces(self, residuals: int, samples: int | None = None) -> Array:
        """Workspaces for so many samples at once, those of a panel where it is None."""
        dtype = self.network.dtype
        numbers = _workspace_numbers(self.network.widths, self.components, dtype, samples or lanes(dtype), residuals)
        return thread_workspaces(numbers, dtype)

    def jets(self) -> Array:
        """[m, K, n]: every component of every output (eq. 22 and 23)."""
        kernels, K = self.network.kernels, self.components.count
        out = np.empty((len(self.X), K, self.network.widths[-1]), self.network.dtype)
        over(self._panels, self._work(1), jets, kernels.theta, kernels.plan, self._plan, self.X, _flat(out),
             self._workspaces(1))
        return out

    def rows(self, seeds: Array, out: Array, jets: Array | None = None) -> Array:
        """The rows of J into the first P columns of out [m q, .], from seeds [m, q, K, n] = ∂r/∂jets (eq. 24 and 25), and the jets
        into `jets` [m, K, n]."""
        kernels, q = self.network.kernels, seeds.shape[1]
        found = np.empty((0, math.prod(seeds.shape[2:])), out.dtype) if jets is None else _flat(jets)
        over(self._panels, self._work(1 + 3 * q), jet_rows, kernels.theta, kernels.backward_weights, kernels.plan, self._plan,
             self.X, _flat(seeds), q, out, found, self._workspaces(q))
        return out

    def product(self, seeds: Array, v: Array) -> Array:
        """J v [m, q] for v [P], from seeds [m, q, K, n] (eq. 25)."""
        kernels, q = self.network.kernels, seeds.shape[1]
        out = np.empty((len(seeds), q), self.network.dtype)
        over(self._panels, self._work(2 + q), jet_products, kernels.theta, kernels.backward_weights, kernels.plan, self._plan,
             self.X, _flat(seeds), q, v, out, self._workspaces(q))
        return out

    def gradient(self, seeds: Array) -> Array:
        """Jᵀu [P], from seeds [m, K, n] = Σ_q u_q ∂r_q/∂jets (eq. 20 and 25)."""
        kernels, network = self.network.kernels, self.network
        size, blocks = kernels.layout.size, -(-len(self.X) // JET_BLOCK)
        if not len(seeds):
            return np.zeros(size, network.dtype)
        work = self._work(3)
        nodes = np.empty((sum_chunks(blocks, work, size * network.dtype.itemsize), size), network.dtype)
        over(len(nodes), work, sums_of_rows, kernels.theta, kernels.backward_weights, kernels.plan, self._plan, self.X,
             _flat(seeds), nodes, self._workspaces(1, JET_BLOCK))
        return folded(nodes)


@functools.lru_cache(64)
def _plan(components: Components, dtype: DType) -> JetPlan:
    """The components as kernels take them."""
    terms = [(s, i, j, c) for s, form in enumerate(components.forms) for i, j, c in form]
    return JetPlan(np.array(components.axes, np.int64), len(components.forms),
                   np.array([term[:3] for term in terms], np.int64).reshape(-1, 3), np.array([term[3] for term in terms], dtype))


@functools.lru_cache(64)
def _workspace_numbers(widths: tuple[int, ...], components: Components, dtype: DType, samples: int, residuals: int) -> int:
    """Numbers that a thread needs for so many samples at once; to ask the kernel takes 25 µs, as long as a pass of some ten
    points."""
    plan = Layout(widths, (0,) * (len(widths) - 1)).plan
    return int(jet_workspace_size(plan, _plan(components, dtype), lanes(dtype), samples, residuals))


def _flat(values: Array) -> Array:
    """An array [m, …] as [m, .], m ≥ 0."""
    return values.reshape(len(values), math.prod(values.shape[1:]))
