"""J^T H J entry by entry from the factors: for every pair of layers the sum over samples of (B^l^T H B^k) ⊗ (ā^{l-1} ⊗ ā^{k-1}),
ā = (a, 1), as one product of matrices. Of two equal layers only pairs in order are summed: a quarter of the work."""

from .chain import chain_panels
from .layout import BIAS, ROW, WEIGHT, WIDTH
from .lines_of_plan import chain_lines, delta_lines, stack_lines
from .linked import kernel, shared
from .output_curvature import curvature_lines
from .product import ROWS, pack
from .simd import fma_lines, lanes_of, tile

PART = 64  # samples whose factors lie in the cache at once
TOGETHER = 4  # lines of one side that stay in the first-level cache while the other passes: 1-20-20-1, m 2000: 12.3 to 9.5 ms
FIRST, SECOND, NEURONS, INPUTS, PLACE, LINES, SWAPPED = range(7)  # of a pair of layers


@kernel
def input_lines(plan):
    """Lines of ā^0 … ā^{L-1}."""
    return plan[plan.shape[0] - 1, ROW] + plan.shape[0] - 1


@kernel
def pair_places(plan, pairs, lanes):
    """Fill pairs [L (L + 1) / 2, 7]: layers l <= k, pairs of neurons, pairs of inputs, where their sums begin, lines of a row, and
    whether rows are pairs of inputs; how many numbers the sums are, and the most lines of either kind."""
    size, most, e = 0, 0, 0
    for l in range(1, plan.shape[0]):
        for k in range(l, plan.shape[0]):
            width, before = plan[l, WIDTH], plan[l - 1, WIDTH] + 1
            neurons, inputs = width * plan[k, WIDTH], before * (plan[k - 1, WIDTH] + 1)
            if l == k:
                neurons, inputs = width * (width + 1) // 2, before * (before + 1) // 2
            straight, turned = (inputs + lanes - 1) // lanes, (neurons + lanes - 1) // lanes
            swapped = 5 * turned * inputs < 4 * straight * neurons  # what is packed costs more
            pairs[e, FIRST], pairs[e, SECOND], pairs[e, NEURONS], pairs[e, INPUTS], pairs[e, PLACE] = l, k, neurons, inputs, size
            pairs[e, LINES], pairs[e, SWAPPED] = turned if swapped else straight, swapped
            size += (inputs if swapped else neurons) * pairs[e, LINES] * lanes
            most = max(most, max(straight, turned))
            e += 1
    return size, most * lanes


