"""Sums over the samples of a block of delta^l ⊗ a^{l-1} (eq. 20): by rows of neurons, of inputs, or with samples in the lanes,
whichever takes the fewest instructions."""

from .layout import line, lines_for, padded, panel_sizes, places
from .linked import kernel, shared
from .product import ROWS, pack, sample_product
from .signatures import Line, Plan
from .simd import SUMS, lanes_of, outer_sums, sum_lines, sums_of_lines
from .sums import BLOCK

four_by_four, two_by_eight, one_by_sixteen = outer_sums(4, 4), outer_sums(2, 8), outer_sums(1, 16)


@kernel
def inputs_as_rows(plan, l, lanes):
    """Whether the gradient of W^l takes fewer lines with the neurons of layer l as lanes."""
    at = places(plan, l, lanes)
    return lines_for(at.width, lanes) * at.before < lines_for(at.before, lanes) * at.width


@kernel
def tiles(rows, columns):
    """Tiles of 4 × 4, 2 × 8 or 1 × 16 that cover so many rows and columns, no fewer than columns; 0 where they do not fit."""
    if rows >= 4:
        return ((rows + 3) // 4) * ((columns + 3) // 4)
    if rows >= 2:
        return (columns + 7) // 8 * (rows // 2 + rows % 2) if columns >= 8 else 0
    return (columns + 15) // 16 if columns >= 16 else 0


@kernel
def samples_as_lanes(plan, l, lanes):
    """Whether samples had better stay the lanes in the gradient of W^l: by the instructions of a block, some 2 samples' worth of
    them to add up the lanes of a tile and 600 to pack a line of neurons."""
    at = places(plan, l, lanes)
    count = tiles(min(at.width, at.before), max(at.width, at.before))
    packed = min(lines_for(at.width, lanes) * (at.before * BLOCK + 600), lines_for(at.before, lanes) * (at.width * BLOCK + 600))
    return 0 < count * (16 * (BLOCK // lanes) + 32) <= packed


@kernel
def outer_gradient(D, d, A, a, panels, out, o, shape):
    """out[p, q] = sum_s D[p, s] A[q, s], lane by lane and then over the lanes; d, a = (offset, panel stride), o = (offset, row
    stride, column stride), shape = (rows, columns), no more rows than columns: the last tiles overlap those before them."""
    lanes = lanes_of(out)
    rows, columns = shape
    height, width = (4, 4) if rows >= 4 else ((2, 8) if rows >= 2 else (1, 16))
    for i in range(0, rows, height):
        p = min(i, rows - height)
        for k in range(0, columns, width):
            q = min(k, columns - width)
            d_tile, a_tile = (line(d[0], p, lanes), d[1]), (line(a[0], q, lanes), a[1])
            o_tile = (o[0] + p * o[1] + q * o[2], o[1], o[2])
            if height == 4:
                four_by_four(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20
            elif height == 2:
                two_by_eight(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20
            else:
                one_by_sixteen(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20


@kernel
def lane_gradient(delta, d, stack, a, panels, out, offset, shape):
    """The sum over `panels` of delta^l ⊗ a^{l-1}, samples in the lanes, to out from `offset` on: shape = (n_l, n_{l-1})."""
    width, before = shape
    if width <= before:
        outer_gradient(delta, d, stack, a, panels, out, (offset, before, 1), (width, before))
    else:
        outer_gradient(stack, a, delta, d, panels, out, (offset, 1, before), (before, width))


@kernel
def outer_scratch_size(plan, lanes):
    """Numbers of scratch that `block_gradient` needs: the factors of the widest layer packed, and a tile of all its columns."""
    widest = 0
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        widest = max(widest, max(at.width, at.before))
    return padded(widest, lanes) * (BLOCK + ROWS)


@shared
def block_gradient(plan: Plan, stack: Line, offset: int, delta: Line, delta_offset: int, count: int, scratch: Line, out: Line):
    """Sum over a block's `count` samples of delta^l ⊗ a^{l-1} and delta^l, to out [P]: weights in the order of the samples,
    biases lane by lane."""
    lanes = lanes_of(out)
    panel, panels = panel_sizes(plan, lanes), lines_for(count, lanes)
    samples = padded(count, lanes)
    b = (0, line(0, samples, lanes))
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        a, d = (offset + at.a_below, panel.stack), (delta_offset + at.delta, panel.deltas)
        tile = scratch[padded(max(at.width, at.before), lanes) * samples:]
        if samples_as_lanes(plan, l, lanes):
            lane_gradient(delta, d, stack, a, panels, out, at.weight, (at.width, at.before))
        elif inputs_as_rows(plan, l, lanes):
            pack(delta, d, at.width, count, scratch, 0, samples)
            sample_product(stack, a, scratch, b, tile, out, (at.weight, 1, at.before), (at.before, at.width, count))  # eq. 20
        else:
            pack(stack, a, at.before, count, scratch, 0, samples)
            sample_product(delta, d, scratch, b, tile, out, (at.weight, at.before, 1), (at.width, at.before, count))  # eq. 20
        bias_gradient(delta, d, panels, out, at.bias, at.width)


@kernel
def bias_gradient(delta, d, panels, out, offset, width):
    """The sum over `panels` of delta^l, lane by lane, to out from `offset` on; d = (offset, panel stride)."""
    lanes = lanes_of(out)
    whole = width // SUMS * SUMS
    for p in range(0, whole, SUMS):
        sums_of_lines(delta, line(d[0], p, lanes), d[1], panels, out, offset + p)  # eq. 20
    for p in range(whole, width):
        out[offset + p] = sum_lines(delta, line(d[0], p, lanes), d[1], panels)  # eq. 20
