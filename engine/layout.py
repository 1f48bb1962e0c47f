"""Where W^l and b^l lie in theta (eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .kernels.layout import ACTIVATION, BIAS, FIRST, ROW, SECOND, WEIGHT, WIDTH

NEURON = 30  # multiply-adds that an activation takes as long as


class Layout:
    """The places of every layer's weights and biases in θ = (W¹, b¹, …, Wᴸ, bᴸ), each W row-major (paper §2, eq. 3).

    Parameters
    ----------
    widths : tuple of int
        (n_0, …, n_L), checked.
    codes : tuple of int
        The kernels' code of g^l for l = 1 … L.
    parameters : sequence of tuple of float, optional
        The numbers, at most two, that each g^l depends on.

    Attributes
    ----------
    size : int
        P = Σ_l n_l (n_{l−1} + 1).
    sample_work : int
        The work of one sample's forward pass, in multiply-adds.
    plan : ndarray of int64, [L + 1, 7]
        What the kernels read; its columns are named in ``kernels/layout.py``.
    """

    def __init__(self, widths: tuple[int, ...], codes: Sequence[int],
                 parameters: Sequence[tuple[float, ...]] | None = None) -> None:
        self.widths = widths
        plan = np.zeros((len(widths), 7), np.int64)
        for l, numbers in enumerate(parameters or (), 1):
            plan[l, FIRST:SECOND + 1].view(np.float64)[:len(numbers)] = numbers
        place = row = 0
        for l, width in enumerate(widths):
            plan[l, WIDTH], plan[l, ROW] = width, row
            row += width
            if l > 0:
                plan[l, WEIGHT] = place
                plan[l, BIAS] = place + width * widths[l - 1]
                plan[l, ACTIVATION] = codes[l - 1]
                place = int(plan[l, BIAS]) + width
        self.plan, self.size, self.neurons = plan, place, row
        self.stack_lines = 2 * row - widths[0]
        self.sample_work = place + NEURON * (row - widths[0])
        self.chain_lines = row - widths[0] - widths[-1]

    def weight_slice(self, l: int) -> slice:
        """The slice of θ that holds W^l, row-major."""
        return slice(int(self.plan[l, WEIGHT]), int(self.plan[l, BIAS]))

    def bias_slice(self, l: int) -> slice:
        """The slice of θ that holds b^l."""
        first = int(self.plan[l, BIAS])
        return slice(first, first + self.widths[l])

    def a_line(self, l: int) -> int:
        """Where a^l begins in a panel's stack."""
        return int(self.plan[l, ROW])

    def gamma_line(self, l: int) -> int:
        """Where γ^l begins in a panel's stack."""
        return self.neurons + int(self.plan[l, ROW]) - self.widths[0]
