"""Gradients of single samples clipped (Abadi et al. 2016), without the gradients: their norms come from the factors (delta^l,
a^{l-1}), and the deltas are scaled before they are summed (eq. 8 and 20)."""

from typing import NamedTuple

import numpy as np

from .layout import line, panel_sizes, places
from .linked import kernel
from .signatures import Mask, Plan
from .simd import dot_lines, fma, lanes_of, line_products

NONE, SOME, ALL = range(3)  # how many numbers of a part of theta are trained


class Clipping(NamedTuple):
    """How the gradients of samples come into their sum."""

    code: int  # a BlockSum; the rest is for CLIPPED
    norm: float  # the longest that a gradient may be
    trainable: Mask  # [P], or empty: its norm is that of these numbers
    parts: Plan  # [L, 2]: of W^l and of b^l, how many numbers are trained


@kernel
def add_some_weights(at, stack, a, delta, d, trainable, inputs, squares):
    """squares += sum over p of (delta^l_p)^2 times the sum of (a^{l-1}_q)^2 over the q for which w^l_pq is trained."""
    lanes = lanes_of(stack)
    for p in range(at.width):
        inputs[:] = 0
        for q in range(at.before):
            if trainable[at.weight + p * at.before + q]:
                for s in range(lanes):
                    value = stack[line(a, q, lanes) + s]
                    inputs[s] = fma(value, value, inputs[s])
        for s in range(lanes):
            error = delta[line(d, p, lanes) + s]
            squares[s] += error * error * inputs[s]  # eq. 8


@kernel
def add_some_biases(at, delta, d, trainable, squares):
    """squares += the sum of (delta^l_p)^2 over the p for which b^l_p is trained."""
    lanes = lanes_of(delta)
    for p in range(at.width):
        if trainable[at.bias + p]:
            for s in range(lanes):
                error = delta[line(d, p, lanes) + s]
                squares[s] = fma(error, error, squares[s])


@kernel
def gradient_squares(plan, stack, offset, delta, delta_offset, clipping, inputs, errors, squares):
    """|∇L|^2 of a panel's samples into squares [lanes]: the sum over l of |delta^l|^2 (|a^{l-1}|^2 + 1), of what is trained."""
    lanes, zero, one = lanes_of(stack), stack.dtype.type(0), stack.dtype.type(1)
    squares[:] = 0
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        a, d = offset + at.a_below, delta_offset + at.delta
        weights, biases = clipping.parts[l - 1, 0], clipping.parts[l - 1, 1]
        if weights == ALL or biases == ALL:
            dot_lines(stack, a, stack, a, inputs, 0, at.before)
            dot_lines(delta, d, delta, d, errors, 0, at.width)
            for s in range(lanes):
                squares[s] += errors[s] * ((inputs[s] if weights == ALL else zero) + (one if biases == ALL else zero))  # eq. 8
        if weights == SOME:
            add_some_weights(at, stack, a, delta, d, clipping.trainable, inputs, squares)
        if biases == SOME:
            add_some_biases(at, delta, d, clipping.trainable, squares)


@kernel
def clip_deltas(plan, stack, offset, delta, delta_offset, panels, clipping):
    """Scale the deltas of each sample of `panels` panels by min(1, c / |∇L|), so that they are those of its clipped gradient."""
    lanes = lanes_of(stack)
    panel, one = panel_sizes(plan, lanes), stack.dtype.type(1)
    most, lines = stack.dtype.type(clipping.norm), panel.deltas // lanes
    inputs, errors = np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype)
    factors = np.empty(lanes, stack.dtype)
    for j in range(panels):
        d = delta_offset + j * panel.deltas
        gradient_squares(plan, stack, offset + j * panel.stack, delta, d, clipping, inputs, errors, factors)
        for s in range(lanes):
            norm = np.sqrt(factors[s])
            factors[s] = most / norm if norm > most else one
        line_products(factors, 0, delta, d, delta, d, lines)


@kernel
def clip_panels(plan, stack, delta, clipping, span):
    """Scale the deltas of the panels of `span` to those of clipped gradients, each panel's at its own offset."""
    panel = panel_sizes(plan, lanes_of(stack))
    first, stop, _ = span
    clip_deltas(plan, stack, first * panel.stack, delta, first * panel.deltas, stop - first, clipping)


@kernel
def add_noise(gradient, noise, deviation, share):
    """gradient [P] <- (gradient + deviation · noise) · share, each rounded, for noise [P or more]."""
    sigma, scale = gradient.dtype.type(deviation), gradient.dtype.type(share)
    for i in range(gradient.size):
        gradient[i] = (gradient[i] + sigma * noise[i]) * scale
