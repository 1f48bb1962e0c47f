"""The fixed tree cut where samples live: whoever sums which leaf, the sum has the same bits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.distributed.shards import quotas
from engine.distributed.tree import cut, folded, leaves_of, node_size, subtrees
from engine.kernels.sums import BLOCK, tree_sum


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 4), st.integers(0, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_leaves_and_groups_sum_to_the_same_bits(m, shards, height, workers, seed):
    generator = np.random.default_rng(seed)
    runs = np.repeat(generator.integers(0, shards + 1, -(-m // 64)), 64)[:m]
    least, values = BLOCK << height, generator.standard_normal(m).astype(np.float32)
    starts = np.arange(0, m, BLOCK)
    leaves, tree = cut(np.minimum.reduceat(runs, starts), np.maximum.reduceat(runs, starts), m, least)
    assert [leaf.first for leaf in leaves] == [0, *(leaf.stop for leaf in leaves[:-1])] and leaves[-1].stop == m
    for leaf in leaves:
        assert set(runs[leaf.first:leaf.stop]) == {leaf.shard} if leaf.shard is not None else leaf.stop - leaf.first <= least
        assert leaf.first % BLOCK == 0
    sums, wanted = [np.float32(tree_sum(values[leaf.first:leaf.stop])) for leaf in leaves], tree_sum(values)
    assert folded(tree, sums, np.add) == wanted
    groups, above = subtrees(tree, [None if leaf.shard is None else leaf.shard % workers for leaf in leaves])
    assert [number for group in groups for number in leaves_of(group)] == list(range(len(leaves)))
    assert folded(above, [folded(group, sums, np.add) for group in groups], np.add) == wanted


@given(st.integers(1, 10**7), st.integers(1, 64))
def test_a_node_leaves_enough_for_all(samples, count):
    size = node_size(samples, count)
    blocks = size // BLOCK
    assert size % BLOCK == 0 and blocks & (blocks - 1) == 0
    assert size == BLOCK or count * size <= samples < 2 * count * size


@given(st.integers(0, 200), st.dictionaries(st.text(max_size=3), st.integers(1, 16), min_size=1, max_size=8))
def test_quotas_are_in_proportion_to_threads(shards, threads):
    found, total = quotas(shards, threads), sum(threads.values())
    assert sum(found.values()) == shards and list(found) == list(threads)
    assert all(abs(found[address] - shards * threads[address] / total) <= 1 for address in threads)
