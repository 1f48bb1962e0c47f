"""kernels/jacobian.py against eq. 8."""

import numpy as np
import pytest

from engine.kernels.chain import chains, chains_size
from engine.kernels.jacobian import dense, dense_size, input_jacobian, read_chain, read_layer

from . import cases
from .cases import Problem, check, every_problem


def computed(problem):
    m, n, plan, stack = problem.m, problem.n, problem.plan, problem.stack
    results = {}
    for streaming in (False, True):
        J = problem.zeros(m * n, problem.size)
        dense(problem.theta, problem.theta, plan, stack, J, problem.zeros(1, dense_size(plan, problem.lanes)), streaming,
              problem.every)
        results[f"J, streaming {streaming}"] = J
    chain = problem.zeros(problem.panels * n * problem.layout.chain_lines * problem.lanes)
    workspace = problem.zeros(1, chains_size(plan, problem.lanes, problem.dtype.itemsize))
    chains(problem.theta, problem.theta, plan, stack, chain, workspace, False, problem.every)
    for l in range(1, problem.depth):
        results[f"B{l}"] = problem.zeros(m * n, problem.widths[l])
        read_chain(problem.theta, plan, l, chain, results[f"B{l}"], problem.every)
    results["X"] = problem.zeros(m * n, problem.widths[0])
    input_jacobian(problem.theta, plan, stack, chain, results["X"], problem.every)
    results["a"] = problem.zeros(m, n)
    read_layer(problem.theta, plan, sum(problem.widths[:-1]), stack, results["a"], problem.every)
    return results


def expected(problem):
    B = cases.chains(problem)
    rows = {f"B{l}": B[l] for l in range(1, problem.depth)} | {"X": np.einsum("kip,pq->kiq", B[1], problem.W[1])}
    J = cases.jacobian(problem)
    rows = rows | {"J, streaming False": J, "J, streaming True": J}
    return {name: row.reshape(problem.m * problem.n, -1) for name, row in rows.items()} | {"a": problem.a[-1]}


@every_problem
def test_jacobian(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_rows_of_any_length_anywhere_in_memory(dtype):
    for before in (*range(1, 10), 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 97):
        for widths in ((before, 1), (1, before, 1), (2, before, 3, 2)):
            problem = Problem(widths, 64 // np.dtype(dtype).itemsize + 1, dtype, before)
            expected = cases.jacobian(problem).reshape(-1)
            workspace = problem.zeros(1, dense_size(problem.plan, problem.lanes))
            for shift in (0, 1, 3):
                for streaming in (False, True):
                    memory = np.full(expected.size + shift + problem.lanes, 7, dtype)
                    J = memory[shift:shift + expected.size].reshape(-1, problem.size)
                    dense(problem.theta, problem.theta, problem.plan, problem.stack, J, workspace, streaming, problem.every)
                    check({"J": J.reshape(-1)}, {"J": expected})
                    assert (memory[:shift] == 7).all() and (memory[shift + expected.size:] == 7).all(), "written outside J"
