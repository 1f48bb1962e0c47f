"""Rows of samples into panels, where samples are the lanes, and back."""

import numpy as np

from .linked import kernel, shared
from .simd import lanes_of, read_columns, transpose, transpose_rows, write_columns


@shared("table indices integer integer line integer integer")
def gather(X, indices, first, count, stack, place, stride):
    """Samples `first` … of X[indices] (X itself where indices is empty) into panels that begin at `place`, `stride` apart;
    lanes without a sample repeat the last one. count >= 1."""
    lanes = lanes_of(X)
    width = X.shape[1]
    whole = width // lanes * lanes
    rows = np.empty(lanes, np.int64)
    for j in range((count + lanes - 1) // lanes):
        to = place + j * stride
        for s in range(lanes):
            k = first + min(j * lanes + s, count - 1)
            rows[s] = (indices[k] if indices.size > 0 else k) * width
        for q in range(0, whole, lanes):
            transpose_rows(X, rows, q, stack, (to + q * lanes, lanes))
        read_columns(X, rows, (whole, width), stack, to)


@shared("line integer integer integer integer table")
def scatter(stack, place, stride, first, count, out):
    """Panels [width][lanes] at `place`, `stride` apart, into the rows `first` … of out [m, width]."""
    lanes = lanes_of(stack)
    width = out.shape[1]
    for j in range((count + lanes - 1) // lanes):
        at, row = place + j * stride, first + j * lanes
        some = min(lanes, count - j * lanes)
        whole = width // lanes * lanes if some == lanes else 0
        for q in range(0, whole, lanes):
            transpose(stack, (at + q * lanes, lanes), out, (row * width + q, width))
        if some == lanes:
            write_columns(stack, at, (whole, width), out, (row * width, width))
            continue
        for s in range(some):
            for q in range(width):
                out[row + s, q] = stack[at + q * lanes + s]


@kernel
def write(values, stack, place, stride, panels):
    """The rows of values [m, width] into lines of panels panels[0] … panels[1] - 1; lanes without a sample are left alone."""
    lanes = lanes_of(stack)
    for s in range(panels[0] * lanes, min(panels[1] * lanes, values.shape[0])):
        to = place + s // lanes * stride + s % lanes
        for p in range(values.shape[1]):
            stack[to + p * lanes] = values[s, p]
