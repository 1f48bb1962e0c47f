"""kernels/deltas.py against eq. 7, transposed."""

import numpy as np

from engine.kernels.deltas import deltas

from .cases import Problem, backward, check, every_problem


def computed(problem):
    delta = problem.packed(np.pad(problem.output_gradient, ((0, 0), (problem.hidden, 0))))
    deltas(problem.theta, problem.plan, problem.stack, 0, delta, 0, problem.m)
    return {"delta": problem.unpacked(delta, problem.outputs)}


def expected(problem):
    return {"delta": np.concatenate(backward(problem, problem.output_gradient)[1:], 1)}


@every_problem
def test_deltas(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
