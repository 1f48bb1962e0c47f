"""kernels/product.py against products of matrices."""

import numpy as np

from engine.kernels.layout import FROM_BIAS, FROM_TARGET, FROM_ZERO, MULTIPLIED, STORED
from engine.kernels.product import pack, panel_product, sample_product

from .cases import Problem, check, every_problem, wide


def matrices(problem):
    """A [rows, inner], what sums begin with [rows], B [m, inner], C and M [m, rows]."""
    inner, rows = problem.widths[0], 13
    return problem.random(rows, inner), problem.random(rows), problem.random(problem.m, inner), *(problem.random(problem.m, rows)
                                                                                                 for _ in range(2))


def computed(problem):
    A, begin, B, C, M = matrices(problem)
    (rows, inner), lanes, m = A.shape, problem.lanes, problem.m
    theta, panels, factors = np.concatenate([A.reshape(-1), begin]), problem.packed(B), problem.packed(M)
    results = {}
    for name, modes in (("zero", (FROM_ZERO, STORED)), ("target", (FROM_TARGET, MULTIPLIED)), ("bias", (FROM_BIAS, MULTIPLIED))):
        out = problem.packed(C)
        panel_product(theta, (0, inner, 1, rows * inner), panels, (0, inner * lanes), out, (0, rows * lanes),
                      factors, (0, rows * lanes), (rows, inner, problem.panels), modes)
        results[name] = problem.unpacked(out, rows)
    samples = problem.panels * lanes
    packed = problem.zeros(-(-inner // lanes) * lanes * samples)
    pack(panels, (0, inner * lanes), inner, m, packed, 0, samples)
    scratch, sums, transposed = problem.zeros(6 * (inner + lanes)), problem.zeros(rows, inner), problem.zeros(inner, rows)
    shape = (rows, inner, m)
    sample_product(factors, (0, rows * lanes), packed, (0, samples * lanes), scratch, sums.reshape(-1), (0, inner, 1), shape)
    sample_product(factors, (0, rows * lanes), packed, (0, samples * lanes), scratch, transposed.reshape(-1), (0, 1, rows), shape)
    return results | {"sums": sums, "transposed": transposed}


def expected(problem):
    A, begin, B, C, M = map(wide, matrices(problem))
    AB, sums = B @ A.T, M.T @ B
    return {"zero": AB, "target": (C + AB) * M, "bias": (begin + AB) * M, "sums": sums, "transposed": sums.T}


@every_problem
def test_products(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
