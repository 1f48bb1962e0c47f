"""J J'^T from the factors: sum over l of (B^l B'^l^T) times (a^{l-1} · a'^{l-1} + 1), never forming a row of J (eq. 8)."""

from .layout import ROW, WIDTH
from .lines_of_plan import chain_lines, stack_lines
from .linked import kernel
from .product import panel_product
from .simd import lanes_of, transpose


@kernel
def gram_size(plan, lanes):
    """Numbers of room that `gram` needs for a pair of panels: inner products of inputs, a product, its sum, the block of out."""
    depth, n = plan.shape[0] - 1, plan[plan.shape[0] - 1, WIDTH]
    return (depth + 2 * n + n * n) * lanes * lanes + lanes * lanes


@kernel
def write_block(block, side, out, row, column, rows, columns, symmetric):
    """rows × columns of a block [side][side] to out from (row, column) on, and mirrored where `symmetric`."""
    lanes, flat, stride = lanes_of(block), out.reshape(-1), out.shape[1]
    for r in range(rows):
        from_, to = block[r * side:r * side + columns], flat[(row + r) * stride + column:(row + r) * stride + column + columns]
        for c in range(columns):
            to[c] = from_[c]
    if not symmetric:
        return
    whole = side // lanes if rows == side and columns == side else 0
    for c in range(whole):
        for r in range(whole):
            transpose(block, (r * lanes * side + c * lanes, side), flat, ((column + c * lanes) * stride + row + r * lanes, stride))
    if whole == 0:
        for r in range(rows):
            for c in range(columns):
                flat[(column + c) * stride + row + r] = block[r * side + c]


@kernel
def gram(plan, stack, chain, other_stack, other_chain, out, symmetric, work, panels):
    """The rows of out [m * n, m' * n] of panels panels[0] … panels[1] - 1 of the first; where `symmetric`, only the columns
    of panels not before the row's, each written to its mirror place too. Row panels[2] of `work` is its room."""
    lanes = lanes_of(stack)
    depth = plan.shape[0] - 1
    n, stride, step = plan[depth, WIDTH], stack_lines(plan) * lanes, chain_lines(plan) * lanes
    gammas = (2 * plan[depth, ROW] + n - plan[0, WIDTH]) * lanes
    m, others, square, side = out.shape[0] // n, out.shape[1] // n, lanes * lanes, lanes * n
    room = work[panels[2]]
    inputs, tile = room[:depth * square], room[depth * square:(depth + n) * square]
    total, block = room[(depth + n) * square:(depth + 2 * n) * square], room[(depth + 2 * n) * square:]
    for j in range(panels[0], panels[1]):
        for k in range(j if symmetric else 0, (others + lanes - 1) // lanes):
            for l in range(1, depth + 1):
                factor = inputs[(l - 1) * square:l * square]
                factor[:] = 1
                panel_product(stack, (j * stride + plan[l - 1, ROW] * lanes, 1, lanes, 0),
                              other_stack, (k * stride + plan[l - 1, ROW] * lanes, 0), factor, (0, 0), factor, (0, 0),
                              (lanes, plan[l - 1, WIDTH], 1), (1, 0))
            top = inputs[(depth - 1) * square:]
            for i in range(n):
                total[:] = 0
                for s in range(lanes):
                    b = stack[j * stride + gammas + i * lanes + s]
                    for t in range(lanes):
                        c = other_stack[k * stride + gammas + i * lanes + t]
                        total[(i * lanes + s) * lanes + t] = b * c * top[s * lanes + t]
                for l in range(depth - 1, 0, -1):
                    line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
                    panel_product(chain, ((j * n + i) * step + line, 1, lanes, 0),
                                  other_chain, (k * n * step + line, step), tile, (0, square), tile, (0, 0),
                                  (lanes, plan[l, WIDTH], n), (0, 0))
                    factor = inputs[(l - 1) * square:l * square]
                    for o in range(n):
                        sums, products = total[o * square:(o + 1) * square], tile[o * square:(o + 1) * square]
                        for e in range(square):
                            sums[e] += products[e] * factor[e]
                for s in range(lanes):
                    for o in range(n):
                        sums, to = total[(o * lanes + s) * lanes:(o * lanes + s + 1) * lanes], (s * n + i) * side + o
                        for t in range(lanes):
                            block[to + t * n] = sums[t]
            rows, columns = min(lanes, m - j * lanes) * n, min(lanes, others - k * lanes) * n
            write_block(block, side, out, j * side, k * side, rows, columns, symmetric)
