"""kernels/outer_products.py against eq. 20."""

import numpy as np
import pytest

from engine.kernels.outer_products import block_gradient, outer_scratch_size
from engine.kernels.sums import BLOCK

from .cases import Problem, check, every_problem, outer_sums, wide


def computed(problem):
    count, delta, out = min(problem.m, BLOCK), problem.random(problem.m, problem.outputs), problem.zeros(problem.size)
    scratch = problem.zeros(outer_scratch_size(problem.plan, problem.lanes))
    panels = problem.packed(delta)
    block_gradient(problem.plan, problem.stack, 0, panels, 0, count, scratch, out)
    return {"gradient": out, "delta": delta}


def expected(problem):
    count, delta = min(problem.m, BLOCK), wide(problem.random(problem.m, problem.outputs))
    return {"delta": delta, "gradient": outer_sums(problem, problem.by_layer(delta[:count]), [a[:count] for a in problem.a])}


@every_problem
def test_outer_products(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("widths", [(4, 9, 4), (2, 20, 20, 1), (1, 8, 3), (16, 7, 24)], ids=str)
def test_tiles_that_overlap_and_biases_beyond_eight(widths, dtype):
    problem = widths, 70, dtype
    check(computed(Problem(*problem)), expected(Problem(*problem)))
