"""J S² J′ᵀ layer by layer, for a scale with one number for the weights and one for the biases of each layer (eq. 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..network import Network
from ..typing import Array
from .jacobian import Jacobian

SLAB = 1 << 24  # bytes of products of chains that are held at once


def scale_of(jacobian: Jacobian) -> Array | None:
    """The scale [P] of a ScaledJacobian; None of a Jacobian."""
    scale: Array | None = getattr(jacobian, "scale", None)
    return scale


def layered(jacobian: Jacobian) -> bool:
    """Whether the scale is one number for the weights and one for the biases of each layer."""
    scale, network = scale_of(jacobian), jacobian.network
    if scale is None:
        return True
    return all((scale[part] == scale[part][0]).all() for l in range(1, network.depth + 1) for part in network.slices(l))


def of_layers(network: Network, scale: Array | None) -> Iterator[tuple[int, Any, Any]]:
    """(l, scale of W^l, scale of b^l) of each layer."""
    for l in range(1, network.depth + 1):
        weights, biases = network.slices(l)
        yield (l, 1, 1) if scale is None else (l, scale[weights.start], scale[biases.start])


def gram(left: Jacobian, right: Jacobian, out: Array) -> None:
    """out [m n, m′ n] = Σ_l (B^l B′^lᵀ) ∘ (s s′ a^{l−1} · a′^{l−1} + t t′) of layered scales s of weights and t of biases."""
    network, symmetric, n = left.network, left is right, left.network.widths[-1]
    m, others = out.shape[0] // n, out.shape[1] // n
    step = max(1, SLAB // max(1, n * n * others * out.itemsize))
    out[...] = 0
    for (l, s, t), (_, s2, t2) in zip(of_layers(network, scale_of(left)), of_layers(network, scale_of(right))):
        B, a = left.chain(l).reshape(m * n, network.widths[l]), left.forward.a(l - 1)
        D, c = (B, a) if symmetric else (right.chain(l).reshape(others * n, network.widths[l]), right.forward.a(l - 1))
        for first in range(0, m, step):
            rows, columns = slice(first * n, (first + step) * n), first * n if symmetric else 0
            product = B[rows] @ D[columns:].T
            factor = s * s2 * (a[first:first + step] @ c[columns // n:].T) + t * t2
            each = product.reshape(len(factor), n, factor.shape[1], n)
            each *= factor[:, None, :, None]
            out[rows, columns:] += product  # eq. 8
    if symmetric:
        for first in range(0, m * n, step * n):
            rows = slice(first, first + step * n)
            block = out[rows, rows]
            block[...] = (block + block.T) / 2
            out[first + len(block):, rows] = out[rows, first + len(block):].T


def tables(left: Jacobian, right: Jacobian, count: int) -> Array:
    """[n, m, m′], the kernel of each output with itself, or their sum [1, m, m′]."""
    network, n = left.network, left.network.widths[-1]
    m, others = left.shape[0] // n, right.shape[0] // n
    out = np.zeros((count, m, others), left.dtype)
    if not (layered(left) and layered(right)):
        rows = left.dense().reshape(m, n, -1)
        columns = rows if left is right else right.dense().reshape(others, n, -1)
        for i in range(n):
            out[i if count > 1 else 0] += rows[:, i] @ columns[:, i].T
    else:
        for (l, s, t), (_, s2, t2) in zip(of_layers(network, scale_of(left)), of_layers(network, scale_of(right))):
            B, a = left.chain(l), left.forward.a(l - 1)
            D, c = (B, a) if left is right else (right.chain(l), right.forward.a(l - 1))
            factor = s * s2 * (a @ c.T) + t * t2
            for i in range(n):
                out[i if count > 1 else 0] += (B[:, i] @ D[:, i].T) * factor  # eq. 8
    return (out + out.transpose(0, 2, 1)) / 2 if left is right else out


def row_squares(jacobian: Jacobian) -> Array:
    """The squared norm of every row [m, n]: Σ_l ‖B^l_i‖² (s² ‖a^{l−1}‖² + t²)."""
    out = np.zeros((jacobian.forward.samples, jacobian.network.widths[-1]), jacobian.dtype)
    for l, s, t in of_layers(jacobian.network, scale_of(jacobian)):
        out += np.sum(jacobian.chain(l)**2, axis=2) * (s**2 * np.sum(jacobian.forward.a(l - 1)**2, axis=1) + t**2)[:, None]
    return out


def blocks(jacobian: Jacobian) -> Array:
    """J_k S² J_kᵀ of each sample [m, n, n], exactly symmetric."""
    m, n = jacobian.forward.samples, jacobian.network.widths[-1]
    out = np.zeros((m, n, n), jacobian.dtype)
    if not layered(jacobian):
        rows = jacobian.dense().reshape(m, n, -1)
        out += rows @ rows.transpose(0, 2, 1)
    else:
        for l, s, t in of_layers(jacobian.network, scale_of(jacobian)):
            B, a = jacobian.chain(l), jacobian.forward.a(l - 1)
            out += (B @ B.transpose(0, 2, 1)) * (s**2 * np.sum(a * a, axis=1) + t**2)[:, None, None]  # eq. 8
    return (out + out.transpose(0, 2, 1)) / 2
