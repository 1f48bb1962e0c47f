"""Where a kernel finds things in memory: the only file that reads a column of a plan or counts lanes into offsets.

A *panel* is as many samples as fill one cache line, its lanes: 8 in float64, 16 in float32. A panel's *stack* holds, one cache line
per neuron, a^0 … a^L and then gamma^1 … gamma^L; its *deltas* hold delta^1 … delta^L, and the *chain* of one output holds
B^1 … B^{L-1} at the offsets of delta^1 … delta^{L-1}. A *plan* is an int64 array [L + 1, 7] whose row l says where layer l lies.
``docs/memory.md`` draws the map.
"""

from collections import namedtuple
from typing import NamedTuple

from .compiled import inlined
from .simd import float_of

LINE = 64  # bytes of a cache line
GROUP = 16  # panels that go through a layer together
WIDTH = 0  # n_l
WEIGHT = 1  # where W^l begins in theta
BIAS = 2  # where b^l begins in theta
ACTIVATION = 3  # the code of g^l
ROW = 4  # n_0 + … + n_{l-1}: where a^l begins in a panel's stack, in lines
FIRST, SECOND = 5, 6  # the bits of the parameters of g^l, two float64
TARGET_LINES = 2  # lines of a panel's targets for each output, at most
LOSS_LINES = 5  # lines of a panel that a loss works with beside its outputs, targets and gradient

FROM_ZERO, FROM_TARGET, FROM_BIAS = range(3)  # what a product's sums begin with
STORED, MULTIPLIED = range(2)  # how they end: as they are, or times the lines of M


class ActivationParameters(NamedTuple):
    """The numbers that an activation depends on, such as the slope of leaky_relu; 0 where there is none."""

    first: float
    second: float


# Offsets of layer l, in numbers: of W^l and b^l in theta; of a and gamma from the start of a panel's stack; of delta from the start
# of a panel's deltas, which is also that of B^l from the start of an output's chain. `below` is layer l - 1; before = n_{l-1}.
Places = namedtuple("Places", "width before weight bias activation parameters a_below a gamma_below gamma delta_below delta")
# L, n_0, n = n_L, and the numbers of one panel's stack, of its deltas, and of one output's chain, which is also the offset of
# delta^L in the deltas
PanelSizes = namedtuple("PanelSizes", "depth n_0 n stack deltas chain")


@inlined
def places(plan, l, lanes):
    """The Places of layer l = 1 … L. With lanes = 1 they address what is laid out sample by sample."""
    depth = plan.shape[0] - 1
    gammas = plan[depth, ROW] + plan[depth, WIDTH] - plan[0, WIDTH]  # lines from a^l to gamma^l
    a_below, a = plan[l - 1, ROW] * lanes, plan[l, ROW] * lanes
    inputs = plan[0, WIDTH] * lanes
    parameters = ActivationParameters(float_of(plan[l, FIRST]), float_of(plan[l, SECOND]))
    return Places(plan[l, WIDTH], plan[l - 1, WIDTH], plan[l, WEIGHT], plan[l, BIAS], plan[l, ACTIVATION], parameters,
                  a_below, a, a_below + gammas * lanes, a + gammas * lanes, a_below - inputs, a - inputs)


@inlined
def panel_sizes(plan, lanes):
    """The PanelSizes of a network."""
    depth = plan.shape[0] - 1
    n_0, n, hidden = plan[0, WIDTH], plan[depth, WIDTH], plan[depth, ROW] - plan[0, WIDTH]
    return PanelSizes(depth, n_0, n, (2 * (hidden + n) + n_0) * lanes, (hidden + n) * lanes, hidden * lanes)


@inlined
def weights(at):
    """W^l and b^l as a product reads them: (offset, row stride, column stride, offset of what sums begin with)."""
    return at.weight, at.before, 1, at.bias


@inlined
def line(offset, i, lanes):
    """The offset of line i after `offset`."""
    return offset + i * lanes


@inlined
def lines_for(count, lanes):
    """How many lines hold `count` numbers, or panels `count` samples."""
    return (count + lanes - 1) // lanes


@inlined
def padded(count, lanes):
    """`count` rounded up to whole lines."""
    return (count + lanes - 1) // lanes * lanes


@inlined
def samples_in(panel, lanes, m):
    """How many of m samples lie in a panel."""
    return min(lanes, m - panel * lanes)
