"""kernels/row_norms.py against the norms of the rows of J."""

import numpy as np
import pytest

from engine.kernels.row_norms import row_norms

from .cases import Problem, check, every_problem, jacobian


def computed(problem):
    out = problem.zeros(problem.m, problem.n)
    row_norms(problem.theta, problem.theta, problem.plan, problem.stack, out, problem.every)
    return {"norms": out}


def expected(problem):
    return {"norms": np.sqrt((jacobian(problem)**2).sum(2))}


@every_problem
def test_row_norms(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("widths", [(3, 20, 9, 1), (3, 5, 4, 3)])
def test_norms_of_panels_taken_together_are_those_of_each_alone(widths, dtype):
    problem = Problem(widths, 150, dtype)
    together, alone = computed(problem)["norms"], problem.zeros(problem.m, problem.n)
    check({"norms": together}, expected(problem))
    for j in range(problem.panels):
        row_norms(problem.theta, problem.theta, problem.plan, problem.stack, alone, (j, j + 1, 0))
    assert np.array_equal(alone, together)
