"""kernels/ggn_diagonal.py against the diagonal of J^T H J."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("widths", [(3, 20, 9, 1), (3, 5, 4, 3)])
def test_factors_of_panels_taken_together_are_those_of_each_alone(widths, dtype):
    problem = Problem(widths, 150, dtype)
    for _, lines, rank in curvatures(problem).values():
        H, together, alone = Curvature(lines, rank, problem.m), problem.square(problem.outputs), problem.square(problem.outputs)
        diagonal_factors(problem.theta, problem.theta, problem.plan, problem.stack, H, together, problem.every)
        for j in range(problem.panels):
            diagonal_factors(problem.theta, problem.theta, problem.plan, problem.stack, H, alone, (j, j + 1, 0))
        assert np.array_equal(alone, together)
