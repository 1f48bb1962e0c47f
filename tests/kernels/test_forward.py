"""kernels/forward.py against eq. 1, 2 and 4 with tanh."""

import numpy as np

from engine.kernels.activations import ActivationCode, prepare_activations
from engine.kernels.forward import predict, propagate, read_lines, weighted_inputs, write_lines
from engine.kernels.layout import ACTIVATION

from .cases import Problem, check, every_problem, wide


def computed(problem):
    plan, m, lanes = problem.plan.copy(), problem.m, problem.lanes
    plan[1:, ACTIVATION] = ActivationCode.TANH
    prepare_activations([ActivationCode.TANH], problem.dtype)
    lines, no_indices = problem.layout.stack_lines, np.empty(0, np.int64)
    stack, out, again = problem.square(lines), problem.zeros(m, problem.n), problem.zeros(m, problem.n)
    propagate(problem.theta, plan, problem.X, no_indices, stack, out, (1, problem.depth), problem.every)
    predict(problem.theta, plan, problem.X, no_indices, again, problem.zeros(1, 17 * lines * lanes), problem.every)
    z, top = problem.zeros(m, problem.n), problem.zeros(m, problem.n)
    weighted_inputs(problem.theta, plan, problem.depth, stack, z, problem.every)
    written = stack.copy()
    write_lines(z, written, lines * lanes, lines - problem.n, problem.every)
    read_lines(written, lines * lanes, lines - problem.n, top, problem.every)
    return {"stack": problem.unpacked(stack, lines), "a": out, "again": again, "z": z, "top": top}


def expected(problem):
    a, gamma = [wide(problem.X)], []
    for W, b in zip(problem.W[1:], problem.b[1:]):
        z = a[-1] @ W.T + b  # eq. 1
        a.append(np.tanh(z))
        gamma.append(1 - a[-1]**2)
    return {"stack": np.concatenate([*a, *gamma], 1), "a": a[-1], "again": a[-1], "z": z, "top": z}


@every_problem
def test_forward(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
