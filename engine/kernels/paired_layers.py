"""J^T H J entry by entry from the factors: for every pair of layers the sum over samples of (B^l^T H B^k) ⊗ (ā^{l-1} ⊗ ā^{k-1}),
ā = (a, 1), as one product of matrices. Of two equal layers only pairs in order are summed: a quarter of the work."""

from collections import namedtuple

from .chain import chain_panels
from .compiled import inlined
from .layout import FROM_TARGET, STORED, line, lines_for, panel_sizes, places
from .linked import kernel, shared
from .output_curvature import curvature_lines
from .product import pack, tile_heights
from .signatures import Line, Pair, Plan, Triple
from .simd import fma_lines, lanes_of, tile

PART = 64  # samples whose factors lie in the cache at once
TOGETHER = 4  # lines of one side that stay in the first-level cache while the other passes: 1-20-20-1, m 2000: 12.3 to 9.5 ms

# Layers l <= k, how many pairs of neurons and of inputs they have, the offset of their sums, lines of a row of those, and whether
# rows are pairs of inputs. A row of the table `pairs`.
LayerPair = namedtuple("LayerPair", "l k neurons inputs offset lines swapped")
# chain of a panel; B and H B [panels][2][n][n_1 + … + n_L][lanes]; ā^0 … ā^{L-1} of each panel; the sides of a product: rows
# [rows][samples], packed columns, and the columns of one panel
PairWorkspace = namedtuple("PairWorkspace", "chain factors inputs rows packed columns")


@inlined
def layer_pair(pairs, e):
    """The LayerPair number e."""
    return LayerPair(pairs[e, 0], pairs[e, 1], pairs[e, 2], pairs[e, 3], pairs[e, 4], pairs[e, 5], pairs[e, 6])


@inlined
def extended_inputs(plan, lanes):
    """Numbers of ā^0 … ā^{L-1} of a panel."""
    depth = plan.shape[0] - 1
    return line(places(plan, depth, lanes).a, depth, lanes)


@kernel
def pair_counts(plan, l, k):
    """How many pairs of neurons and of inputs the layers l <= k have."""
    at, other = places(plan, l, 1), places(plan, k, 1)
    if l == k:
        return at.width * (at.width + 1) // 2, (at.before + 1) * (at.before + 2) // 2
    return at.width * other.width, (at.before + 1) * (other.before + 1)


@kernel
def fill_pairs(plan, pairs, lanes):
    """Fill pairs [L (L + 1) / 2, 7]; how many numbers their sums are, and the numbers of their longest row."""
    size, longest, e = 0, 0, 0
    for l in range(1, plan.shape[0]):
        for k in range(l, plan.shape[0]):
            neurons, inputs = pair_counts(plan, l, k)
            by_neurons, by_inputs = lines_for(inputs, lanes), lines_for(neurons, lanes)
            swapped = 5 * by_inputs * inputs < 4 * by_neurons * neurons  # what is packed costs more
            lines = by_inputs if swapped else by_neurons
            for i, value in enumerate(LayerPair(l, k, neurons, inputs, size, lines, int(swapped))):
                pairs[e, i] = value
            size += line(0, (inputs if swapped else neurons) * lines, lanes)
            longest = max(longest, max(by_neurons, by_inputs))
            e += 1
    return size, line(0, longest, lanes)


@kernel
def pair_offsets(plan, lanes, longest):
    """Where the parts of a PairWorkspace begin, from the second on, and where the last ends; `longest` is the numbers of the
    longest row of sums."""
    panel, panels = panel_sizes(plan, lanes), PART // lanes
    factors = panel.n * panel.chain
    inputs = factors + 2 * panels * panel.n * panel.deltas
    rows = inputs + panels * extended_inputs(plan, lanes)
    packed = rows + longest * PART
    columns = packed + longest * PART
    return factors, inputs, rows, packed, columns, line(columns, longest + lanes, lanes)


@kernel
def pair_size(plan, lanes, longest):
    """Numbers of a PairWorkspace."""
    return pair_offsets(plan, lanes, longest)[5]


@kernel
def pair_workspace_of(row, plan, longest):
    """A PairWorkspace cut from a row of numbers; the chain reaches into what follows, for a network of one layer has none."""
    lanes = lanes_of(row)
    factors, inputs, rows, packed, columns, _ = pair_offsets(plan, lanes, longest)
    return PairWorkspace(row[:factors + lanes], row[factors:inputs], row[inputs:rows], row[rows:packed], row[packed:columns],
                         row[columns:])


@shared
def all_chains(theta: Line, plan: Plan, chain: Line, offset: int, stack: Line, factors: Line, b: int):
    """B^l of all layers of the panel whose stack begins at `offset`, from its chain, at b in factors
    [n][n_1 + … + n_L][lanes]."""
    lanes = lanes_of(theta)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    factors[b:b + panel.n * panel.deltas] = 0
    for i in range(panel.n):
        start, gamma = b + i * panel.deltas, line(offset + top.gamma, i, lanes)
        for s in range(panel.chain):
            factors[start + s] = chain[i * panel.chain + s]
        for s in range(lanes):
            factors[line(start + top.delta, i, lanes) + s] = stack[gamma + s]  # eq. 7, l = L


