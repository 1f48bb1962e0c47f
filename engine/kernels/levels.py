"""The fixed binary tree over blocks, for sums that are vectors: node i of a level adds nodes 2 i and 2 i + 1 of the level
below, and an odd last node passes up unchanged."""

from collections import namedtuple

from .linked import kernel

# A sum over `blocks` blocks in chunks of `size` blocks each, a power of two: partial [chunks, P] takes the sum of each chunk,
# levels [height, P] the nodes of the chunk that is being summed. A chunk of one block needs no levels.
Tree = namedtuple("Tree", "partial levels size blocks")


@kernel
def chunk_blocks(blocks, chunks):
    """The least power of two of blocks of which `chunks` hold them all, and the rows of `levels` that a chunk needs."""
    size, height = 1, 2
    while size * chunks < blocks:
        size *= 2
        height += 1
    return size, height


@kernel
def blocks_of(tree, first, stop):
    """The range of the blocks of chunks `first` … `stop` - 1."""
    return range(first * tree.size, min(stop * tree.size, tree.blocks))


@kernel
def level_of(index):
    """How many levels are filled when the first `index` blocks of a chunk are summed: one for each 1 among its binary digits."""
    filled = 0
    while index > 0:
        filled += index & 1
        index >>= 1
    return filled


@kernel
def summand(tree, block):
    """Where the sum over a block belongs: a level of the tree, or its chunk's row of partial where the chunk is that block."""
    if tree.size == 1:
        return tree.partial[block]
    return tree.levels[level_of(block % tree.size)]


@kernel
def add_up(tree, block):
    """Join the nodes that are complete once the summand of `block` is written, all of them after the chunk's last block."""
    if tree.size == 1:
        return
    index = block % tree.size
    filled = push_level(tree.levels, level_of(index), index)
    if index == tree.size - 1 or block == tree.blocks - 1:
        fold_levels_into(tree.partial[block // tree.size], tree.levels, filled)


@kernel
def add_level(levels, i):
    """levels[i] += levels[i + 1]."""
    for k in range(levels.shape[1]):
        levels[i, k] += levels[i + 1, k]


@kernel
def push_level(levels, filled, index):
    """The sum of block `index` has been written to levels[filled]; join what is complete; the new number of filled levels."""
    while index & 1:
        add_level(levels, filled - 1)
        filled -= 1
        index >>= 1
    return filled + 1


@kernel
def fold_levels(levels, filled):
    """Join the filled levels into levels[0]."""
    for i in range(filled - 2, -1, -1):
        add_level(levels, i)


@kernel
def fold_levels_into(out, levels, filled):
    """Join the filled levels into out [P]. Number by number: assigned whole, Numba would compile a message about shapes for 3 s."""
    fold_levels(levels, filled)
    for k in range(out.size):
        out[k] = levels[0, k]


@kernel
def fold_nodes(nodes):
    """Join nodes [count, P], all of one level, into nodes[0] by the same tree."""
    step = 1
    while step < nodes.shape[0]:
        for i in range(0, nodes.shape[0] - step, 2 * step):
            for k in range(nodes.shape[1]):
                nodes[i, k] += nodes[i + step, k]
        step *= 2
