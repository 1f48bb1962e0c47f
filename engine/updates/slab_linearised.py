"""A batch step's cost near θ in bounded memory: J is computed again, slab by slab, wherever it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backward import transposed_product
from ..batch_problem import BatchProblem
from ..blocks import SlabSum, cut, levels_of
from ..network import Network
from ..operators import Jacobian
from ..typing import Array
from .kept_linearised import SLAB, KeptLinearised, samples_at_once

READ = 8  # bytes of a number as it lies in a file, at most


def _sample_numbers(network: Network) -> int:
    """How many numbers a sample's pass forward and its chains take."""
    layout, widths = network.kernels.layout, network.widths
    return layout.stack_lines + widths[-1] * (2 * layout.chain_lines + 8) + 2 * sum(widths)


def whole_fits(network: Network, m: int, max_bytes: int) -> bool:
    """Whether a KeptLinearised of m samples takes at most `max_bytes`."""
    return m == 0 or m * _sample_numbers(network) * network.dtype.itemsize + SLAB <= max_bytes


class _Samples:
    """X of a batch, read where it is sliced."""

    def __init__(self, problem: BatchProblem) -> None:
        self._problem = problem

    def __len__(self) -> int:
        return len(self._problem.step)

    def __getitem__(self, chosen: Any) -> Array:
        return self._problem.samples_at(chosen)


class SlabLinearised(KeptLinearised):
    """A Linearised that holds A, D_A C, S and the targets of its samples, [m, n] each, but neither X nor J.

    The same bits: sums over samples go up the tree over blocks, and through BLAS in the same pieces. The solver "kernel", whose
    system is mn × mn, makes the factors of J for all samples.
    """

    def _forward(self) -> None:
        network, max_bytes, m = self.network, self.problem.max_bytes, len(self.problem.step)
        assert max_bytes is not None
        self.kept_bytes = max_bytes
        at_once, numbers, size = min(samples_at_once(network), m), _sample_numbers(network), network.dtype.itemsize
        rows = at_once * (network.widths[-1] * network.size + numbers) * size

        def bytes_of(samples: int) -> int:
            sums = (levels_of(m, samples) + 8) * network.size
            return int(samples * (numbers * size + READ * network.widths[0]) + sums * size + rows)

        self._slabs, self.X = cut(m, bytes_of, max_bytes), _Samples(self.problem)
        self.outputs = self._outputs_of(network)

    @property
    def jacobian(self) -> Jacobian:
        """J of all samples, computed again."""
        return Jacobian(self.network, self.X[:])

    def _jacobian_of(self, first: int, count: int) -> Jacobian:
        return Jacobian(self.network, self.X[first:first + count])

    def _outputs_of(self, network: Network) -> Array:
        A = np.empty((len(self.X), network.widths[-1]), network.dtype)
        for slab in self._slabs:
            A[slab] = network(self.X[slab])
        return A

    def _pulled(self, u: Array) -> Array:
        total = SlabSum(self.network.size, self.network.dtype, len(self._slabs))
        for slab in self._slabs:
            stack = self._jacobian_of(slab.start, slab.stop - slab.start).forward.stack
            total.add(transposed_product(self.network, stack, u[slab]))
        return total.total()[self.free]

    def _pushed_along(self, full: Array) -> Array:
        out = np.empty_like(self.outputs)
        for slab in self._slabs:
            out[slab] = self._jacobian_of(slab.start, slab.stop - slab.start).matvec(full).reshape(-1, out.shape[1])
        return out
