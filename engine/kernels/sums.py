"""Sums of one number a sample: in order inside fixed blocks, then up the fixed tree over blocks."""

import numpy as np

from .linked import kernel

BLOCK = 128  # samples that are summed in order; a constant, never a function of threads, memory or workers


@kernel
def tree_sum(values):
    """The sum of values [m], in their dtype; 0 for none."""
    blocks = (values.size + BLOCK - 1) // BLOCK
    if blocks == 0:
        return values.dtype.type(0)
    nodes = np.empty(blocks, values.dtype)
    for b in range(blocks):
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
