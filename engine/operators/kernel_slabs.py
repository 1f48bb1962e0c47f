"""Tangent kernels in slabs of samples, so that what is computed on the way takes bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..forward import lanes
from ..kernels.gram import gram_size
from ..pool import num_threads
from ..typing import Array
from . import checks as operator_checks
from . import layered_kernel
from .jacobian import Jacobian, jacobian_of_checked
from .scaled_jacobian import ScaledJacobian

BLOCKS = 1 << 26  # bytes of factors that `sample_blocks` holds at once


def part(jacobian: Jacobian, samples: slice) -> Jacobian:
    """The rows of a Jacobian that belong to consecutive samples."""
    network, X = jacobian.network, jacobian.X[samples]
    if isinstance(jacobian, ScaledJacobian):
        return ScaledJacobian(network, X, jacobian.scale)
    return jacobian_of_checked(network, X)


def numbers_each(jacobian: Jacobian) -> int:
    """Numbers that the factors of one sample take, and with a scale the copies or rows that are made of them."""
    network, n = jacobian.network, jacobian.network.widths[-1]
    layout = network.kernels.layout
    factors = layout.stack_lines + n * layout.chain_lines + n
    if not isinstance(jacobian, ScaledJacobian):
        return factors
    copies = n * max(network.widths[1:]) + max(network.widths) if layered_kernel.layered(jacobian) else n * network.size
    return factors + network.widths[0] + 2 * copies


def slab_samples(left: Jacobian, right: Jacobian, max_bytes: Any) -> int:
    """The most samples, whole panels of them, of which a slab of each side and their block fit in `max_bytes`."""
    network, size, n = left.network, left.dtype.itemsize, left.network.widths[-1]
    wide, scaled = lanes(left.dtype), isinstance(left, ScaledJacobian)
    each = size * (numbers_each(left) + numbers_each(right))
    pair = size * n * n * (4 if scaled else 1)
    fixed = size * (2 * wide**2 + num_threads() * gram_size(network.kernels.plan, wide))

    def taken(samples: int) -> int:
        return fixed + samples * each + samples**2 * pair

    most = operator_checks.kernel_slab(max_bytes, taken(wide), wide)
    found = int((np.sqrt(each**2 + 4.0 * pair * max(0, most - fixed)) - each) / (2 * pair)) // wide * wide
    while taken(found) > most:
        found -= wide
    return max(found, wide)


def dense_in_slabs(left: Jacobian, right: Jacobian, max_bytes: int, out: NDArray[Any] | None) -> Array:
    """J J′ᵀ [m n, m′ n] block by block, each from the factors of two slabs of samples; with the bits of `gram`."""
    inputs = (left.X, left.network.kernels.theta, right.X)
    out, rows = operator_checks.output_array(out, (left.shape[0], right.shape[0]), left.dtype, *inputs)
    step = slab_samples(left, right, max_bytes)
    for first in range(0, len(left.X), step):
        _fill_rows(left, right, slice(first, first + step), rows)
    return out


def _fill_rows(left: Jacobian, right: Jacobian, samples: slice, out: Array) -> None:
    """The rows of a slab of samples, and where there is one X, from their own columns on, with the mirror places."""
    n, symmetric, step = left.network.widths[-1], left is right, samples.stop - samples.start
    mine = part(left, samples)
    rows = slice(samples.start * n, samples.stop * n)
    for first in range(samples.start if symmetric else 0, len(right.X), step):
        columns = slice(first * n, (first + step) * n)
        if symmetric and first == samples.start:
            out[rows, columns] = mine.gram()
        else:
            _fill_block(mine, right, slice(first, first + step), out[rows, columns], out[columns, rows] if symmetric else None)


def _fill_block(mine: Jacobian, right: Jacobian, samples: slice, out: Array, mirror: Array | None) -> None:
    """The block of one slab with another, whose factors are dropped at the end."""
    block = mine.gram(part(right, samples))
    out[...] = block
    if mirror is not None:
        mirror[...] = block.T


def sample_blocks(jacobian: Jacobian) -> Array:
    """J_k J_kᵀ of each sample [m, n, n], by slabs of samples."""
    m, n = len(jacobian.X), jacobian.network.widths[-1]
    out = np.empty((m, n, n), jacobian.dtype)
    step = max(1, BLOCKS // (2 * numbers_each(jacobian) * jacobian.dtype.itemsize))
    for first in range(0, m, step):
        samples = slice(first, first + step)
        out[samples] = layered_kernel.blocks(jacobian if step >= m else part(jacobian, samples))
    return out
