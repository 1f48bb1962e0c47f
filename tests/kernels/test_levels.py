"""kernels/levels.py: the walk up the tree of sums adds 1 and 2, 3 and 4, …, whatever the chunks."""

import numpy as np
import pytest

from engine.kernels.levels import Tree, add_up, blocks_of, chunk_blocks, fold_nodes, summand
from engine.kernels.linked import kernel


@kernel
def walk(tree, rows, chunk):
    """The blocks of one chunk, each the sum of one row."""
    for b in blocks_of(tree, chunk, chunk + 1):
        total = summand(tree, b)
        for k in range(total.size):
            total[k] = rows[b, k]
        add_up(tree, b)


def tree_sum(values):
    """The sum of rows by the fixed tree."""
    while len(values) > 1:
        pairs = values[:len(values) // 2 * 2]
        values = np.concatenate([pairs[::2] + pairs[1::2], values[len(pairs):]])
    return values[0]


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("blocks", (1, 2, 3, 8, 13))
@pytest.mark.parametrize("chunks", (1, 2, 4, 16))
def test_the_walk_is_the_tree(blocks, chunks, dtype):
    rows = np.random.default_rng(blocks).uniform(-1, 1, (blocks, 3)).astype(dtype)
    size, height = chunk_blocks(blocks, chunks)
    chunks = -(-blocks // size)
    tree = Tree(np.zeros((chunks, 3), dtype), np.zeros((height if size > 1 else 0, 3), dtype), size, blocks)
    for c in range(chunks):
        walk(tree, rows, c)
    fold_nodes(tree.partial)
    assert np.array_equal(tree.partial[0], tree_sum(rows))
