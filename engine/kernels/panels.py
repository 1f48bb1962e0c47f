"""Rows of samples into panels, where samples are the lanes, and back."""

import numpy as np

from .layout import line, lines_for, samples_in
from .linked import kernel, shared
from .signatures import Indices, Line, Table
from .simd import lanes_of, read_columns, transpose, transpose_rows, write_columns


@shared
def gather(X: Table, indices: Indices, first: int, count: int, stack: Line, offset: int, stride: int):
    """Samples `first` … of X[indices] (X itself where indices is empty) into panels that begin at `offset`, `stride` apart;
    lanes without a sample repeat the last one. count >= 1."""
    lanes = lanes_of(X)
    width = X.shape[1]
    whole = width // lanes * lanes
    rows = np.empty(lanes, np.int64)
    for j in range(lines_for(count, lanes)):
        panel = offset + j * stride
        for s in range(lanes):
            k = first + min(line(s, j, lanes), count - 1)
            rows[s] = (indices[k] if indices.size > 0 else k) * width
        for q in range(0, whole, lanes):
            transpose_rows(X, rows, q, stack, (line(panel, q, lanes), lanes))
        read_columns(X, rows, (whole, width), stack, panel)


@shared
def scatter(stack: Line, offset: int, stride: int, first: int, count: int, out: Table):
    """Panels [width][lanes] at `offset`, `stride` apart, into the `count` rows of out [m, width] from `first` on."""
    lanes = lanes_of(stack)
    width = out.shape[1]
    for j in range(lines_for(count, lanes)):
        panel, row, samples = offset + j * stride, line(first, j, lanes), samples_in(j, lanes, count)
        if samples == lanes:
            whole = width // lanes * lanes
            for q in range(0, whole, lanes):
                transpose(stack, (line(panel, q, lanes), lanes), out, (row * width + q, width))
            write_columns(stack, panel, (whole, width), out, (row * width, width))
            continue
        for s in range(samples):
            for q in range(width):
                out[row + s, q] = stack[line(panel, q, lanes) + s]


@kernel
def write(values, stack, offset, stride, span):
    """The rows of values [m, width] into lines of the panels of `span`; lanes without a sample are left alone."""
    lanes = lanes_of(stack)
    first, stop, _ = span
    for k in range(line(0, first, lanes), min(line(0, stop, lanes), values.shape[0])):
        sample = offset + k // lanes * stride + k % lanes
        for p in range(values.shape[1]):
            stack[line(sample, p, lanes)] = values[k, p]
