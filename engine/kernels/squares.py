"""Squares [lanes][lanes]: one number for each sample of one panel with each sample of another."""

from .compiled import inlined
from .layout import FROM_TARGET, STORED, line, places, samples_in
from .linked import kernel
from .product import panel_product
from .simd import lanes_of

SQUARES = 16  # panels that a panel is multiplied with together


@inlined
def inner_products(A, a, B, b, out, shape, begin):
    """The squares of the panel of A at `a` with each of some panels of B, b = (offset, panel stride), into out: inner products
    over lines, shape = (lines, panels of B), begun as a product is."""
    lanes = lanes_of(out)
    panel_product(A, (a, 1, lanes, 0), B, b, out, (0, line(0, lanes, lanes)), out, (0, 0), (lanes, shape[0], shape[1]),
                  (begin, STORED))


@inlined
def input_products(plan, a, A, b, B, stride, inputs, count):
    """a^{l-1} · a'^{l-1} + 1 of a panel, whose stack begins at `a` in A, with `count` panels, whose stacks begin at `b` in B,
    `stride` apart: as squares into row l - 1 of inputs [L, .]."""
    lanes = lanes_of(A)
    inputs[:] = 1
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        inner_products(A, a + at.a_below, B, (b + at.a_below, stride), inputs[l - 1], (at.before, count), FROM_TARGET)


@inlined
def add_multiplied(total, squares, factors, count):
    """total += squares ⊙ factors, `count` numbers."""
    for e in range(count):
        total[e] += squares[e] * factors[e]


@kernel
def write_squares(squares, out, j, k, count, symmetric):
    """The squares of panel j with the `count` panels from k on to their rows and columns of out [m, m'], and where `symmetric` to
    their mirror places too."""
    lanes = lanes_of(squares)
    row, column, square = line(0, j, lanes), line(0, k, lanes), line(0, lanes, lanes)
    for s in range(samples_in(j, lanes, out.shape[0])):
        for t in range(min(line(0, count, lanes), out.shape[1] - column)):
            value = squares[line(t // lanes * square, s, lanes) + t % lanes]
            out[row + s, column + t] = value
            if symmetric:
                out[column + t, row + s] = value
