"""kernels/ggn.py against J^T H J v."""

import numpy as np

from engine.kernels.ggn import ggn_product
from engine.kernels.levels import fold_nodes
from engine.kernels.output_curvature import Curvature
from engine.kernels.sum_workspace import sum_size
from engine.kernels.sums import BLOCK

from .cases import Problem, check, curvatures, every_problem, jacobian, wide


def computed(problem):
    results, blocks = {}, -(-problem.m // BLOCK)
    for name, (_, lines, rank) in curvatures(problem).items():
        for chunks in range(1, blocks + 1):
            partial = problem.zeros(chunks, problem.size)
            workspaces = problem.zeros(1, sum_size(problem.plan, problem.lanes, problem.m, problem.size, chunks))
            ggn_product(problem.theta, problem.theta, problem.plan, problem.stack, Curvature(lines, rank, problem.m),
                        problem.direction, partial, workspaces, (0, chunks, 0))
            fold_nodes(partial)
        results[name] = partial[0]
    return results


def expected(problem):
    J = jacobian(problem)
    return {name: np.einsum("kip,kiq,kqr,r->p", J, H, J, wide(problem.direction), optimize=True)
            for name, (H, _, _) in curvatures(problem).items()}


@every_problem
def test_ggn_products(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
