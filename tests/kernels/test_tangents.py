"""kernels/tangents.py against J v."""

import numpy as np

from engine.kernels.tangents import product, tangents

from . import cases
from .cases import Problem, check, every_problem


def computed(problem):
    tangent, out = problem.square(problem.outputs), problem.zeros(problem.m, problem.n)
    tangents(problem.theta, problem.direction, problem.plan, problem.stack, 0, tangent, problem.panels)
    product(problem.theta, problem.plan, problem.stack, problem.direction, out, problem.every)
    return {"top": problem.unpacked(tangent, problem.outputs)[:, problem.hidden:], "J v": out}


def expected(problem):
    Jv = cases.tangents(problem, problem.direction)
    return {"top": Jv, "J v": Jv}


@every_problem
def test_tangents(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
    assert np.array_equal(*computed(problem).values())