@shared
def curved_factors(lines: Line, h: Pair, factors: Line, b: int, c: int, shape: Pair):
    """H B of one panel at c in factors from B at b: h = (offset, rank 0 or -1) of H, shape = (n, lines of B)."""
    lanes = lanes_of(lines)
    n, count = shape
    offset, rank = h
    size = line(0, count, lanes)
    factors[c:c + n * size] = 0
    for i in range(n):
        for q in range(i if rank == 0 else 0, i + 1 if rank == 0 else n):
            entry = line(offset, i if rank == 0 else i * n + q, lanes)
            fma_lines(lines, (entry, 0), factors, (b + q * size, lanes), factors, (c + i * size, lanes), count)


@kernel
def copy_inputs(plan, stack, offset, inputs, start):
    """ā^0 … ā^{L-1} of the panel whose stack begins at `offset`, to `inputs` from `start` on."""
    lanes = lanes_of(stack)
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        target = line(start + at.a_below, l - 1, lanes)
        for s in range(line(0, at.before, lanes)):
            inputs[target + s] = stack[offset + at.a_below + s]
        one = line(target, at.before, lanes)
        inputs[one:one + lanes] = 1


@kernel
def panel_factors(theta, backward_weights, plan, stack, curvature, j, i, workspace):
    """B, H B and the inputs of panel j as those of panel i of the workspace."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    size = panel.n * panel.deltas
    b, h = 2 * i * size, line(0, j * curvature_lines(panel.n, curvature.rank), lanes)
    chain_panels(theta, backward_weights, plan, stack, workspace.chain, 0, (j, j + 1))
    all_chains(theta, plan, workspace.chain, j * panel.stack, stack, workspace.factors, b)
    curved_factors(curvature.lines, (h, curvature.rank), workspace.factors, b, b + size, (panel.n, panel.deltas // lanes))
    copy_inputs(plan, stack, j * panel.stack, workspace.inputs, i * extended_inputs(plan, lanes))


@shared
def outer_pairs(X: Line, x: Pair, Y: Line, y: Pair, out: Line, o: Pair, ordered: int):
    """Add the products of lines of X and lines of Y, x, y = (offset, count), to lines of out, o = (offset, stride); where
    `ordered`, only those with a line of Y that is not before X's."""
    lanes = lanes_of(out)
    target, stride = o
    for p in range(x[1]):
        skip = p if ordered != 0 else 0
        fma_lines(X, (line(x[0], p, lanes), 0), Y, (line(y[0], skip, lanes), lanes), out, (target, stride), y[1] - skip)
        target += (y[1] - skip) * stride


@inlined
def add_neuron_pairs(plan, pair, i, workspace, out, o):
    """B^l^T H B^k of panel i of the workspace, a line per pair of neurons, added to lines of out, o = (offset, stride)."""
    lanes = lanes_of(out)
    panel, at, other = panel_sizes(plan, lanes), places(plan, pair.l, lanes), places(plan, pair.k, lanes)
    size = panel.n * panel.deltas
    for output in range(panel.n):
        b = 2 * i * size + output * panel.deltas
        outer_pairs(workspace.factors, (b + at.delta, at.width), workspace.factors, (b + size + other.delta, other.width),
                    out, o, pair.l == pair.k)


@inlined
def add_input_pairs(plan, pair, i, workspace, out, o):
    """ā^{l-1} ⊗ ā^{k-1} of panel i of the workspace, a line per pair of inputs, added to lines of out, o = (offset, stride)."""
    lanes = lanes_of(out)
    at, other = places(plan, pair.l, lanes), places(plan, pair.k, lanes)
    start = i * extended_inputs(plan, lanes)
    outer_pairs(workspace.inputs, (line(start + at.a_below, pair.l - 1, lanes), at.before + 1),
                workspace.inputs, (line(start + other.a_below, pair.k - 1, lanes), other.before + 1), out, o, pair.l == pair.k)


@shared
def add_products(A: Line, a: Pair, packed: Line, samples: int, out: Line, o: Triple, shape: Triple):
    """out[i, k] += sum over s of A[i, s] packed[k, s], in the order of s: a = (offset, row stride), o = (offset, row stride, 0),
    packed [line][samples][lanes], shape = (rows, lines, samples)."""
    lanes = lanes_of(out)
    rows, lines, count = shape
    b_stride = line(0, samples, lanes)
    tiles, small, higher = tile_heights(rows)
    for first in range(0, lines, TOGETHER):
        i = 0
        for t in range(tiles):
            height = small + 1 if t < higher else small
            tile(height, A, (a[0] + i * a[1], a[1], 1, 0, 0), packed, (first * b_stride, lanes, b_stride),
                 out, (line(o[0], first, lanes) + i * o[1], o[1], lanes), out, (0, 0, 0), (count, 1, min(TOGETHER, lines - first)),
                 (FROM_TARGET, STORED))
            i += height


