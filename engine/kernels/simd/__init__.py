"""The only place that emits LLVM: fused multiply-add and the bits of a float, the register tile, whole cache lines."""

from .columns import read_columns, write_columns
from .dots import dot_lines, square_sums, weighted_squares
from .lanes import SUMS, outer_sums, sums_of_lines
from .lines import (
    address_of,
    copy_lines,
    fma_lines,
    fma_scaled_lines,
    lanes_of,
    line_products,
    multiply_lines,
    scale_lines,
    scatter_line,
    stream,
    sum_lines,
    transpose,
    transpose_rows,
)
from .outer import outer_lines
from .pairs import paired_lines
from .plain import horner_by_two
from .scalar import (
    binary_exponent,
    binary_fraction,
    bits_of,
    float_of,
    fma,
    half_power,
    nearest,
    negated_by_quadrant,
    number,
    polynomial,
    scale_by_power,
)
from .tile import tile, tile_groups

__all__ = ["SUMS", "address_of", "binary_exponent", "binary_fraction", "bits_of", "copy_lines", "dot_lines", "float_of", "fma",
           "fma_lines", "fma_scaled_lines", "half_power", "horner_by_two", "lanes_of", "line_products", "multiply_lines",
           "nearest", "negated_by_quadrant", "number", "outer_lines", "outer_sums", "paired_lines", "polynomial", "read_columns",
           "scale_by_power", "scale_lines", "scatter_line", "square_sums", "stream", "sum_lines", "sums_of_lines", "tile",
           "tile_groups", "transpose", "transpose_rows", "weighted_squares", "write_columns"]
