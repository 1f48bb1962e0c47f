"""The fixed tree of sums over the positions of a batch, cut where the samples of a subtree live on one worker."""

from typing import NamedTuple

import numpy as np

from ...kernels.sums import BLOCK


class Leaf(NamedTuple):
    """Positions first … stop − 1 of a batch, a node of the fixed tree, and the shards that hold their samples."""

    first: int
    stop: int
    shards: tuple


def cut(owners, least):
    """Leaves in the order of positions, and the tree over them.

    Parameters
    ----------
    owners : ndarray of int [m]
        The shard of the sample at each position.
    least : int
        Positions, a power of two of blocks, up to which a subtree stays whole though its samples are in several shards.

    Returns
    -------
    leaves : list of Leaf
    tree : int or (tree, tree)
        A leaf's number, or the two subtrees whose sums are added.

    Examples
    --------
    >>> import numpy as np
    >>> from engine.edges.distributed.tree import cut
    >>> cut(np.repeat([0, 1, 2], [256, 128, 40]), 128)[1]
    (0, (1, 2))
    """
    starts = np.arange(0, len(owners), BLOCK)
    low, high = np.minimum.reduceat(owners, starts), np.maximum.reduceat(owners, starts)
    leaves = []

    def subtree(first, size):
        stop = min(first + size, len(owners))
        blocks = slice(first // BLOCK, -(-stop // BLOCK))
        if low[blocks].min() == high[blocks].max() or size <= least:
            leaves.append(Leaf(first, stop, tuple(np.unique(owners[first:stop]).tolist())))
            return len(leaves) - 1
        left = subtree(first, size // 2)
        return (left, subtree(first + size // 2, size // 2)) if first + size // 2 < stop else left

    size = BLOCK
    while size < len(owners):
        size *= 2
    return leaves, subtree(0, size)


def leaves_of(tree):
    """The leaves of a tree, in order.

    Examples
    --------
    >>> from engine.edges.distributed.tree import leaves_of
    >>> leaves_of((0, (1, 2)))
    [0, 1, 2]
    """
    return [tree] if isinstance(tree, int) else [leaf for part in tree for leaf in leaves_of(part)]


def subtrees(tree, homes):
    """The largest subtrees whose leaves have one home (a leaf without one stands alone), and the tree over them.

    Examples
    --------
    >>> from engine.edges.distributed.tree import subtrees
    >>> subtrees((((0, 1), (2, 3)), 4), ["a", "a", "a", "b", "b"])
    ([(0, 1), 2, 3, 4], ((0, (1, 2)), 3))
    """
    groups = []

    def over(part):
        found = {homes[leaf] for leaf in leaves_of(part)}
        if isinstance(part, int) or (len(found) == 1 and None not in found):
            groups.append(part)
            return len(groups) - 1
        return over(part[0]), over(part[1])

    return groups, over(tree)


def folded(tree, values, join):
    """The leaves' values joined, two at a time, as the tree has it.

    Examples
    --------
    >>> from engine.edges.distributed.tree import folded
    >>> folded((0, (1, 2)), "abc", lambda left, right: f"({left}{right})")
    '(a(bc))'
    """
    if isinstance(tree, int):
        return values[tree]
    return join(folded(tree[0], values, join), folded(tree[1], values, join))


def node_size(samples, count):
    """The largest node, in samples, of which at least `count` are needed to hold so many; a block at least."""
    size = BLOCK
    while 2 * size * count <= samples:
        size *= 2
    return size
