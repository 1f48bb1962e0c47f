"""kernels/ggn_diagonal.py against the diagonal of J^T H J."""

import numpy as np

from engine.kernels.ggn_diagonal import diagonal_factors, rank_factors, square_sums
from engine.kernels.levels import fold_nodes
from engine.kernels.output_curvature import Curvature
from engine.kernels.sum_workspace import sum_size

from .cases import Problem, check, curvatures, every_problem, jacobian


def computed(problem):
    results = {}
    for name, (_, lines, rank) in curvatures(problem).items():
        factors, partial = problem.square(problem.outputs), problem.zeros(1, problem.size)
        factor_kernel = rank_factors if name == "a term" else diagonal_factors
        factor_kernel(problem.theta, problem.theta, problem.plan, problem.stack, Curvature(lines, rank, problem.m), factors,
                      problem.every)
        workspaces = problem.zeros(1, sum_size(problem.plan, problem.lanes, problem.m, problem.size, 1))
        square_sums(problem.theta, problem.plan, problem.stack, factors, problem.m, partial, workspaces, (0, 1, 0))
        fold_nodes(partial)
        results[name] = partial[0]
    return results


def expected(problem):
    J = jacobian(problem)
    return {name: np.einsum("kip,kiq,kqp->p", J, H, J, optimize=True) for name, (H, _, _) in curvatures(problem).items()}


@every_problem
def test_ggn_diagonals(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
