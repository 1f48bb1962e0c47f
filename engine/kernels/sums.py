"""Sums of one number per sample: in order inside fixed blocks, then up the fixed tree over blocks."""

import numpy as np

from .linked import kernel

BLOCK = 128  # samples that are summed in order; a constant, never a function of threads, memory or workers


@kernel
def tree_sum(values):
    """The sum of values [m], in their dtype; 0 for none. Four blocks at a time, for an addition takes four cycles."""
    blocks = (values.size + BLOCK - 1) // BLOCK
    if blocks == 0:
        return values.dtype.type(0)
    nodes = np.empty(blocks, values.dtype)
    grouped = values.size // BLOCK // 4 * 4
    for b in range(0, grouped, 4):
        first, second = values[b * BLOCK:(b + 1) * BLOCK], values[(b + 1) * BLOCK:(b + 2) * BLOCK]
        third, fourth = values[(b + 2) * BLOCK:(b + 3) * BLOCK], values[(b + 3) * BLOCK:(b + 4) * BLOCK]
        w, x, y, z = first[0], second[0], third[0], fourth[0]
        for k in range(1, BLOCK):
            w += first[k]
            x += second[k]
            y += third[k]
            z += fourth[k]
        nodes[b], nodes[b + 1], nodes[b + 2], nodes[b + 3] = w, x, y, z
    for b in range(grouped, blocks):
        total = values[b * BLOCK]
        for k in range(b * BLOCK + 1, min((b + 1) * BLOCK, values.size)):
            total += values[k]
        nodes[b] = total
    step = 1
    while step < blocks:
        for i in range(0, blocks - step, 2 * step):
            nodes[i] += nodes[i + step]
        step *= 2
    return nodes[0]
