"""kernels/transposed.py: backward weights hold the transposes of wide layers."""

import numpy as np
import pytest

from engine.kernels.transposed import any_transposed, is_transposed, transpose_weights, weights_back

from .cases import Problem


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("widths", ((3, 130, 67, 2), (3, 17, 1)))
def test_weights_are_read_backward(widths, dtype):
    problem = Problem(widths, 1, dtype)
    back, middle = problem.theta.copy(), sum(widths[1:]) // 3
    transpose_weights(problem.theta, problem.plan, back, (0, middle, 0))
    transpose_weights(problem.theta, problem.plan, back, (middle, sum(widths[1:]), 0))
    assert any_transposed(problem.plan) == (widths[1] > 100)
    for l in range(2, problem.depth + 1):
        first, row, column, _ = weights_back(problem.plan, l)
        rows, columns = np.arange(widths[l - 1]), np.arange(widths[l])
        assert is_transposed(problem.plan, l) == (column == 1 and widths[l] > 1)
        assert np.array_equal(back[first + rows[:, None] * row + columns * column], problem.W[l].T.astype(dtype))
