"""The chains B^l = d a^L / d b^l of panels of samples (eq. 7), output by output: [n][n_1 + … + n_{L-1}][lanes]."""

from .layout import FROM_ZERO, MULTIPLIED, line, panel_sizes, places
from .linked import kernel, shared
from .product import group_product
from .signatures import Line, Pair, Plan
from .simd import lanes_of, scale_lines, stream
from .transposed import weights_back

CACHED = 20 << 10  # bytes of chains that stay in the first-level cache


@shared
def chain_panels(theta: Line, backward_weights: Line, plan: Plan, stack: Line, chain: Line, offset: int, panels: Pair):
    """The chains of panels panels[0] … panels[1] - 1, into chain from `offset`; B^L, the diagonal of gamma^L, is not stored."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    first, stop = panels
    if panel.depth == 1:
        return
    top = places(plan, panel.depth, lanes)
    for j in range(stop - first):
        gammas, chains = (first + j) * panel.stack, offset + j * panel.n * panel.chain
        for i in range(panel.n):
            scale_lines(theta, top.weight + i * top.before, stack, line(gammas + top.gamma, i, lanes), stack,
                        gammas + top.gamma_below, chain, chains + i * panel.chain + top.delta_below, top.before)  # eq. 7, l = L - 1
    for l in range(panel.depth - 1, 1, -1):
        above, below, gamma, outputs, groups = layer_of_chains(plan, l, lanes, offset, first, stop - first)
        at = places(plan, l, lanes)
        group_product(backward_weights, weights_back(plan, l), chain, above, chain, below, stack, gamma,
                      (at.before, at.width, outputs, groups), (FROM_ZERO, MULTIPLIED))  # eq. 7


@kernel
def layer_of_chains(plan, l, lanes, offset, first, count):
    """B^l, B^{l-1} and gamma^{l-1} of `count` panels from `first` on as a product takes them, and how many panels and groups it
    has: the outputs of a panel are a group, which shares gamma; with one output all panels are."""
    at, panel = places(plan, l, lanes), panel_sizes(plan, lanes)
    group, gamma = panel.n * panel.chain, first * panel.stack + at.gamma_below
    above, below = (offset + at.delta, panel.chain, group), (offset + at.delta_below, panel.chain, group)
    if panel.n == 1:
        return above, below, (gamma, panel.stack, 0), count, 1
    return above, below, (gamma, 0, panel.stack), panel.n, count


@kernel
def cached_panels(plan, lanes, itemsize):
    """How many panels' chains are made in one go: as many as the first-level cache holds, at least eight with one output."""
    panel = panel_sizes(plan, lanes)
    return max(8 if panel.n == 1 else 1, min(32, CACHED // max(1, panel.n * panel.chain * itemsize)))


@kernel
def chains_size(plan, lanes, itemsize):
    """Numbers of the workspace that `chains` needs to write past the cache."""
    panel = panel_sizes(plan, lanes)
    return cached_panels(plan, lanes, itemsize) * panel.n * panel.chain


@kernel
def chains(theta, backward_weights, plan, stack, chain, workspace, streaming, span):
    """The chains of the panels of `span`, each at its own offset in `chain`; through the slot's row of `workspace` and past the
    cache where `streaming`."""
    lanes = lanes_of(theta)
    count = cached_panels(plan, lanes, theta.itemsize)
    size = panel_sizes(plan, lanes).n * panel_sizes(plan, lanes).chain
    first, stop, slot = span
    made = workspace[slot]
    for j in range(first, stop, count):
        end = min(j + count, stop)
        if streaming:
            chain_panels(theta, backward_weights, plan, stack, made, 0, (j, end))
            stream(made, 0, chain, j * size, (end - j) * size)
        else:
            chain_panels(theta, backward_weights, plan, stack, chain, j * size, (j, end))
