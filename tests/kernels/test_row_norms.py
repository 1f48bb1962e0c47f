"""kernels/row_norms.py against the norms of the rows of J."""

import numpy as np

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
