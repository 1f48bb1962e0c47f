"""The fixed tree of sums over the positions of a batch, cut where the samples of a subtree live on one worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..kernels.sums import BLOCK
from ..typing import Indices

Tree = int | tuple[Any, Any]  # the number of a leaf, or two trees


class Leaf(NamedTuple):
    """Positions first … stop − 1 of a batch, a node of the fixed tree, and the shard that holds their samples; None for several."""

    first: int
    stop: int
    shard: int | None


def cut(low: Indices, high: Indices, m: int, least: int) -> tuple[list[Leaf], Tree]:
    """Leaves in the order of positions, and the tree over them.

    Parameters
    ----------
    low, high : ndarray of int [blocks]
        The least and the largest number of a shard that a sample of each block of positions is in.
    m : int
        Positions.
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
    >>> from engine.distributed.tree import cut
    >>> shards = np.array([0, 0, 1, 2])
    >>> cut(shards, shards, 424, 128)[1]
    (0, (1, 2))
    """
    leaves = []

    def subtree(first: int, size: int) -> Tree:
        stop = min(first + size, m)
        blocks = slice(first // BLOCK, -(-stop // BLOCK))
        shard, last = int(low[blocks].min()), int(high[blocks].max())
        if shard == last or size <= least:
            leaves.append(Leaf(first, stop, shard if shard == last else None))
            return len(leaves) - 1
        left = subtree(first, size // 2)
        return (left, subtree(first + size // 2, size // 2)) if first + size // 2 < stop else left

    size = BLOCK
    while size < m:
        size *= 2
    return leaves, subtree(0, size)


def leaves_of(tree: Tree) -> list[int]:
    """The leaves of a tree, in order.

    Examples
    --------
    >>> from engine.distributed.tree import leaves_of
    >>> leaves_of((0, (1, 2)))
    [0, 1, 2]
    """
    return [tree] if isinstance(tree, int) else [leaf for part in tree for leaf in leaves_of(part)]


def subtrees(tree: Tree, homes: Sequence[str | None]) -> tuple[list[Tree], Tree]:
    """The largest subtrees whose leaves have one home (a leaf without one stands alone), and the tree over them.

    Examples
    --------
    >>> from engine.distributed.tree import subtrees
    >>> subtrees((((0, 1), (2, 3)), 4), ["a", "a", "a", "b", "b"])
    ([(0, 1), 2, 3, 4], ((0, (1, 2)), 3))
    """
    groups = []

    def over(part: Tree) -> Tree:
        found = {homes[leaf] for leaf in leaves_of(part)}
        if isinstance(part, int) or (len(found) == 1 and None not in found):
            groups.append(part)
            return len(groups) - 1
        return over(part[0]), over(part[1])

    return groups, over(tree)


def folded(tree: Tree, values: Any, join: Callable[[Any, Any], Any]) -> Any:
    """The leaves' values joined, two at a time, as the tree has it.

    Examples
    --------
    >>> from engine.distributed.tree import folded
    >>> folded((0, (1, 2)), "abc", lambda left, right: f"({left}{right})")
    '(a(bc))'
    """
    if isinstance(tree, int):
        return values[tree]
    return join(folded(tree[0], values, join), folded(tree[1], values, join))


def node_size(samples: int, count: int) -> int:
    """The largest node, in samples, of which at least `count` are needed to hold so many; a block at least."""
    size = BLOCK
    while 2 * size * count <= samples:
        size *= 2
    return size