@kernel
def add_pair(plan, pair, panels, workspace, sums):
    """Add the sums of a pair of layers over the samples of the `panels` panels of the workspace."""
    lanes = lanes_of(sums)
    samples, packed, columns = line(0, panels, lanes), workspace.packed, workspace.columns
    rows, count = (pair.inputs, pair.neurons) if pair.swapped else (pair.neurons, pair.inputs)
    workspace.rows[:rows * samples] = 0
    for i in range(panels):
        row = (line(0, i, lanes), samples)
        columns[:line(0, count, lanes)] = 0
        if pair.swapped:
            add_neuron_pairs(plan, pair, i, workspace, columns, (0, lanes))
            add_input_pairs(plan, pair, i, workspace, workspace.rows, row)
        else:
            add_neuron_pairs(plan, pair, i, workspace, workspace.rows, row)
            add_input_pairs(plan, pair, i, workspace, columns, (0, lanes))
        pack(columns, (0, 0), count, lanes, packed, line(0, line(0, i, lanes), lanes), samples)
    add_products(workspace.rows, (0, samples), packed, samples, sums, (pair.offset, line(0, pair.lines, lanes), 0),
                 (rows, pair.lines, samples))


@kernel
def pair_sums(theta, backward_weights, plan, stack, curvature, pairs, longest, partial, workspaces, span):
    """partial[c] = the sums of all pairs of layers over the samples of node c of partial, in order, for the nodes of `span`;
    through the slot's row of `workspaces`."""
    lanes, nodes = lanes_of(theta), partial.shape[0]
    panels = lines_for(curvature.samples, lanes)
    first, stop, slot = span
    workspace = pair_workspace_of(workspaces[slot], plan, longest)
    for c in range(first, stop):
        sums = partial[c]
        sums[:] = 0
        end = panels * (c + 1) // nodes
        for j in range(panels * c // nodes, end, PART // lanes):
            count = min(PART // lanes, end - j)
            for i in range(count):
                panel_factors(theta, backward_weights, plan, stack, curvature, j + i, i, workspace)
            for e in range(pairs.shape[0]):
                add_pair(plan, layer_pair(pairs, e), count, workspace, sums)


@kernel
def fold_columns(nodes, span):
    """Join nodes [count, .] into nodes[0] by the fixed tree, the columns of `span`."""
    first, stop, _ = span
    step = 1
    while step < nodes.shape[0]:
        for i in range(0, nodes.shape[0] - step, 2 * step):
            target, source = nodes[i], nodes[i + step]
            for k in range(first, stop):
                target[k] += source[k]
        step *= 2


@kernel
def ordered_index(count, p, r):
    """The index of {p, r} among the pairs in order of `count` things."""
    low, high = min(p, r), max(p, r)
    return low * count - low * (low - 1) // 2 + high - low


@kernel
def spread_row(plan, sums, pair, p, q, out):
    """Row (W^l_pq, or b^l_p where q = n_{l-1}) of the upper triangle of J^T H J, its columns of layer k."""
    stride = line(0, pair.lines, lanes_of(sums))
    at = places(plan, pair.k, 1)
    neuron_stride, input_stride = (1, stride) if pair.swapped else (stride, 1)
    for r in range(at.width):
        neurons = p * at.width + r if pair.l < pair.k else ordered_index(at.width, p, r)
        source, target = pair.offset + neurons * neuron_stride, at.weight + r * at.before
        if pair.l < pair.k:
            start = source + q * (at.before + 1) * input_stride
            for t in range(at.before):
                out[target + t] = sums[start + t * input_stride]
            out[at.bias + r] = sums[start + at.before * input_stride]
            continue
        if q < at.before and r >= p:
            for t in range(q if r == p else 0, at.before):
                out[target + t] = sums[source + ordered_index(at.before + 1, q, t) * input_stride]
        if q < at.before or r >= p:
            out[at.bias + r] = sums[source + ordered_index(at.before + 1, q, at.before) * input_stride]


@kernel
def spread(plan, sums, pairs, out, span):
    """The upper triangle of J^T H J into out [P, P], rows of the neurons of `span`, counted through layers."""
    first, stop, _ = span
    for e in range(pairs.shape[0]):
        pair = layer_pair(pairs, e)
        at = places(plan, pair.l, 1)
        for p in range(max(0, first - at.delta), min(at.width, stop - at.delta)):
            for q in range(at.before + 1):
                row = at.bias + p if q == at.before else at.weight + p * at.before + q
                spread_row(plan, sums, pair, p, q, out[row])