@kernel
def pair_size(plan, lanes, most):
    """Numbers of room that `pair_sums` needs: chains, B and H B, inputs, both sides of a product, one side of a panel."""
    n = plan[plan.shape[0] - 1, WIDTH]
    factors = n * (chain_lines(plan) + 2 * delta_lines(plan) * PART // lanes) * lanes + input_lines(plan) * PART
    return factors + most * (2 * PART + lanes) + lanes * lanes


@shared("line plan line integer line line integer")
def weighted_factors(theta, plan, chain, place, stack, factors, to):
    """B^l of all layers of one panel from its chain, at `to` in factors [n][n_1 + … + n_L][lanes]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, step, held = plan[depth, WIDTH], chain_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = place + (2 * plan[depth, ROW] + n - plan[0, WIDTH]) * lanes
    factors[to:to + n * held] = 0
    for i in range(n):
        for s in range(step):
            factors[to + i * held + s] = chain[i * step + s]
        for s in range(lanes):
            factors[to + i * held + step + i * lanes + s] = stack[gammas + i * lanes + s]  # eq. 7, l = L


@shared("line 2 line integer integer 2")
def curved_factors(lines, h, factors, b, c, shape):
    """H B of one panel at c in factors from B at b: h = (first, rank 0 or -1) of H, shape = (n, lines of B)."""
    lanes = lanes_of(lines)
    n, count = shape
    factors[c:c + n * count * lanes] = 0
    for i in range(n):
        for q in range(i if h[1] == 0 else 0, i + 1 if h[1] == 0 else n):
            at = h[0] + (i if h[1] == 0 else i * n + q) * lanes
            fma_lines(lines, (at, 0), factors, (b + q * count * lanes, lanes), factors, (c + i * count * lanes, lanes), count)


@shared("line 2 line 2 line 2 integer")
def outer_pairs(X, x, Y, y, out, o, ordered):
    """Add the products of lines x[0] … of X, x[1] in all, and lines y[0] … of Y to the lines o[0], o[0] + o[1] … of out; where
    `ordered`, only those with a line of Y that is not before X's."""
    lanes = lanes_of(out)
    to = o[0]
    for p in range(x[1]):
        skip = p if ordered != 0 else 0
        fma_lines(X, (x[0] + p * lanes, 0), Y, (y[0] + skip * lanes, lanes), out, (to, o[1]), y[1] - skip)
        to += (y[1] - skip) * o[1]


@shared("line 2 line integer line 3 3")
def add_products(A, a, packed, held, out, o, shape):
    """out[i, k] += sum over s of A[i, s] packed[k, s], in the order of s: a = (first, row stride), o = (first, row stride, 0),
    packed [line][held][lanes], shape = (rows, lines, samples)."""
    lanes = lanes_of(out)
    rows, lines, count = shape
    tiles = (rows + ROWS - 1) // ROWS
    small, larger = rows // tiles, rows % tiles
    for first in range(0, lines, TOGETHER):
        some, place, i = min(TOGETHER, lines - first), o[0] + first * lanes, 0
        for t in range(tiles):
            height = small + 1 if t < larger else small
            tile(height, A, (a[0] + i * a[1], a[1], 1, 0, 0), packed, (first * held * lanes, lanes, held * lanes),
                 out, (place + i * o[1], o[1], lanes), out, (0, 0, 0), (count, 1, some), (1, 0))
            i += height


@kernel
def pair_sums(theta, back, plan, stack, curvature, pairs, most, partial, work, nodes):
    """partial[c] = the sums of all pairs of layers over the samples of node c of partial, in order, for c in nodes[0] …
    nodes[1] - 1; row nodes[2] of `work` is its room."""
    lanes = lanes_of(theta)
    depth, count = plan.shape[0] - 1, partial.shape[0]
    n, stride, held = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    inputs, all_panels, width = input_lines(plan) * lanes, (curvature.samples + lanes - 1) // lanes, PART // lanes
    room = work[nodes[2]]
    end = n * chain_lines(plan) * lanes
    chain, room = room[:end + lanes], room[end:]
    factors, room = room[:2 * n * held * width], room[2 * n * held * width:]
    ones, room = room[:inputs * width], room[inputs * width:]
    left, packed, one = room[:most * PART], room[most * PART:2 * most * PART], room[2 * most * PART:]
    for c in range(nodes[0], nodes[1]):
        sums = partial[c]
        sums[:] = 0
        last = all_panels * (c + 1) // count
        for first in range(all_panels * c // count, last, width):
            some = min(width, last - first)
            for j in range(some):
                place, to = (first + j) * stride, 2 * j * n * held
                chain_panels(theta, back, plan, stack, chain, 0, (first + j, first + j + 1))
                weighted_factors(theta, plan, chain, place, stack, factors, to)
                curved_factors(curvature.lines, ((first + j) * curvature_lines(n, curvature.rank) * lanes, curvature.rank),
                               factors, to, to + n * held, (n, delta_lines(plan)))
                at = j * inputs
                for l in range(depth):
                    line = place + plan[l, ROW] * lanes
                    for s in range(plan[l, WIDTH] * lanes):
                        ones[at + s] = stack[line + s]
                    at += plan[l, WIDTH] * lanes
                    ones[at:at + lanes] = 1
                    at += lanes
            for e in range(pairs.shape[0]):
                l, k, swapped = pairs[e, FIRST], pairs[e, SECOND], pairs[e, SWAPPED]
                rows, columns = pairs[e, NEURONS], pairs[e, INPUTS]
                if swapped:
                    rows, columns = columns, rows
                left[:rows * some * lanes] = 0
                for j in range(some):
                    to = 2 * j * n * held
                    neurons = to + (plan[l, ROW] - plan[0, WIDTH]) * lanes
                    bent = to + n * held + (plan[k, ROW] - plan[0, WIDTH]) * lanes
                    ins = (j * inputs + (plan[l - 1, ROW] + l - 1) * lanes, plan[l - 1, WIDTH] + 1)
                    outs = (j * inputs + (plan[k - 1, ROW] + k - 1) * lanes, plan[k - 1, WIDTH] + 1)
                    one[:columns * lanes] = 0
                    for i in range(n):
                        b, hb = (neurons + i * held, plan[l, WIDTH]), (bent + i * held, plan[k, WIDTH])
                        if swapped:
                            outer_pairs(factors, b, factors, hb, one, (0, lanes), l == k)
                        else:
                            outer_pairs(factors, b, factors, hb, left, (j * lanes, some * lanes), l == k)
                    if swapped:
                        outer_pairs(ones, ins, ones, outs, left, (j * lanes, some * lanes), l == k)
                    else:
                        outer_pairs(ones, ins, ones, outs, one, (0, lanes), l == k)
                    pack(one, (0, 0), columns, lanes, packed, j * lanes * lanes, some * lanes)
                add_products(left, (0, some * lanes), packed, some * lanes, sums, (pairs[e, PLACE], pairs[e, LINES] * lanes, 0),
                             (rows, pairs[e, LINES], some * lanes))


@kernel
def fold_columns(nodes, columns):
    """Join nodes [count, .] into nodes[0] by the fixed tree, columns columns[0] … columns[1] - 1."""
    step = 1
    while step < nodes.shape[0]:
        for i in range(0, nodes.shape[0] - step, 2 * step):
            target, source = nodes[i], nodes[i + step]
            for k in range(columns[0], columns[1]):
                target[k] += source[k]
        step *= 2


@kernel
def ordered_place(count, p, r):
    """Where (p, r), p <= r < count, lies among pairs in order."""
    return p * count - p * (p - 1) // 2 + r - p


@kernel
def spread_row(plan, sums, pair, place, out):
    """Row (W^l_pq, or b^l_p where q = n_{l-1}) of the upper triangle of J^T H J, its columns of layer k: place = (p, q)."""
    lanes = lanes_of(sums)
    l, k, stride = pair[FIRST], pair[SECOND], pair[LINES] * lanes
    p, q = place
    width, before = plan[k, WIDTH], plan[k - 1, WIDTH]
    neuron_step, input_step = (1, stride) if pair[SWAPPED] else (stride, 1)
    for r in range(width):
        neurons = p * width + r if l < k else ordered_place(width, min(p, r), max(p, r))
        at = pair[PLACE] + neurons * neuron_step
        to = plan[k, WEIGHT] + r * before
        if l < k:
            start = at + q * (before + 1) * input_step
            for t in range(before):
                out[to + t] = sums[start + t * input_step]
            out[plan[k, BIAS] + r] = sums[start + before * input_step]
            continue
        if q < before and r >= p:
            for t in range(q if r == p else 0, before):
                out[to + t] = sums[at + ordered_place(before + 1, min(q, t), max(q, t)) * input_step]
        if q < before or r >= p:
            out[plan[k, BIAS] + r] = sums[at + ordered_place(before + 1, q, before) * input_step]


@kernel
def spread(plan, sums, pairs, out, neurons):
    """The upper triangle of J^T H J into out [P, P], rows of the neurons neurons[0] … neurons[1] - 1, counted through layers."""
    for e in range(pairs.shape[0]):
        l = pairs[e, FIRST]
        before, first = plan[l - 1, WIDTH], plan[l, ROW] - plan[0, WIDTH]
        for p in range(max(0, neurons[0] - first), min(plan[l, WIDTH], neurons[1] - first)):
            for q in range(before + 1):
                row = plan[l, BIAS] + p if q == before else plan[l, WEIGHT] + p * before + q
                spread_row(plan, sums, pairs[e], (p, q), out[row])
