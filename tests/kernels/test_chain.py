"""kernels/chain.py against eq. 7."""

import numpy as np

from engine.kernels.chain import chains, chains_size

from . import cases
from .cases import Problem, check, every_problem


def computed(problem):
    n, size = problem.n, problem.layout.chain_lines * problem.lanes
    results = {}
    for streaming in (False, True):
        chain = problem.zeros(problem.panels * n * size)
        workspace = problem.zeros(1, chains_size(problem.plan, problem.lanes, problem.dtype.itemsize))
        chains(problem.theta, problem.theta, problem.plan, problem.stack, chain, workspace, streaming, problem.every)
        results[f"B, streaming {streaming}"] = problem.unpacked(chain, n * problem.layout.chain_lines)
    return results


def expected(problem):
    B = np.concatenate([*cases.chains(problem)[1:-1], np.empty((problem.m, problem.n, 0))], 2).reshape(problem.m, -1)
    return {"B, streaming False": B, "B, streaming True": B}


@every_problem
def test_chains(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
